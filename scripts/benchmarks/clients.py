"""Web applications with sessions of JRS beside the same applications with the sessions that people use today."""

import statistics
from collections import namedtuple
from contextlib import ExitStack

from benchmarks import peers
from benchmarks.bounds import Floor
from benchmarks.client import Client
from benchmarks.machine import describe
from benchmarks.pages import Usage, application, generator
from benchmarks.rounds import compared, header, take_turns
from benchmarks.server import server

CONNECTIONS = 64
SECONDS = 2  # of one side in one round
WARM_UP = 20  # requests of each connection
PAGES = {"reads": ("GET", "/account"), "changes a field": ("POST", "/seen")}
TEXTS = ("application", "peer", "page")
FIGURES = ("JRS, requests/s", "peer", "ratio", "spread", "by processor time", "JRS, p99 ms", "peer", "ratio",
           "JRS, commands a request", "peer", "JRS, bytes to Redis a request", "peer")

# The results of one side in one round.
Round = namedtuple("Round", "rate p99 commands sent cpu names")


class Side:
    """One application, logged in, and one of its pages."""

    def __init__(self, app, load, client, method, page, headers, body):
        self.app, self.load, self.client = app, load, client
        self.job = method, page, headers
        self.body = body
        self.amount = WARM_UP * len(headers)

    def __call__(self):
        usage, before = Usage(self.client), self.app.seconds()
        rate, p99 = self.load.send(self.app, *self.job, self.amount, self.body)
        cpu = (self.app.seconds() - before) / self.amount
        calls, sent = usage.since()
        return Round(rate, p99, sum(calls.values()) / self.amount, sent / self.amount, cpu, calls)

    def warm_up(self, quick):
        """Sends some requests. From then on a call lasts SECONDS, or is one request of each connection if `quick`."""
        rate = self().rate
        connections = len(self.job[2])
        self.amount = connections * (1 if quick else max(1, round(rate * SECONDS / connections)))


def measured(pair, load, client, redis_port, options):
    """Prints the rows of a pair; returns its floors."""
    floors = []
    with ExitStack() as stack:
        apps = [stack.enter_context(application(words, redis_port, pair.environment)) for words in (pair.jrs, pair.peer)]
        logins = [app.log_in(CONNECTIONS) for app in apps]
        for page, (method, path) in PAGES.items():
            sides = [Side(app, load, client, method, path, headers, body if method == "GET" else None)
                     for app, (headers, body) in zip(apps, logins)]
            for side in sides:
                side.warm_up(options.quick)
            results = take_turns(sides, options.rounds)
            ratio = row(options.record, pair.name, pair.beside, page, results)
            # A change has no floor: with JRS it keeps the changes of other requests, which the peers overwrite.
            if pair.floor is not None and method == "GET":
                floors.append(Floor(f"{pair.name} beside {pair.beside}, {page}", ratio, pair.floor))
    return floors


def row(record, name, beside, page, results):
    """Prints and records a row; returns the median of the ratios of the rates."""
    rates, p99s, costs = ([[getattr(result, name) for result in side] for side in results] for name in ("rate", "p99", "cpu"))
    found = compared(*rates)
    median = statistics.median
    rate, peer_rate, p99, peer_p99 = (median(side) for side in (*rates, *p99s))
    sent = [round(median(result.sent for result in side)) for side in results]
    # Very short rounds (--quick) take less processor time than the system counts.
    by_time = {"by_processor_time": median(costs[1]) / median(costs[0])} if median(costs[0]) else {}
    cells = [name, beside, page, f"{rate:,.0f}", f"{peer_rate:,.0f}", f"{found.ratio:.2f}", found.spread,
             *(f"{ratio:.2f}" for ratio in by_time.values() or [0]), f"{p99:.1f}", f"{peer_p99:.1f}",
             f"{compared(*p99s).ratio:.2f}", *(" ".join([f"{counted(side):.2f}:", *commands(side)]) for side in results),
             *map(str, sent)]
    print("|", " | ".join(cells), "|", flush=True)
    pair = {"application": name, "beside": beside, "page": page}
    record.row("clients", **pair, jrs_rate=round(rate), peer_rate=round(peer_rate), ratio=found.ratio, low=found.low,
               high=found.high, **by_time, jrs_p99=p99, peer_p99=peer_p99)
    jrs, peer = map(commands, results)
    record.row("requests", **pair, jrs=jrs, peer=peer, jrs_bytes=sent[0], peer_bytes=sent[1])
    return found.ratio


def counted(side):
    """How many commands a request sends."""
    return statistics.median(result.commands for result in side)


def commands(side):
    """Which commands a request sends, each as often as it does: those of at least a tenth of the requests."""
    calls = side[0].names
    requests = sum(calls.values()) / side[0].commands
    return [name.upper() for name, count in sorted(calls.items()) if count > requests / 10
            for _ in range(max(1, round(count / requests)))]


def compare(options):
    """Prints the table; returns the floors."""
    pairs = peers.installed(options.quick)
    floors = []
    with server() as port, generator() as load:
        client = Client(port)
        describe(client, options)
        print(f"- {CONNECTIONS} connections of autocannon, each with a session of its own\n")
        header(TEXTS, FIGURES)
        for pair in pairs:
            client("FLUSHALL")
            floors += measured(pair, load, client, port, options)
    return floors
