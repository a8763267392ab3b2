"""Writes lists as the site's generator expects them.

What belongs to an item is indented by four spaces a level. On GitHub the text below `- ` begins after two spaces, and
that below `1. ` after three. After an item of several paragraphs there must be a blank line.
"""

import re

ITEM = re.compile(r"(?:[-*+]|\d+[.)]) +")
FENCE = re.compile(r" *```")


def converted(text):
    lines, starts, in_block, has_paragraphs = [], [], False, False
    for line in text.split("\n"):
        if not line.strip():
            lines.append(line)
            has_paragraphs = bool(starts)
            continue
        indent = len(line) - len(line.lstrip(" "))
        while not in_block and starts and indent < starts[-1]:
            starts.pop()
        item = None if in_block else ITEM.match(line, indent)
        if item and has_paragraphs and lines[-1]:
            lines.append("")
        outer = starts[-1] if starts else 0
        lines.append(" " * (4 * len(starts)) + line[min(outer, indent):])
        if FENCE.match(line):
            in_block = not in_block
        if item:
            # Where the text of the item begins.
            starts.append(item.end())
            has_paragraphs = False
    return "\n".join(lines)
