"""The cost of an owner: memory, append-only file, and the time to destroy all its sessions."""

import pathlib
import statistics
import time
from contextlib import ExitStack

from benchmarks.bounds import Ceiling
from benchmarks.client import Client, Failure
from benchmarks.fill import create, data_of, fill
from benchmarks.machine import describe
from benchmarks.rounds import floors, header, take_turns
from benchmarks.server import cluster_node, server

SIZES = {53: None, 200: 1.15}  # bytes of data -> how much more memory a session with an owner may take
SESSIONS = 1_000_000
CREATES = 1_000
OF_OWNER, OTHERS = 10, 100_000
OWNER = "one in a crowded slot"


def settled_memory(client):
    """The used memory after the server has freed memory in the background."""
    before, now = None, int(client.info()["used_memory"])
    while before is None or now < before - 4096:
        time.sleep(0.2)
        before, now = now, int(client.info()["used_memory"])
    return now


def bytes_each(client, count, make):
    """Bytes of memory for each of the keys that `make(count)` creates, in a server without keys."""
    client("FLUSHALL", "SYNC")
    make(1000)  # memory that the first clients allocate once is not counted
    client("FLUSHALL", "SYNC")
    before = settled_memory(client)
    make(count)
    return (int(client.info()["used_memory"]) - before) / count


def memory(options):
    """Prints the table of memory; returns the ceilings."""
    found, count = [], options.scaled(SESSIONS)
    header(["memory of a session", "build"], ["with an owner, bytes", "without, bytes", "ratio"])
    with ExitStack() as stack:
        ports = [stack.enter_context(server("token-cache-size", "0", module=build.module)) for build in options.builds]
        for size, most in SIZES.items():
            ratios = []
            for build, port in zip(options.builds, ports):
                client = Client(port)
                owned, ownerless = (bytes_each(client, count, lambda number: fill(port, number, data_of(size), owner))
                                    for owner in ("__rand_int__", ""))
                ratios.append(owned / ownerless)
                print(f"| {size} bytes of data | {build.name} | {owned:.0f} | {ownerless:.0f} | {ratios[-1]:.2f} |",
                      flush=True)
            found += floors(Ceiling, f"memory of a session with an owner / without, {size} bytes of data", most, ratios)
    return found


def appended(client, commands):
    """What each of these commands writes into the append-only file: (bytes, commands)."""
    folder = pathlib.Path(client("CONFIG", "GET", "dir")[1], client("CONFIG", "GET", "appenddirname")[1])
    file = max(folder.glob("*.incr.aof"))
    client("SET", "first", "")  # so that the file has selected the database
    before = file.stat().st_size
    for reply in client.pipeline(commands):
        if not reply:
            raise Failure("a command did nothing")
    written = file.read_bytes()[before:]
    # Each command is an array, which begins with a star; no value in here does.
    return len(written) / len(commands), (b"\n" + written).count(b"\n*") / len(commands)


def append_only_file(options):
    """Prints the table of the append-only file; returns the ceilings."""
    data, creates = data_of(200), options.scaled(CREATES)
    plain = [["SET", f"sess:{{{number:012}}}:00000000-0000-0000-0000-{number:012}", data, "EX", "86400"]
             for number in range(creates)]
    what = {"JRS.CREATE, a new owner each": [["JRS.CREATE", f"{number:012}", data] for number in range(creates)],
            "JRS.CREATE, all of one owner": [["JRS.CREATE", "000000000042", data] for _ in range(creates)],
            "JRS.CREATE, no owner": [["JRS.CREATE", "", data] for _ in range(creates)],
            "SET EX, a key as long as with an owner": plain}
    found = []
    header(["appended to the AOF by", "build"], ["bytes", "commands"])
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(server("--appendonly", "yes", "--appendfsync", "no", module=build.module)))
                   for build in options.builds]
        for name, commands in what.items():
            written = [appended(client, commands) for client in clients]
            for build, (size, count) in zip(options.builds, written):
                print(f"| {name} | {build.name} | {size:.0f} | {count:.2f} |", flush=True)
            most = 1.0 if "owner each" in name else None
            found += floors(Ceiling, f"commands in the AOF, {name}", most, [count for _, count in written])
    return found


def milliseconds(client, *command):
    """The reply and its time as this client sees it: the server's time plus the round trip."""
    start = time.perf_counter()
    reply = client(*command)
    return reply, 1000 * (time.perf_counter() - start)


def destroy_all(client):
    create(client, [OWNER] * OF_OWNER, data_of(53))
    count, took = milliseconds(client, "JRS.DESTROYALL", OWNER)
    if int(count) != OF_OWNER:
        raise Failure(f"JRS.DESTROYALL destroyed {count} sessions instead of {OF_OWNER}")
    return took


def crowded_slot(options):
    """Prints the time of JRS.DESTROYALL in a slot with many other keys; returns the ceiling."""
    others, rounds = options.scaled(OTHERS), 5 * options.rounds
    header([f"{OF_OWNER} sessions in a cluster's slot with {others:,} other keys", "build"], ["median, ms", "spread, ms"])
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(cluster_node(build.module))) for build in options.builds]
        for client in clients:
            for _ in client.pipeline(["SET", f"x:{{{OWNER}}}:{number}", ""] for number in range(others)):
                pass
        sides = [lambda client=client: destroy_all(client) for client in clients]
        sides.append(lambda: milliseconds(clients[0], "PING")[1])
        *times, pings = take_turns(sides, rounds)
    rows = [*(("JRS.DESTROYALL", build.name, took) for build, took in zip(options.builds, times)), ("PING", "any", pings)]
    for name, build, took in rows:
        print(f"| {name} | {build} | {statistics.median(took):.3f} | {min(took):.3f}..{max(took):.3f} |", flush=True)
    return floors(Ceiling, f"ms for JRS.DESTROYALL in a slot with {others:,} keys of others", 1.0,
                  [statistics.median(took) for took in times])


def compare(options):
    """Prints the tables; returns the ceilings."""
    with server() as port:
        describe(Client(port), options)
    print(f"- memory: {options.scaled(SESSIONS):,} sessions of a new owner each, without a cache of tokens\n")
    found = memory(options)
    print()
    found += append_only_file(options)
    print()
    return found + crowded_slot(options)
