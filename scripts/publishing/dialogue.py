"""Shows the dialogues with redis-cli: what the reader types is bold, and a label names the protocol."""

import html
import re

# A string, a number, a null or an error of a reply; the numbers of its lines stay plain.
PARTS = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>\(integer\) \S+)|(?P<null>\(nil\)|\(empty array\))')


def render(source, language, css_class, *_, **__):
    """The HTML of a block `redis-cli` (RESP2) or `redis-cli -3`, as pymdownx.superfences asks for it."""
    protocol = "RESP3" if language == "redis-cli-3" else "RESP2"
    lines = "".join(map(rendered, source.splitlines(keepends=True)))
    return f'<div class="{css_class}" data-protocol="{protocol}"><pre tabindex="0"><code>{lines}</code></pre></div>'


def rendered(line):
    """A line with its end. site.css leaves the prompts and the replies out of what the copy button copies."""
    if line.startswith("> "):
        return f'<span class="prompt">&gt; </span><span class="typed">{html.escape(line[2:])}</span>'
    if line.startswith("(error) "):
        return f'<span class="reply error">{html.escape(line)}</span>'
    text, end = "", 0
    for match in PARTS.finditer(line):
        text += html.escape(line[end:match.start()])
        text += f'<span class="{match.lastgroup}">{html.escape(match[0])}</span>'
        end = match.end()
    return f'<span class="reply">{text}{html.escape(line[end:])}</span>'
