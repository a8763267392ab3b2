"""The cost of the module for other applications: commands on keys that are not sessions, compared with a server without
the module."""

from dataclasses import dataclass

from benchmarks.bounds import Floor
from benchmarks.client import Client
from benchmarks.load import counted, redis_benchmark
from benchmarks.machine import describe
from benchmarks.rounds import floors, rate_header, rate_row, take_turns
from benchmarks.server import Build, server

CONNECTIONS, PIPELINE = 50, 32
KEYS = 100_000
KEY, VALUE, TTL = "app:__rand_int__", "x" * 53, "86400"
ALONE, PIPELINED = "no pipeline", f"-P {PIPELINE}"
BARE = Build("no module", None)
TEXTS = ("command", "how")
FIGURES = ("with the module, k/s", "without, k/s", "ratio", "spread", "by server time", "server busy")
# Makes keys as redis-benchmark names them, with an expiry so that EXPIRE changes one, as it mostly does.
POPULATE = """for number = 0, ARGV[1] - 1 do
    redis.call("SET", string.format("app:%012d", number), ARGV[2], "EX", 864000)
end"""


@dataclass
class Case:
    name: str
    command: list
    populated: bool = True  # the keys exist; otherwise each command makes a new one
    uses_up: bool = False  # the command removes keys, so there are twice as many as commands
    floor: float | None = None  # at -P 32
    noise: bool = False  # neither server has the module


CASES = [
    Case("SET, no module on either server (noise)", ["SET", KEY, VALUE], populated=False, noise=True),
    Case("GET, no module on either server (noise)", ["GET", KEY], noise=True),
    Case("SET, new keys", ["SET", KEY, VALUE], populated=False, floor=0.88),
    Case("SET, overwrites", ["SET", KEY, VALUE], floor=0.88),
    Case("SET EX, new keys", ["SET", KEY, VALUE, "EX", TTL], populated=False),
    Case("SET EX, overwrites", ["SET", KEY, VALUE, "EX", TTL]),
    Case("EXPIRE", ["EXPIRE", KEY, TTL]),
    Case("DEL", ["DEL", KEY], uses_up=True),
    Case("GET", ["GET", KEY], floor=0.98),
]


def one_round(build, case, pipeline, options):
    """One round on a new server: (commands a second, the server's processor seconds each). New, because the memory layout
    of a process makes some servers faster for their whole life."""
    requests = options.requests * (5 if pipeline > 1 else 1)
    keys = 2 * requests if case.uses_up else options.scaled(KEYS)
    with server(module=build.module) as port:
        client = Client(port)
        # Memory that the process has used before is faster than new memory.
        client("EVAL", POPULATE, "0", str(max(keys, requests)), VALUE)
        client("FLUSHALL", "SYNC")
        if case.populated:
            client("EVAL", POPULATE, "0", str(keys), VALUE)
        redis_benchmark(port, ["PING"], 1000, pipeline, CONNECTIONS)
        return counted(client, case.command[0], requests, lambda: redis_benchmark(
            port, case.command, requests, pipeline, CONNECTIONS, keys if case.populated else 10**9))


def compare(options):
    """Prints the table; returns the floors."""
    found = []
    with server(module=None) as port:
        describe(Client(port), options)
    print(f"- {CONNECTIONS} connections; values of {len(VALUE)} bytes; {options.requests:,} commands a round (5 times as many"
          f" in -P {PIPELINE}), each on a server that was started for it; {options.scaled(KEYS):,} keys where they are"
          " there already, for DEL twice as many as commands\n")
    rate_header(options, TEXTS, FIGURES)
    for case in CASES:
        for pipeline, how in ((1, ALONE), (PIPELINE, PIPELINED)):
            builds = [*([BARE] * len(options.builds) if case.noise else options.builds), BARE]
            results = take_turns([lambda build=build: one_round(build, case, pipeline, options) for build in builds],
                                 options.rounds)
            limit = case.floor if pipeline > 1 else None
            ratios = rate_row(options.record, "neighbours", {"command": case.name, "how": how},
                              [(result, results[-1]) for result in results[:-1]], **({"floor": limit} if limit else {}))
            found += floors(Floor, f"{case.name}, {how}, with the module / without", limit, ratios)
    return found
