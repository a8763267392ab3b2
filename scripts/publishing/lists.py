"""Indents what belongs to an item of a list as the site's generator expects: by four spaces a level.

On GitHub the text below `- ` begins after two spaces, and that below `1. ` after three.
"""

import re

ITEM = re.compile(r"(?:[-*+]|\d+[.)]) +")
FENCE = re.compile(r" *```")


def indented(text):
    lines, starts, in_block = [], [], False
    for line in text.split("\n"):
        if not line.strip():
            lines.append(line)
            continue
        indent = len(line) - len(line.lstrip(" "))
        while not in_block and starts and indent < starts[-1]:
            starts.pop()
        outer = starts[-1] if starts else 0
        lines.append(" " * (4 * len(starts)) + line[min(outer, indent):])
        if FENCE.match(line):
            in_block = not in_block
        item = ITEM.match(line, indent)
        if item and not in_block:
            # Where the text of the item begins.
            starts.append(item.end())
    return "\n".join(lines)
