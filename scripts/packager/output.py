"""The folder into which scripts/package writes. It deletes nothing there that it did not write."""

import shutil

from .source import Failure

SUMS = "SHA256SUMS"


def check_output(folder):
    """Refuses a folder with files that are not those of an earlier run, which its SHA256SUMS lists."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Failure(f"{folder} is not a folder")
    sums = folder / SUMS
    listed = {line.split(maxsplit=1)[-1] for line in sums.read_text().splitlines()} if sums.is_file() else set()
    foreign = sorted(file.name for file in folder.iterdir() if file.name not in listed | {SUMS})
    if foreign:
        raise Failure(f"{folder} has files that are not those of an earlier run ({', '.join(foreign[:3])}): "
                      "name another folder with --output, or move them")


def replace_output(folder, made):
    """Moves the files of `made` into the folder, in place of those of an earlier run."""
    check_output(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # The list is deleted last and written first, so a run after an interrupted one knows its files.
    for file in sorted(folder.iterdir(), key=lambda file: file.name == SUMS):
        file.unlink()
    for file in sorted(made.iterdir(), key=lambda file: file.name != SUMS):
        shutil.move(file, folder / file.name)
