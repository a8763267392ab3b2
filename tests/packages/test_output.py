"""What scripts/package does in an unusual source folder, or with an unusual folder to write into."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import builds
import pytest
from system import LIMIT, wait_until

sys.path.append(str(builds.ROOT / "scripts"))
from packager import output, source
from packager.source import Failure, Source


def finished(folder, **files):
    """A folder as a run leaves it."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    sums = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items())
    (folder / "SHA256SUMS").write_text(sums)
    return folder


def content(folder):
    return {file.name: file.read_text() for file in folder.iterdir() if file.name != "SHA256SUMS"}


def test_a_run_replaces_the_files_of_the_run_before(tmp_path):
    folder, made = finished(tmp_path / "dist", old="1", both="1"), finished(tmp_path / "made", new="2", both="2")
    output.replace_output(folder, made)
    assert content(folder) == {"new": "2", "both": "2"}
    assert "new" in (folder / "SHA256SUMS").read_text()

    # As a run leaves it that is interrupted in between.
    (folder / "new").unlink()
    output.check_output(folder)
    (folder / "both").unlink()
    output.check_output(folder)


def test_a_run_deletes_no_file_of_others(tmp_path):
    folder = finished(tmp_path / "dist", old="1")
    (folder / "notes").write_text("mine")
    with pytest.raises(Failure, match=r"not those of an earlier run \(notes\)"):
        output.check_output(folder)
    with pytest.raises(Failure, match="not those of an earlier run"):
        output.replace_output(folder, finished(tmp_path / "made", new="2"))
    assert content(folder) == {"old": "1", "notes": "mine"}
    with pytest.raises(Failure, match="is not a folder"):
        output.check_output(folder / "notes")


def test_the_program_refuses_before_it_compiles(tmp_path):
    (tmp_path / "notes").write_text("mine")
    done = subprocess.run([builds.ROOT / "scripts/package", "--output", tmp_path], cwd=tmp_path, timeout=60,
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"scripts/package: {tmp_path} has files")
    assert (tmp_path / "notes").exists()


def test_nothing_runs_on_when_the_program_is_stopped(tmp_path):
    # In place of cargo: a program that starts another, as cargo starts rustc.
    cargo, started = tmp_path / "cargo", tmp_path / "started"
    cargo.write_text(f'#!/bin/sh\n[ "$1" = build ] || exec true\nsleep 600 &\necho $! >{started}.part\n'
                     f"mv {started}.part {started}\nwait\n")
    cargo.chmod(0o755)
    command = [sys.executable, builds.ROOT / "scripts/package", "--output", tmp_path / "dist"]
    with subprocess.Popen(command, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
                          stderr=subprocess.PIPE, text=True) as process:
        wait_until(started.exists, "the build has begun")
        process.terminate()
        assert process.communicate(timeout=LIMIT)[1] == "scripts/package: stopped\n"
        assert process.returncode == 1
    state = pathlib.Path(f"/proc/{started.read_text().strip()}/stat")
    wait_until(lambda: not state.exists() or state.read_text().split()[2] == "Z", "what it has started is stopped")
    assert not (tmp_path / "dist").exists()


def test_the_time_of_the_source(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert Source().date == "1970-01-02T00:00:00Z"
    for wrong in ("yesterday", "-1", "1.5", "99999999999999"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(Failure, match="SOURCE_DATE_EPOCH must be"):
            Source()


def test_the_commit_is_that_of_the_source_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    root = tmp_path / "repository/jrs"
    root.mkdir(parents=True)
    shutil.copy(builds.ROOT / "Cargo.toml", root)
    monkeypatch.setattr(source, "ROOT", root)

    def git(folder, *arguments):
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments]
        subprocess.run(command, cwd=folder, check=True, timeout=60)

    # A tarball of the source, unpacked in the folder of something else.
    git(root.parent, "init", "--quiet")
    git(root.parent, "commit", "--quiet", "--allow-empty", "--message", "other")
    with pytest.raises(Failure, match="not a git repository"):
        Source()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert Source().commit is None

    # A file that git does not know is a change, because it may be packaged.
    git(root, "init", "--quiet")
    git(root, "add", "Cargo.toml")
    git(root, "commit", "--quiet", "--message", "first")
    assert Source().is_modified is False
    (root / "docs").mkdir()
    (root / "docs/new.md").write_text("new")
    assert Source().is_modified is True
