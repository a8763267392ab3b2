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

    def __init__(self, app, load, client, method, page, cookies, body):
        self.app, self.load, self.client = app, load, client
        self.job = method, page, cookies
        self.body = body
        self.amount = WARM_UP * len(cookies)

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
            sides = [Side(app, load, client, method, path, cookies, body if method == "GET" else None)
                     for app, (cookies, body) in zip(apps, logins)]
            for side in sides:
                side.warm_up(options.quick)
            results = take_turns(sides, options.rounds)
            ratio = row((pair.name, pair.beside, page), results)
            # A change has no floor: with JRS it keeps the changes of other requests, which the peers overwrite.
            if pair.floor is not None and method == "GET":
                floors.append(Floor(f"{pair.name} beside {pair.beside}, {page}", ratio, pair.floor))
    return floors


def row(labels, results):
    """Prints a row; returns the median of the ratios of the rates."""
    rates, p99s, costs = ([[getattr(result, name) for result in side] for side in results] for name in ("rate", "p99", "cpu"))
    ratio, spread = compared(*rates)
    median = statistics.median
    cells = [*labels, *(f"{median(side):,.0f}" for side in rates), f"{ratio:.2f}", spread,
             f"{median(costs[1]) / median(costs[0]):.2f}" if median(costs[0]) else "",
             *(f"{median(side):.1f}" for side in p99s), f"{compared(*p99s)[0]:.2f}",
             *(commands(side) for side in results), *(f"{median(result.sent for result in side):.0f}" for side in results)]
    print("|", " | ".join(cells), "|", flush=True)
    return ratio


def commands(side):
    """How many commands a request sends, and which: those of at least a tenth of the requests."""
    counted = statistics.median(result.commands for result in side)
    calls = side[0].names
    most = max(calls.values(), default=0)
    return " ".join([f"{counted:.2f}:", *(name.upper() for name, count in calls.items() if count > most / 10)])


def compare(options):
    """Prints the table; returns the floors."""
    pairs = peers.installed(options.quick)
    floors = []
    with server() as port, generator() as load:
        client = Client(port)
        describe(client, options.rounds)
        print(f"- {CONNECTIONS} connections of autocannon, each with a session of its own\n")
        header(TEXTS, FIGURES)
        for pair in pairs:
            client("FLUSHALL")
            floors += measured(pair, load, client, port, options)
    return floors
