"""The tables of the documents, from the rows of the results file."""

import re
from collections import namedtuple
from itertools import groupby

# A column: its title, the function that makes a cell of a row, whether it has figures, and whether it repeats a cell
# that is the same as the one above. A row for which the function raises KeyError has an empty cell.
Column = namedtuple("Column", "title cell figures repeats", defaults=(True, True))


def text(title, key=None, repeats=True):
    return Column(title, lambda row: row[key or title], False, repeats)


def code(title, key=None):
    """A command, perhaps with a remark after a comma."""
    return Column(title, lambda row: re.sub("^[^,]+", r"`\g<0>`", row[key or title]), False)


def figure(title, key, digits=2, scale=1):
    return Column(title, lambda row: "none" if row[key] is None else f"{row[key] * scale:,.{digits}f}")


def thousands(title, key, digits=0):
    return figure(title, key, digits, 1 / 1000)


def short(title, key):
    """A figure of up to three digits."""
    return Column(title, lambda row: f"{row[key]:,.3f}".rstrip("0").rstrip("."))


RATIO = figure("ratio", "ratio")
SPREAD = Column("spread", lambda row: f"{row['low']:.2f}..{row['high']:.2f}")
SERVER_TIME = figure("by server time", "by_server_time")
OTHER = figure("release before", "other")
RATES = [thousands("JRS, k/s", "jrs_rate"), thousands("plain, k/s", "plain_rate")]
JRS = [text("JRS", "jrs"), text("plain"), text("how"), *RATES, RATIO, SPREAD, SERVER_TIME, OTHER]
CHANGES = [figure(f"`{way}`, ms", way.lower()) for way in ("REPLACE", "MERGE", "PATCH")]
FLOODS = Column("flood", lambda row: f"{row['algorithm']}, {row['pace']}", False)
PAIRS = [text("application", repeats=False), text("beside", repeats=False)]


def reads_first(rows):
    return sorted(rows, key=lambda row: "sessions" not in row)


def algorithms(rows):
    """One row for each algorithm, with its rate in each way."""
    by_name = {}
    for row in rows:
        by_name.setdefault(row["algorithm"], {"algorithm": row["algorithm"]})[row["way"]] = row["rate"]
    return list(by_name.values())


# The columns of each table. Its name is that of its rows in the results file.
TABLES = {
    "commands": JRS,
    "sessions": JRS,
    "memory": [
        Column("sessions", lambda row: f"{row['sessions']:,}"),
        figure("a session with an owner, bytes", "owned", 0),
        figure("a plain key, bytes", "plain", 0),
        RATIO,
    ],
    "neighbours": [
        text("command"),
        text("how"),
        thousands("with the module, k/s", "jrs_rate"),
        thousands("without, k/s", "plain_rate"),
        RATIO,
        SPREAD,
        SERVER_TIME,
    ],
    "algorithms": [
        text("algorithm"),
        thousands("sign", "sign", 1),
        thousands("verify, no cache", "verify", 1),
        thousands("`JRS.GET`, cached", "cached", 1),
    ],
    "cluster": [text("JRS", "jrs"), text("plain"), text("how"), *RATES, RATIO, SPREAD, SERVER_TIME],
    "changes": [text("data"), Column("size", lambda row: row["size"]), *CHANGES],
    "names": [text("names, 1 MiB of data", "names"), code("command"), figure("ms", "ms")],
    "encryption": [
        text("data"),
        thousands("encrypted, k/s", "jrs_rate"),
        thousands("plain, k/s", "plain_rate"),
        RATIO,
        SPREAD,
        SERVER_TIME,
        figure("floor of the ratio", "floor"),
    ],
    "flood": [
        FLOODS,
        code("meanwhile"),
        thousands("bad", "bad", 1),
        thousands("malformed", "malformed", 1),
        thousands("beside bad", "beside_bad", 1),
        thousands("beside malformed", "beside_malformed", 1),
        RATIO,
        figure("floor", "floor"),
    ],
    "logins": [
        Column("flood", lambda row: f"{row['algorithm']}, {row['connections']:,} connections", False),
        thousands("bad, k/s", "bad", 1),
        figure("without, ms", "without"),
        figure("beside, ms", "beside"),
        Column("`BUSY`", lambda row: f"{row['busy']:.0%}" if row["busy"] else "none"),
        RATIO,
        figure("floor", "floor"),
    ],
    "latency": [
        text("flood"),
        code("meanwhile"),
        thousands("bad, k/s", "bad", 1),
        figure("p50, ms", "p50"),
        figure("p99, ms", "p99"),
        figure("p99.9, ms", "p99.9"),
    ],
    "clients": [
        *PAIRS,
        text("page"),
        figure("JRS, requests/s", "jrs_rate", 0),
        figure("peer", "peer_rate", 0),
        RATIO,
        SPREAD,
        figure("by processor time", "by_processor_time"),
        figure("JRS, p99 ms", "jrs_p99", 1),
        figure("peer", "peer_p99", 1),
    ],
    "requests": [
        *PAIRS,
        text("page"),
        Column("commands, JRS", lambda row: commands(row["jrs"]), False),
        Column("commands, peer", lambda row: commands(row["peer"]), False),
        figure("bytes, JRS", "jrs_bytes", 0),
        figure("bytes, peer", "peer_bytes", 0),
    ],
}
# How the rows of some tables are arranged.
ARRANGED = {"algorithms": algorithms, "sessions": reads_first}


def commands(names):
    return ", ".join(f"`{name}`" for name in names)


def render(name, results):
    """A table of the results, or None if nothing of it was measured."""
    rows = results.get(name, {}).get("rows")
    return markdown(TABLES[name], ARRANGED.get(name, list)(rows)) if rows else None


def cell(column, row):
    try:
        return column.cell(row)
    except KeyError:
        return ""


def markdown(columns, rows):
    """The lines of a table. A column with no cell in any row is left out."""
    columns = [column for column in columns if any(cell(column, row) for row in rows)]
    cells = [[cell(column, row) for column in columns] for row in rows]
    once = [number for number, column in enumerate(columns) if not column.repeats]
    lines = [
        "|" + "|".join(f" {column.title} " if column.title else " " for column in columns) + "|",
        "|" + "".join("--:|" if column.figures else "---|" for column in columns),
    ]
    for _, same in groupby(cells, lambda row: [row[number] for number in once]) if once else [(None, cells)]:
        for number, row in enumerate(same):
            shown = ["" if number and place in once else text for place, text in enumerate(row)]
            lines.append("|" + "|".join(f" {text} " if text else " " for text in shown) + "|")
    return "\n".join(lines)


def limits(results, sources, kind):
    """The floors, or what must not be exceeded, of several groups."""
    rows = [row for source in sources for row in results.get(source, {}).get("limits", []) if row["kind"] == kind]
    name, bound = ("floor", "at least") if kind == "floor" else ("limit", "at most")
    columns = [
        text(name, "what"),
        short(bound, "bound"),
        short("measured", "value"),
        Column("", lambda row: row.get("note") or ("met" if is_met(row) else "not met"), False),
    ]
    return markdown(columns, rows) if rows else None


def is_met(row):
    return row["value"] >= row["bound"] if row["kind"] == "floor" else row["value"] <= row["bound"]
