"""Which files of the repository are pages of the site, and where a link between them leads on the site."""

import functools
import pathlib
import posixpath
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/jrs-sessions/jrs/blob/main/"

# docs/ is the site's own folder. These pages come from elsewhere: their path in the repository, and on the site.
OUTSIDE = {
    "README.md": "overview.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "RELEASING.md": "project/releasing.md",
    "SECURITY.md": "project/security-policy.md",
    "clients/node/README.md": "clients/node-package.md",
    "clients/node/examples/README.md": "clients/node-examples.md",
    "clients/python/README.md": "clients/python-package.md",
    "clients/python/examples/README.md": "clients/python-examples.md",
    "clients/rust/README.md": "clients/rust-crate.md",
}
SOURCES = {page: source for source, page in OUTSIDE.items()}

LINK = re.compile(r'(?P<before>\]\(|\b(?:src|href)=")(?P<target>[^)"\s]+)(?P<after>[)"])')
FENCE = re.compile(r"^ *```")
IMAGE = re.compile(r'<img src="(?P<src>[^"]+)"(?: width="(?P<width>\d+)")? alt="(?P<alt>[^"]*)">')


def source_of(page):
    """The path in the repository of a page of the site."""
    return SOURCES.get(page, f"docs/{page}")


def page_of(source):
    """The path on the site of a file of the repository, or None if it is not there."""
    if source in OUTSIDE:
        return OUTSIDE[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else None


def on_site(link, page):
    """A link of a page as it must be on the site. It leads to the repository if the site does not have its target."""
    target, hash_sign, heading = link.partition("#")
    if target.startswith(REPOSITORY):
        # The README of a package is also shown elsewhere, so its links are complete.
        target = posixpath.relpath(target.removeprefix(REPOSITORY), posixpath.dirname(source_of(page)) or ".")
    if not target or re.match(r"[a-z]+:", target):
        return link
    source = posixpath.normpath(posixpath.join(posixpath.dirname(source_of(page)), target))
    if not (ROOT / source).exists():
        raise FileNotFoundError(f"{source_of(page)}: {link}")
    if (ROOT / source).is_dir() and (ROOT / source / "README.md").exists():
        source += "/README.md"
    found = page_of(source)
    if found is None or (ROOT / source).is_dir():
        return REPOSITORY + source + hash_sign + heading
    return posixpath.relpath(found, posixpath.dirname(page) or ".") + hash_sign + heading


def with_links(text, page):
    """The Markdown of a page with the links and images that it has on the site."""
    # A link may be on two lines, so all lines between two blocks are converted together.
    parts = re.split(r"(^ *```.*?^ *```$)", text, flags=re.MULTILINE | re.DOTALL)
    replace = functools.partial(replace_link, page=page)
    return "".join(part if FENCE.match(part) else LINK.sub(replace, IMAGE.sub(image, part)) for part in parts)


def with_names(text):
    """The Markdown of a page with languages of blocks that are one word."""
    return re.sub(r"^( *```)(?:(redis-cli) -(3)|(rust),no_run)$",
                  lambda match: match[1] + (match[4] or f"{match[2]}-{match[3]}"), text, flags=re.MULTILINE)


def replace_link(match, page):
    return match["before"] + on_site(match["target"], page) + match["after"]


def image(match):
    """An image in the syntax whose path MkDocs adapts to the address of the page."""
    width = f'{{ width="{match["width"]}" }}' if match["width"] else ""
    return f"![{match['alt'].replace('&quot;', chr(34))}]({match['src']}){width}"
