"""The tarball, the documents that it and the Debian packages contain, and the notes of a release."""

import re

from .files import tarball
from .source import ROOT, Failure

__all__ = ["contents", "documents", "notes", "tarball"]

# Blocks of code have no links.
BLOCK = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(\))|(<img [^>]*src=\")(?!https?:)([^\"]+)(\")")


def documents(source):
    """The documents for those who run JRS, as {path: bytes}. Links to what is not among them lead to the repository."""
    paths = [ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")]
    for folder in ("docs", "packaging/kubernetes", "packaging/prometheus"):
        paths += [file for file in (ROOT / folder).rglob("*") if file.is_file()]
    names = {str(file.relative_to(ROOT)) for file in paths}

    def content(file):
        if file.suffix != ".md":
            return file.read_bytes()
        return with_links(file.read_text(), file.parent, source, names).encode()

    return {str(file.relative_to(ROOT)): content(file) for file in paths}


def with_links(text, folder, source, names=()):
    """Markdown of this folder, in which links to files that are not among these names lead to the repository."""
    base = f"{source.repository}/blob/v{source.version}/"

    def replace(match):
        target = match[2] or match[6]
        path = str((folder / target).resolve().relative_to(ROOT))
        if any(name == path or name.startswith(f"{path}/") for name in names):
            return match[0]
        return (match[1] or match[5]) + base + path + (match[3] or "") + (match[4] or match[7])

    parts = BLOCK.split(text)
    return "".join(part if BLOCK.match(part) else LINK.sub(replace, part) for part in parts)


def notes(source):
    """What CHANGELOG.md says of this version, for a page outside the repository."""
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    for section in sections[1:]:
        heading, text = section.split("\n", 1)
        if heading.startswith(f"[{source.version}]"):
            return with_links(text.strip() + "\n", ROOT, source)
    raise Failure(f"CHANGELOG.md has no section [{source.version}]")


def contents(source, module, notices):
    """What is in the tarball, as {path: bytes}."""
    return documents(source) | {
        "libjrs.so": module.read_bytes(),
        "jrs.conf": (ROOT / "packaging/jrs.conf").read_bytes(),
        "third-party-notices.txt": notices.encode(),
    }
