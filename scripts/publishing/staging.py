"""Collects the pages of the site in one folder, from which the generator builds it."""

import pathlib
import re
import shutil
import sys
import tempfile

from publishing import dialogue, lists, pages

HOME = "README.md"
# The landing page has a template of its own, and neither of the two lists at its sides.
HOME_META = "---\ntemplate: home.html\nhide: [navigation, toc]\ndialogue: |\n{}\n---\n\n"


def stage(into, into_markdown):
    """Writes the pages, and copies the other files of docs/. Also writes the pages as Markdown to publish."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, markdown = pathlib.Path(temporary, "pages"), pathlib.Path(temporary, "markdown")
        write(folder, markdown)
        update(into, folder)
        update(into_markdown, markdown)


def update(folder, new):
    """Makes a folder equal to another. Does not touch what is equal: the generator may watch the folder."""
    kept = {path.relative_to(new) for path in new.rglob("*") if path.is_file()}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder) not in kept:
            path.unlink()
    for name in kept:
        if not (folder / name).exists() or (folder / name).read_bytes() != (new / name).read_bytes():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new / name, folder / name)


def write(folder, markdown):
    shutil.copytree(pages.ROOT / "docs", folder)
    for page, source in pages.SOURCES.items():
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pages.ROOT / source, folder / page)
    for path in folder.rglob("*.md"):
        page = path.relative_to(folder).as_posix()
        text = pages.with_links(path.read_text(), page)
        (markdown / page).parent.mkdir(parents=True, exist_ok=True)
        (markdown / page).write_text(text)
        text = lists.converted(pages.with_names(text))
        path.write_text(HOME_META.format(indented(first_dialogue())) + text if page == HOME else text)


def first_dialogue():
    """The dialogue at the top of README.md, which the tests execute, in HTML."""
    readme = (pages.ROOT / "README.md").read_text()
    text = re.search(r"```redis-cli -3\n(.*?)```", readme, re.DOTALL)[1]
    return dialogue.render(text.rstrip(), "redis-cli-3", "redis-cli")


def indented(text):
    return "\n".join("  " + line for line in text.split("\n"))


if __name__ == "__main__":
    stage(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
