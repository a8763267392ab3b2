"""What is packaged: the version, the commit and its time."""

import os
import pathlib
import re
import signal
import subprocess
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failure(Exception):
    """A sentence for the user of scripts/package."""


def output(*command, **options):
    """What a command prints."""
    command = [str(word) for word in command]
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
                                   **options)
    except FileNotFoundError:
        raise Failure(f"there is no {command[0]}; scripts/setup installs it or says how") from None
    with process:
        try:
            printed, _ = process.communicate()
        except BaseException:
            # The program is being stopped: also stop what the command has started, such as compilers.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise Failure(f"this failed with {process.returncode}: {' '.join(command)}")
    return printed


def _git(*arguments):
    # A container's user does not own the folder that it was given.
    return output("git", "--no-optional-locks", "-c", f"safe.directory={ROOT}", *arguments,
                  stderr=subprocess.DEVNULL).strip()


class Source:
    def __init__(self):
        self.manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.version = self.manifest["version"]
        try:
            # The folder may be in another repository, which has other commits.
            if pathlib.Path(_git("rev-parse", "--show-toplevel")) != ROOT:
                raise Failure("not the folder of a repository")
            self.commit = _git("rev-parse", "HEAD")
            # New files count, because the packages have all documents of docs.
            self.is_modified = bool(_git("status", "--porcelain"))
            time_of_commit = _git("log", "-1", "--format=%ct")
        except Failure:  # not a git repository
            self.commit, self.is_modified, time_of_commit = None, None, None
        epoch = os.environ.get("SOURCE_DATE_EPOCH") or time_of_commit
        if not epoch:
            raise Failure("this is not a git repository: set SOURCE_DATE_EPOCH to the time of the source, in seconds")
        if not re.fullmatch("[0-9]{1,11}", epoch):
            raise Failure(f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, and is {epoch!r}")
        self.epoch = int(epoch)

    @property
    def date(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.epoch))

    @property
    def repository(self):
        return self.manifest["repository"]
