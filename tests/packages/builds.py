"""The two builds that the tests compare: in the source folder, and in a copy of it in another folder.

As a program it makes both, so that they are ready when the tests need them.
"""

import concurrent.futures
import filecmp
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
COPY = ROOT / "target/packages/a-folder-with-another-name"


def package(root, *arguments):
    command = [sys.executable, root / "scripts/package", *arguments]
    subprocess.run(command, check=True, cwd=root, timeout=1500)


def git(*arguments, root=ROOT):
    command = ["git", "-c", f"safe.directory={root}", *arguments]
    return subprocess.run(command, check=True, cwd=root, stdout=subprocess.PIPE, text=True).stdout


def build():
    """Returns the folder of the files."""
    package(ROOT)
    return DIST


def copy_commit():
    """Makes the copy a repository at the same commit. It reads the objects of the source folder's repository."""
    repository = COPY / ".git"
    shutil.rmtree(repository, ignore_errors=True)
    git("init", "--quiet", root=COPY)
    of_source = ["rev-parse", "--path-format=absolute", "--git-path"]
    (repository / "objects/info/alternates").write_text(git(*of_source, "objects"))
    shallow = pathlib.Path(git(*of_source, "shallow").removesuffix("\n"))
    if shallow.exists():  # as a workflow's checkout is
        shutil.copy(shallow, repository)
    (repository / "HEAD").write_text(git("rev-parse", "HEAD"))
    git("read-tree", "HEAD", root=COPY)


def build_copy():
    """The same from a copy, which has its own folder for what is compiled. An earlier copy is brought up to date."""
    names = {name for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
             if name and (ROOT / name).is_file()}
    for name in names:
        source, copied = ROOT / name, COPY / name
        if not copied.exists() or not filecmp.cmp(source, copied, shallow=False):
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copied)  # with the time of now: cargo compiles only files newer than its last build
    copy_commit()
    for file in COPY.rglob("*"):
        name = file.relative_to(COPY)
        if name.parts[0] not in ("target", "dist", ".git") and file.is_file() and str(name) not in names:
            file.unlink()
    package(COPY)
    return COPY / "dist"


if __name__ == "__main__":
    # At the same time: the link of a module uses only one core.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for made in [pool.submit(build), pool.submit(build_copy)]:
            made.result()
