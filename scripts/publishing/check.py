"""Checks the built site: its links, what it loads, what can be found, and that a page shows what GitHub shows of it.

    python -m publishing.check PAGES SITE
"""

import collections
import json
import pathlib
import re
import sys
from urllib.parse import unquote, urljoin, urlparse

from markdown_it import MarkdownIt

from publishing.markup import Page

# The site and GitHub must show the same number of each. If not, then for example a list is plain text on the site.
STRUCTURE = ["blockquote", "h1", "h2", "h3", "h4", "img", "li", "ol", "pre", "table", "tr", "ul"]
POLICY = "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"


def problems(pages, site):
    """What is wrong with the site, a line each."""
    built = {path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")}
    for name, page in built.items():
        if page.policy != POLICY:
            yield f"{name}: the Content-Security-Policy is not the one of theme/main.html"
        for url in page.loaded:
            if urlparse(url).scheme not in ("", "data") or url.startswith("//"):
                yield f"{name} loads {url} from another host"
        for url in [*page.loaded, *page.links]:
            if not leads_somewhere(url, name, built, site):
                yield f"{name}: nothing is at {url}"
    for path in site.rglob("*.css"):
        for url in re.findall(r"url\(['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)", path.read_text()):
            if re.match(r"(https?:)?//", "".join(url)):
                yield f"{path.relative_to(site)} loads {''.join(url)} from another host"
    searched = {item["location"].partition("#")[0] for item in json.loads((site / "search.json").read_text())["items"]}
    yield from wrong_list((site / "llms.txt").read_text(), pages, site)
    for path in pages.rglob("*.md"):
        name = address(path.relative_to(pages))
        if name.removesuffix("index.html") not in searched:
            yield f"{name}: the search does not find it"
        yield from different_structure(path.read_text(), built[name], name)


def leads_somewhere(url, name, built, site):
    """Whether a link leads to a file of the site, and to a place on its page. Links to elsewhere are not followed."""
    parsed = urlparse(url)
    if parsed.scheme or parsed.netloc:
        return True
    if name == "404.html":
        return True  # its links have the path that the site is published at
    # Of "commands/index.html" the links start at "commands/".
    path = unquote(urlparse(urljoin("https://site.example/" + name, url)).path).removeprefix("/")
    path = path + "index.html" if path.endswith("/") or not path else path
    if path in built:
        return not parsed.fragment or unquote(parsed.fragment) in built[path].ids
    return (site / path).is_file() and not parsed.fragment


def wrong_list(text, pages, site):
    """What is wrong with llms.txt: each link leads to a file of the site, and each page is listed once."""
    linked = re.findall(r"^- \[[^]]+\]\(([^)]+)\): \S", text, re.MULTILINE)
    expected = [path.relative_to(pages).as_posix() for path in pages.rglob("*.md")]
    for url in linked:
        if not (site / url).is_file():
            yield f"llms.txt: nothing is at {url}"
    for page in expected:
        if linked.count(page) != 1:
            yield f"llms.txt lists {page} {linked.count(page)} times"
    if not re.match(r"# .+\n\n> .+\n", text):
        yield "llms.txt does not begin with a title and a summary"


def address(page):
    """The file on the site of a page: `commands/get/index.html` of `commands/get.md`."""
    folder = page.parent if page.name == "README.md" else page.with_suffix("")
    return (folder / "index.html").as_posix()


def different_structure(text, page, name):
    """Compares the number of lists, blocks and headings with those of CommonMark and GitHub's tables."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    expected = collections.Counter(Page(MarkdownIt("commonmark").enable("table").render(text)).tags)
    for tag in STRUCTURE:
        if expected[tag] != page.article_tags[tag]:
            yield f"{name}: {page.article_tags[tag]} times <{tag}>, but {expected[tag]} times on GitHub"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
    print("\n".join(found))
    sys.exit(f"The site has {len(found)} problems." if found else 0)


if __name__ == "__main__":
    main()
