"""The pictures: what they are drawn from, and the texts beside them. charts.py and diagrams.py draw them."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Picture:
    module: str  # of the function that draws it, which has the picture's name
    caption: str
    alt: Callable  # a text for those who do not see it, from the results
    sources: tuple = ()  # the tables that it is drawn from; without the first one there is no picture

    def has_results(self, results):
        return not self.sources or bool(results.get(self.sources[0], {}).get("rows"))


def ratio(results, table, **labels):
    """The ratio of the row with these labels."""
    return next(f"{row['ratio']:.2f}" for row in results[table]["rows"] if labels.items() <= row.items())


def commands(results):
    get = [ratio(results, "commands", jrs="JRS.GET, one token", how=how) for how in ("no pipeline", "-P 32")]
    create = [
        ratio(results, "commands", jrs="JRS.CREATE, a new owner each", how=how) for how in ("no pipeline", "-P 32")
    ]
    return (
        f"Chart of the rate of each JRS command as a ratio to a plain command. JRS.GET beside GETEX: {get[0]} without"
        f" pipeline, {get[1]} with 32 commands in a pipeline. JRS.CREATE beside SET: {create[0]} and {create[1]}."
    )


def clients(results):
    rows = [row for row in results["clients"]["rows"] if row["page"] == "reads" and "noise" not in row["beside"]]
    pairs = "; ".join(f"{row['application']} beside {row['beside']}: {row['ratio']:.2f}" for row in rows)
    return f"Chart of requests a second of web applications with JRS as a ratio to peers. The page that reads: {pairs}."


def sessions(results):
    rows = [row for row in results["sessions"]["rows"] if "sessions" in row]
    return (
        "Chart of JRS.GET beside GETEX over the number of sessions: "
        + ", ".join(f"{row['ratio']:.2f} with {row['sessions']:,}" for row in rows)
        + "."
    )


def latency(results):
    rows = results["latency"]["rows"]
    figures = "; ".join(
        f"{row['meanwhile']}, {'no flood' if row['flood'] == 'none' else 'beside ' + row['flood']}: {row['p99']:.2f} ms"
        for row in rows
    )
    return f"Chart of the latency of another client, without a flood of bad tokens and beside one. p99: {figures}."


ARCHITECTURE = (
    "Diagram: applications call the server, which calls libjrs.so. Its layers from top to bottom: redis, commands and"
    " module, state, store, realm, error, metrics, settings, token, session, threads. The server keeps the sessions;"
    " key files are beside it."
)
REQUEST = (
    "Diagram: the token comes in and is hidden in logs. If it is in the cache of verified tokens, its signature is"
    " known. Otherwise an HMAC is verified at once, and RSA, ECDSA or EdDSA on another thread while the client is"
    " blocked. Then times and permissions are checked, the session is read and extended, and the reply is written."
)

PICTURES = {
    "commands": Picture(
        "charts",
        "The rate of each JRS command, as a ratio to the plain command at the right. The bars show the lowest and"
        " highest ratio of the rounds.",
        commands,
        ("commands",),
    ),
    "clients": Picture(
        "charts",
        "Web applications with the packages of JRS beside the same applications with other session packages, as a"
        " ratio of requests a second.",
        clients,
        ("clients",),
    ),
    "sessions": Picture(
        "charts",
        "`JRS.GET` of random sessions beside `GETEX` of the same keys, by the number of sessions.",
        sessions,
        ("sessions", "memory"),
    ),
    "latency": Picture(
        "charts",
        "How long another client waits for a reply while bad tokens come in as fast as they are refused, and"
        " without them.",
        latency,
        ("latency",),
    ),
    "architecture": Picture(
        "diagrams",
        "Who uses JRS, its layers, and what it keeps. A layer uses the layers below it.",
        lambda _: ARCHITECTURE,
    ),
    "request": Picture("diagrams", "The way of `JRS.GET`, from the token to the reply.", lambda _: REQUEST),
}
