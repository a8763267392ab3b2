"""The diagrams. Each function draws the picture of its name."""

import re

from plotting.canvas import Canvas
from plotting.results import ROOT
from plotting.style import BLUE, GREEN, LINE, ORANGE, PALE, SOFT

MODULE, WARM, COOL = "#e6f1f8", "#fdf1e9", "#e8f4f0"


def layers():
    """The layers as src/lib.rs draws them: rows of (name, text)."""
    rows = []
    for line in (ROOT / "src" / "lib.rs").read_text().splitlines():
        cells = re.findall(r"[│┤◄] +(?=\w)([a-z]+) {2,}([^│┤◄]+?) *(?=[│◄])", line) if line.startswith("//! │") else []
        if cells:
            rows.append([(name, re.sub(r" {2,}", " ", text)) for name, text in cells])
    return rows


def architecture(_):
    """Clients, the server, the layers of the module, and what it keeps."""
    canvas = Canvas(656)
    clients = {
        "Node.js: jrs-session": "Express, Fastify, Hono",
        "Python: jrs-session": "FastAPI, Flask, Django",
        "Rust: jrs-client": "axum, actix-web",
        "any Redis client": "in any language",
    }
    for number, (title, text) in enumerate(clients.items()):
        canvas.card(14 + 206 * number, 14, 199, 54, title, text)
    canvas.box(14, 116, 817, 526, PALE)
    canvas.text(28, 136, "Redis or Valkey", 11, bold=True)
    canvas.box(26, 152, 516, 478, MODULE, BLUE)
    canvas.text(38, 170, "libjrs.so", 11, BLUE, bold=True)
    canvas.text(532, 170, "a layer uses the layers below it", 9, BLUE, align="right")
    canvas.arrow(
        [(284, 72), (284, 186)],
        "JRS.CREATE, JRS.GET, JRS.UPDATE, …: each is one atomic round trip",
        (296, 96),
        align="left",
    )
    middle = {}
    for place, row in enumerate(layers()):
        width = (496 - 6 * (len(row) - 1)) / len(row)
        for number, (name, text) in enumerate(row):
            x, y = 36 + number * (width + 6), 188 + place * 40
            canvas.box(x, y, width, 34, edge=LINE)
            canvas.text(x + 10, y + 17, name, 10, bold=True)
            canvas.text(x + 98, y + 17, text)
            middle[name] = y + 17
    canvas.card(
        580,
        196,
        240,
        88,
        "files beside the server",
        "key files, the realms file, data keys;\nread at the start and by a reload",
        fill=WARM,
        edge=ORANGE,
    )
    canvas.arrow([(580, 268), (533, middle["state"])])
    canvas.card(580, 296, 240, 106, "keyspace", "a session is a string key with a TTL:\n ", fill=COOL, edge=GREEN)
    canvas.text(590, 352, 'sess:{user:42}:019c…\n{"cart":["book","pen"]}', 9, mono=True)
    canvas.arrow([(533, middle["store"]), (578, middle["store"])])
    canvas.card(
        580,
        428,
        240,
        72,
        "RDB, AOF, replicas",
        "the server saves and replicates\nsessions like other keys",
        fill=COOL,
        edge=GREEN,
    )
    canvas.arrow([(700, 403), (700, 427)], color=GREEN)
    canvas.card(
        580,
        546,
        240,
        84,
        "threads jrs-crypto",
        "RSA, ECDSA and EdDSA signatures,\nand the release of large memory",
        edge=BLUE,
    )
    canvas.arrow([(533, middle["threads"]), (578, middle["threads"])])
    return canvas.figure


def request(_):
    """The steps of JRS.GET. The names are those of ARCHITECTURE.md."""
    canvas = Canvas(486)
    canvas.box(8, 8, 829, 330, PALE)
    canvas.text(22, 28, "the server's main thread", 10, SOFT, bold=True)
    canvas.box(8, 350, 829, 128, MODULE, BLUE)
    canvas.text(592, 370, "a thread of the pool (jrs-crypto)", 10, BLUE, bold=True)
    canvas.text(592, 390, "Meanwhile the client is blocked, and\nthe main thread serves other clients.", color=BLUE)
    top, middle = 48, 208

    canvas.card(
        22, top, 172, 132, "1  token in", "JRS.GET eyJhbGciOi…\nis hidden in SLOWLOG\nand MONITOR", "TokenArgs::find"
    )
    canvas.card(
        222, top, 172, 132, "2  look up", "in the cache of verified\ntokens", "Verification::begin\nRealms::look_up"
    )
    canvas.card(306, middle, 164, 116, "3  verify at once", "HMAC: 0.2 µs", "Realms::verify", "else BADTOKEN")
    canvas.card(
        306,
        358,
        164,
        112,
        "3  verify off-thread",
        "RSA, ECDSA, EdDSA:\nup to 0.3 ms",
        "KeyRing::verify",
        "else BADTOKEN",
        edge=BLUE,
    )
    canvas.card(
        478,
        top,
        168,
        132,
        "4  authorize",
        "exp, nbf, age; the ACL\npermission for the key",
        "Ctx::check_access",
        "else EXPIREDTOKEN or\nNOPERM",
    )
    canvas.card(
        670,
        top,
        156,
        132,
        "5  read, extend",
        "open, extend, read",
        "Ctx::open\nLiveSession::extend\nstore::read_data",
        "no key: reply null",
    )
    canvas.card(
        670,
        middle,
        156,
        116,
        "6  reply",
        "id, owner, data, claims,\nTTL, etag",
        "Ctx::reply_map",
        fill=COOL,
        edge=GREEN,
    )

    line = top + 66
    canvas.arrow([(194, line), (221, line)])
    canvas.arrow([(394, line), (477, line)], "cached", (436, line - 12))
    canvas.arrow([(272, top + 132), (272, middle + 58), (305, middle + 58)], "not cached", (230, 196), align="right")
    canvas.arrow([(240, top + 132), (240, 414), (305, 414)])
    canvas.arrow([(470, middle + 58), (520, middle + 58), (520, top + 133)])
    canvas.arrow(
        [(470, 414), (580, 414), (580, top + 133)], "unblocked:\nchecks again", (588, middle + 52), align="left"
    )
    canvas.arrow([(646, line), (669, line)])
    canvas.arrow([(748, top + 132), (748, middle - 1)])
    return canvas.figure
