"""Commands among up to a million sessions: JRS.GET in random order, an owner's list and count; the memory of a session.
With --ten-million, the reads and the memory also with ten million."""

import itertools
import random
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.client import Client, encode
from benchmarks.fill import create, data_of, fill, key_of
from benchmarks.load import counted, redis_benchmark, stream
from benchmarks.machine import describe
from benchmarks.owners import bytes_each
from benchmarks.rounds import header, rate_header, rate_row, take_turns
from benchmarks.server import cluster_node, server

SIZES = (1_000, 10_000, 100_000, 1_000_000)
TEN_MILLION = 10_000_000
# So many sessions are drawn from, evenly spread over all: the tokens of ten million would take 4 GB here.
DRAWN = 1_000_000
DATA = data_of(53)
OWNER, OF_OWNER = "one of many", 10
CONNECTIONS, PIPELINE = 50, 32
TTL = "86400"


@dataclass
class Subject:
    """A running server and the sessions that are read: pairs of key and token."""
    port: int
    client: Client
    sessions: list
    size: int = 0  # of all sessions on the server

    def grow(self, size):
        """Creates sessions until there are so many, each with its own owner."""
        step = max(1, size // DRAWN)
        tokens = self.client.pipeline(["JRS.CREATE", f"{number:08}", DATA] for number in range(self.size, size))
        kept = itertools.islice(tokens, (-self.size) % step, None, step)
        self.sessions = self.sessions[::step] + [(key_of(token), token) for token in kept]
        self.size = size


def read_all(subjects, size, options):
    """Reads sessions at random: prints the row."""
    for subject in subjects:
        subject.grow(size)
    sides = [reader(subject, options.requests * 5, lambda key, token: ["JRS.GET", token]) for subject in subjects]
    sides += [reader(subject, options.requests * 5, lambda key, token: ["GETEX", key, "EX", TTL]) for subject in subjects]
    report(labels(f"JRS.GET, {size:,} sessions", "GETEX EX", "stream"), sides, options, sessions=size)


def reader(subject, requests, command):
    """A function that reads random sessions, in each round the same ones on all sides."""
    seeds = itertools.count()

    def run():
        read = random.Random(next(seeds)).choices(subject.sessions, k=requests)
        block = b"".join(encode(command(*session)) for session in read)
        return counted(subject.client, "a read", requests, lambda: stream(subject.port, block, requests, len(DATA)))

    return run


def labels(jrs, plain, how):
    return {"jrs": jrs, "plain": plain, "how": how}


def report(labels, sides, options, **more):
    """Measures the sides, JRS of each build and then the plain command of each: prints the row."""
    results = [side[1:] for side in take_turns(sides, options.rounds + 1)]  # the first round does not count
    pairs = list(zip(results[:len(sides) // 2], results[len(sides) // 2:]))
    rate_row(options.record, "sessions", labels, pairs, **more)


def memory(sizes, options):
    """Prints the memory of a session with an owner, and that of a plain key with the same length, data and TTL."""
    header(["sessions"], ["a session with an owner, bytes", "a plain key, bytes", "ratio"])
    plain_key = ["SET", "sess:{__rand_int__}:00000000-0000-0000-0000-__rand_int__", DATA, "EX", TTL]
    for size in sizes:
        owned = in_new_server(size, lambda port, count: fill(port, count, DATA))
        plain = in_new_server(size, lambda port, count: redis_benchmark(port, plain_key, count, PIPELINE))
        print(f"| {size:,} | {owned:.0f} | {plain:.0f} | {owned / plain:.2f} |", flush=True)
        options.record.row("memory", sessions=size, owned=round(owned), plain=round(plain), ratio=owned / plain)


def in_new_server(count, make):
    """Bytes of memory for each key. It takes long to flush ten million keys, so each measurement starts a server."""
    with server("token-cache-size", "0") as port:
        return bytes_each(Client(port), count, lambda number: make(port, number))


def owner_commands(sessions):
    """Commands on an owner, compared with a plain command that reads the same keys."""
    keys = [key for key, _ in sessions]
    return [(["JRS.LIST", OWNER], ["MGET", *keys]), (["JRS.LIST", OWNER, "WITHDATA"], ["MGET", *keys]),
            (["JRS.COUNT", OWNER], ["EXISTS", *keys])]


def measure_owner_commands(subjects, where, options):
    """Measures commands on one owner: prints the rows of the builds that have the command."""
    of_owner = {subject.port: create(subject.client, [OWNER] * OF_OWNER, DATA) for subject in subjects}
    for number, (jrs, plain) in enumerate(owner_commands(of_owner[subjects[0].port])):
        able = [subject for subject in subjects if subject.client("COMMAND", "INFO", jrs[0])[0] is not None]
        if subjects[0] not in able:
            print(f"| {jrs[0]}, {where} | not in this build |", flush=True)
            continue
        for pipeline, how in ((1, "no pipeline"), (PIPELINE, f"-P {PIPELINE}")):
            sides = [owner_benchmark(subject, owner_commands(of_owner[subject.port])[number][side], pipeline, options)
                     for side in (0, 1) for subject in able]
            report(labels(f"{' '.join([jrs[0], *jrs[2:]])}, {where}", f"{plain[0]} of the keys", how), sides, options)


def owner_benchmark(subject, command, pipeline, options):
    requests = options.requests // 5 * (5 if pipeline > 1 else 1)
    return lambda: counted(subject.client, command[0], requests, lambda: redis_benchmark(
        subject.port, command, requests, pipeline, CONNECTIONS))


def compare(options):
    """Prints the table; returns no floors."""
    most = options.scaled(SIZES[-1])
    with ExitStack() as stack:
        ports = [stack.enter_context(server(module=build.module)) for build in options.builds]
        subjects = [Subject(port, Client(port), []) for port in ports]
        describe(subjects[0].client, options)
        print(f"- data {len(DATA)} bytes; {options.requests * 5:,} reads a round; LIST and COUNT of an owner with {OF_OWNER}"
              f" sessions among {most:,} of as many owners\n")
        rate_header(options)
        for size in SIZES:
            read_all(subjects, options.scaled(size), options)
        measure_owner_commands(subjects, "standalone", options)
        if options.ten_million:
            read_all(subjects, options.scaled(TEN_MILLION), options)
    with ExitStack() as stack:
        ports = [stack.enter_context(cluster_node(build.module)) for build in options.builds]
        for port in ports:
            fill(port, most, DATA)
        measure_owner_commands([Subject(port, Client(port), []) for port in ports], "cluster node", options)
    print()
    memory([options.scaled(size) for size in (*SIZES, *([TEN_MILLION] if options.ten_million else []))], options)
    return []
