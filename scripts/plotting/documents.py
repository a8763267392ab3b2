"""The blocks of the documents that are made from the results file.

    <!-- table NAME -->      a table and when it was measured
    <!-- rates -->           the rates by which a server is sized
    <!-- floors GROUP… -->   the floors of these groups, and whether they are met; likewise <!-- ceilings GROUP… -->
    <!-- picture NAME -->    a picture and its caption; empty as long as nothing of it was measured

Each block ends with <!-- end -->.
"""

import os
import re
import textwrap

from plotting import rates, tables
from plotting import results as results_file
from plotting.pictures import PICTURES
from plotting.results import ROOT

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "docs/operations.md", "docs/performance.md")
FOLDER = "docs/pictures"
BLOCK = re.compile(r"(<!-- (table|rates|floors|ceilings|picture) ?([\w ]*)-->\n)(.*?)(<!-- end -->)", re.DOTALL)
WIDTH = 125


def render(text, document, results):
    """The text of a document with new blocks."""
    # The caption of a picture is also that of the tables that it is drawn from.
    shown = [PICTURES[found[3].strip()] for found in BLOCK.finditer(text) if found[2] == "picture"]
    captioned = {source for picture in shown if picture.has_results(results) for source in picture.sources}

    def replace(found):
        return found[1] + block(found[2], found[3].strip(), document, results, captioned) + found[5]

    return BLOCK.sub(replace, text)


def block(kind, names, document, results, captioned):
    if kind == "picture":
        content = picture(names, os.path.relpath(FOLDER, os.path.dirname(document)), results)
    elif kind == "rates":
        content = rates.render(results)
    elif kind == "table":
        content = tables.render(names, results)
        if content and names not in captioned:
            content += "\n\n" + wrapped(results_file.caption(results[names]["measured"]))
    else:
        groups = names.split()
        content = tables.limits(results, groups, "floor" if kind == "floors" else "at most")
        # Groups without a table have no caption elsewhere.
        alone = [results[group]["measured"] for group in groups if group in results and not results[group].get("rows")]
        if content and alone:
            content += "\n\n" + wrapped(" ".join(dict.fromkeys(map(results_file.caption, alone))))
    return f"\n{content}\n\n" if content else "\n"


def picture(name, folder, results):
    shown = PICTURES[name]
    if not shown.has_results(results):
        return None
    measured = dict.fromkeys(
        results_file.caption(results[source]["measured"]) for source in shown.sources if source in results
    )
    return f"![{shown.alt(results)}]({folder}/{name}.svg)\n\n" + wrapped(" ".join([shown.caption, *measured]))


def wrapped(text):
    """The text in lines. Code stays on one line."""
    unbroken = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    return textwrap.fill(unbroken, WIDTH, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def stale(results):
    """The documents whose blocks differ from the results: {path: what the document must be}."""
    found = {}
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        current = render(text, document, results)
        if current != text:
            found[ROOT / document] = current.encode()
    return found
