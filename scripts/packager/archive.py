"""The tarball, and the documents that it and the Debian packages contain."""

import re

from .files import tarball
from .source import ROOT

__all__ = ["contents", "documents", "tarball"]

# Blocks of code have no links.
BLOCK = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(\))|(<img [^>]*src=\")(?!https?:)([^\"]+)(\")")


def documents(source):
    """The documents for those who run JRS, as {path: bytes}. Links to what is not among them lead to the repository."""
    paths = [ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")]
    for folder in ("docs", "packaging/kubernetes", "packaging/prometheus"):
        paths += [file for file in (ROOT / folder).rglob("*") if file.is_file()]
    names = {str(file.relative_to(ROOT)) for file in paths}
    base = f"{source.repository}/blob/v{source.version}/"

    def outside(folder):
        def replace(match):
            target = match[2] or match[6]
            path = str((folder / target).resolve().relative_to(ROOT))
            if any(name == path or name.startswith(f"{path}/") for name in names):
                return match[0]
            return (match[1] or match[5]) + base + path + (match[3] or "") + (match[4] or match[7])
        return replace

    def content(file):
        if file.suffix != ".md":
            return file.read_bytes()
        parts = BLOCK.split(file.read_text())
        return "".join(part if BLOCK.match(part) else LINK.sub(outside(file.parent), part) for part in parts).encode()

    return {str(file.relative_to(ROOT)): content(file) for file in paths}


def contents(source, module, notices):
    """What is in the tarball, as {path: bytes}."""
    return documents(source) | {
        "libjrs.so": module.read_bytes(),
        "jrs.conf": (ROOT / "packaging/jrs.conf").read_bytes(),
        "third-party-notices.txt": notices.encode(),
    }
