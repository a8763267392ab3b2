"""The rates of docs/operations.md, by which a server is sized, from the rows of other tables."""

from plotting import tables

COLUMNS = [
    tables.Column("", lambda row: row["what"], False),
    tables.Column("no pipeline", lambda row: row["alone"]),
    tables.Column("many commands at a time", lambda row: row["pipelined"]),
]
COMMANDS = {
    "`JRS.GET` of one token, in the cache": "JRS.GET, one token",
    "`JRS.UPDATE`": "JRS.UPDATE",
    "`JRS.CREATE`, each with a new owner": "JRS.CREATE, a new owner each",
}
AMONG = "JRS.GET, 1,000,000 sessions"
SIGNATURES = {
    "a token to verify, RS256": ("RS256", "verify"),
    "a token to verify, ES256": ("ES256", "verify"),
    "a token to sign, RS256 (2048 bits)": ("RS256", "sign"),
    "a token to sign, ES256": ("ES256", "sign"),
}


def render(results):
    """The table, or None if one of the groups was not measured."""
    if not all(results.get(group, {}).get("rows") for group in ("commands", "sessions", "algorithms")):
        return None
    measured = [*results["commands"]["rows"], *results["sessions"]["rows"]]
    rates = {(each["jrs"], each["how"]): each["jrs_rate"] for each in measured}
    rows = [row(what, rates[jrs, "no pipeline"], rates[jrs, "-P 32"]) for what, jrs in COMMANDS.items()]
    rows.insert(1, row("`JRS.GET` among 1,000,000 sessions, one connection", None, rates[AMONG, "stream"]))
    signatures = {(each["algorithm"], each["way"]): each["rate"] for each in results["algorithms"]["rows"]}
    rows += [row(what, signatures[which], None, digits=1) for what, which in SIGNATURES.items()]
    return tables.markdown(COLUMNS, rows)


def row(what, alone, pipelined, digits=0):
    figures = {"alone": alone, "pipelined": pipelined}
    return {"what": what} | {
        name: "" if rate is None else f"{rate / 1000:,.{digits}f}" for name, rate in figures.items()
    }
