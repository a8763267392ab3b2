"""Commands among up to a million sessions: JRS.GET in random order, an owner's list and count."""

import itertools
import random
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.client import Client, encode
from benchmarks.fill import create, data_of, fill
from benchmarks.load import counted, redis_benchmark, stream
from benchmarks.machine import describe
from benchmarks.rounds import rate_header, rate_row, take_turns
from benchmarks.server import cluster_node, server

SIZES = (1_000, 10_000, 100_000, 1_000_000)
DATA = data_of(53)
OWNER, OF_OWNER = "one of many", 10
CONNECTIONS, PIPELINE = 50, 32
TTL = "86400"


@dataclass
class Subject:
    """A running server and the sessions on it: pairs of key and token."""
    port: int
    client: Client
    sessions: list


def read_all(subjects, size, options):
    """Reads sessions at random: prints the row."""
    for subject in subjects:
        owners = (f"{number:07}" for number in range(len(subject.sessions), size))
        subject.sessions += create(subject.client, owners, DATA)
    sides = [reader(subject, options.requests * 5, lambda key, token: ["JRS.GET", token]) for subject in subjects]
    sides += [reader(subject, options.requests * 5, lambda key, token: ["GETEX", key, "EX", TTL]) for subject in subjects]
    report([f"JRS.GET, {size:,} sessions", "GETEX EX", "stream"], sides, options)


def reader(subject, requests, command):
    """A function that reads random sessions, in each round the same ones on all sides."""
    seeds = itertools.count()

    def run():
        read = random.Random(next(seeds)).choices(subject.sessions, k=requests)
        block = b"".join(encode(command(*session)) for session in read)
        return counted(subject.client, "a read", requests, lambda: stream(subject.port, block, requests, len(DATA)))

    return run


def report(labels, sides, options):
    """Measures the sides, JRS of each build and then the plain command of each: prints the row."""
    results = [side[1:] for side in take_turns(sides, options.rounds + 1)]  # the first round does not count
    rate_row(labels, list(zip(results[:len(sides) // 2], results[len(sides) // 2:])))


def owner_commands(sessions):
    """Commands on an owner, compared with a plain command that reads the same keys."""
    keys = [key for key, _ in sessions]
    return [(["JRS.LIST", OWNER], ["MGET", *keys]), (["JRS.LIST", OWNER, "WITHDATA"], ["MGET", *keys]),
            (["JRS.COUNT", OWNER], ["EXISTS", *keys])]


def measure_owner_commands(subjects, where, options):
    """Measures commands on one owner: prints the rows of the builds that have the command."""
    for subject in subjects:
        subject.sessions = create(subject.client, [OWNER] * OF_OWNER, DATA)
    for number, (jrs, plain) in enumerate(owner_commands(subjects[0].sessions)):
        able = [subject for subject in subjects if subject.client("COMMAND", "INFO", jrs[0])[0] is not None]
        if subjects[0] not in able:
            print(f"| {jrs[0]}, {where} | not in this build |", flush=True)
            continue
        for pipeline, how in ((1, "no pipeline"), (PIPELINE, f"-P {PIPELINE}")):
            sides = [owner_benchmark(subject, owner_commands(subject.sessions)[number][side], pipeline, options)
                     for side in (0, 1) for subject in able]
            report([f"{' '.join([jrs[0], *jrs[2:]])}, {where}", f"{plain[0]} of the keys", how], sides, options)


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
        describe(subjects[0].client, options.rounds)
        print(f"- data {len(DATA)} bytes; {options.requests * 5:,} reads a round; LIST and COUNT of an owner with {OF_OWNER}"
              f" sessions among {most:,} of as many owners\n")
        rate_header(options)
        for size in SIZES:
            read_all(subjects, options.scaled(size), options)
        measure_owner_commands(subjects, "standalone", options)
    with ExitStack() as stack:
        ports = [stack.enter_context(cluster_node(build.module)) for build in options.builds]
        for port in ports:
            fill(port, most, DATA)
        measure_owner_commands([Subject(port, Client(port), []) for port in ports], "cluster node", options)
    return []
