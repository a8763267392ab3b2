"""JRS commands beside the plain Redis commands that they stand for."""

import random
import statistics
from dataclasses import dataclass, field

from benchmarks.client import Client, Failure
from benchmarks.load import redis_benchmark, stream
from benchmarks.machine import describe
from benchmarks.server import server

CONNECTIONS = 50
PIPELINE = 32
TTL = "86400"
OWNER = "42"
DATA = '{"name":"Ann Example","role":"editor","cart":[17,42]}'
# redis-benchmark puts a new 12-digit number in place of __rand_int__ each time, so the length stays.
NEW_DATA = '{"name":"Ann","role":"editor","visit":"__rand_int__"}'
NEW_KEY = f"sess:{{{OWNER}}}:00000000-0000-7000-8000-__rand_int__"  # shaped like a session's key
ALONE, PIPELINED, STREAM = "no pipeline", f"-P {PIPELINE}", "stream"


@dataclass
class Case:
    name: str
    jrs: list
    plain: list
    modes: tuple = (ALONE, PIPELINED)
    settings: dict = field(default_factory=dict)
    fresh: bool = False  # every command makes a new key: the server is emptied before each run
    floors: dict = field(default_factory=dict)  # mode -> lowest acceptable ratio


def cases(key, token):
    """What is compared, on one session: its token for JRS, its key (a plain string) for the plain command."""
    getex = ["GETEX", key, "EX", TTL]
    get = ["JRS.GET", token]
    set_new = ["SET", NEW_KEY, DATA, "EX", TTL]
    return [
        Case("GETEX against itself (noise)", getex, getex),
        Case("JRS.GET, one token", get, getex, floors={ALONE: 0.95, PIPELINED: 0.45}),
        Case("JRS.GET, touch-interval 0", get, getex, settings={"jrs.touch-interval": "0"}),
        Case("JRS.GET, token-cache-size 0", get, getex, settings={"jrs.token-cache-size": "0"}),
        Case("JRS.GET, many tokens", ["JRS.GET", "TOKEN"], ["GETEX", "KEY", "EX", TTL], modes=(STREAM,)),
        Case("JRS.PEEK", ["JRS.PEEK", token], ["GET", key]),
        Case("JRS.UPDATE", ["JRS.UPDATE", token, NEW_DATA], ["SET", key, NEW_DATA, "EX", TTL]),
        Case("JRS.TOUCH", ["JRS.TOUCH", token], ["EXPIRE", key, TTL]),
        Case("JRS.CREATE, no owner", ["JRS.CREATE", "", DATA], set_new, fresh=True,
             floors={ALONE: 0.90, PIPELINED: 0.30}),
        # With an owner it writes a second key with a TTL, the owner's index, beside the one that SET writes.
        Case("JRS.CREATE, a new owner each", ["JRS.CREATE", "__rand_int__", DATA], set_new, fresh=True,
             floors={PIPELINED: 0.30}),
        Case("JRS.CREATE, all of one owner", ["JRS.CREATE", OWNER, DATA], set_new, fresh=True),
    ]


def create_session(client, owner):
    """A new session's key and token."""
    token = client("JRS.CREATE", owner, DATA)
    session = client("JRS.PEEK", token)
    return "sess:" + session[session.index("id") + 1], token


def measure(port, client, case, mode, options):
    """The rounds of one case, of JRS and of plain: (commands a second, the share of a core the server was busy)."""
    requests = options.requests if mode == ALONE else options.requests * 5
    if mode == STREAM:  # 90 owners whose names, and so whose tokens, are as long as in the other cases
        sessions = [create_session(client, str(10 + i % 90)) for i in range(options.sessions)]
        random.Random(1).shuffle(sessions)
        requests = max(1, requests // len(sessions)) * len(sessions)

    def run(command, count):
        if case.fresh:
            client("FLUSHALL", "SYNC")
        before = client.totals()
        if mode == STREAM:
            filled = [[{"KEY": key, "TOKEN": token}.get(part, part) for part in command] for key, token in sessions]
            rate = stream(port, filled, count // len(sessions), len(DATA))
        else:
            rate = redis_benchmark(port, command, count, PIPELINE if mode == PIPELINED else 1, CONNECTIONS)
        cpu, errors = (after - earlier for after, earlier in zip(client.totals(), before))
        if errors:
            raise Failure(f"{command[0]} answered with errors")
        return rate, min(cpu * rate / count, 1.0)

    defaults = {name: client("CONFIG", "GET", name)[1] for name in case.settings}
    for name, value in case.settings.items():
        client("CONFIG", "SET", name, value)
    results = ([], [])
    for command in (case.jrs, case.plain):
        run(command, requests if mode == STREAM else max(requests // 10, 1000))
    for number in range(options.rounds):
        for side in ((0, 1), (1, 0))[number % 2]:
            results[side].append(run((case.jrs, case.plain)[side], requests))
    for name, value in defaults.items():
        client("CONFIG", "SET", name, value)
    return results


def report(case, mode, results):
    """Prints the case's row of the table and returns the median of the ratios of its rounds."""
    ratios = [jrs / plain for (jrs, _), (plain, _) in zip(*results)]
    ratio = statistics.median(ratios)
    rates = " | ".join(f"{statistics.median(rate for rate, _ in side) / 1000:,.0f}" for side in results)
    busy = " / ".join(f"{statistics.median(share for _, share in side):.0%}" for side in results)
    against = " ".join(part for part in case.plain if part in ("EX", "EXPIRE", "GET", "GETEX", "SET"))
    spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
    print("|", " | ".join([case.name, against, mode, rates, f"{ratio:.2f}", spread, busy]), "|", flush=True)
    return ratio


def compare(options):
    """Prints the table; returns the floors as (what, ratio, floor)."""
    floors = []
    with server() as port:
        client = Client(port)
        key, token = create_session(client, OWNER)
        describe(client, options.rounds)
        print(f"- {CONNECTIONS} connections, module settings at their defaults; token {len(token)} bytes (HS256), data"
              f" {len(DATA)} bytes; {options.requests:,} commands a round (5 times as many in -P {PIPELINE} and stream)\n")
        print("| JRS | plain | how | JRS, k/s | plain, k/s | ratio | spread | server busy |")
        print("|---|---|---|--:|--:|--:|--:|--:|")
        for case in cases(key, token):
            for mode in case.modes:
                ratio = report(case, mode, measure(port, client, case, mode, options))
                if mode in case.floors:
                    floors.append((f"{case.name}, {mode}", ratio, case.floors[mode]))
            if not case.fresh and client("JRS.PEEK", token) is None:
                raise Failure("the session was lost on the way")
    return floors
