"""How long another client waits for a reply, without a flood of bad tokens and beside one: percentiles."""

import math
import socket
import time
from array import array
from contextlib import nullcontext

from benchmarks.algorithms import DATA, OWNER
from benchmarks.client import Failure, encode
from benchmarks.rounds import header
from benchmarks.sender import PIPELINE, flood, forged

PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
NONE = "none"
LONGER = 3  # than the other rounds: a flood leaves few replies, and p99.9 needs thousands


def waits(port, command, seconds):
    """The times of the replies to one client that waits for each, in milliseconds."""
    block, times = encode(command), array("d")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        now, ends = time.perf_counter(), time.perf_counter() + seconds
        while (start := now) < ends:
            connection.sendall(block)
            reply = connection.recv(1 << 16)  # small enough for one read
            now = time.perf_counter()
            times.append(1000 * (now - start))
            if reply[:1] not in (b"$", b"*") or not reply.endswith(b"\r\n"):
                raise Failure(f"{command[0]} did not reply with data")
    return times


def percentile(times, share):
    """The time within which this share of the replies came."""
    return sorted(times)[math.ceil(share * len(times)) - 1]


def settle(client):
    """Waits until the server has refused the tokens of a flood that was stopped."""
    deadline = time.monotonic() + 10
    while int(client.info()["blocked_clients"]):
        if time.monotonic() > deadline:
            raise Failure("the server still verifies tokens of a flood")
        time.sleep(0.01)


def compare(port, client, algorithms, options):
    """Prints and records the table. The floods take turns, and so does the time without one; each percentile is that of
    all rounds together."""
    floods = {NONE: None}
    for name in ("HS256", *algorithms):
        realm = ["REALM", name] if name in algorithms else []  # the realm `default` has HS256
        token = client("JRS.CREATE", OWNER, DATA, *realm)
        floods[f"bad {name}"] = [forged(token) for _ in range(PIPELINE)]
    commands = {"GET": ["GET", "plain"], "JRS.GET, cached": ["JRS.GET", client("JRS.CREATE", OWNER, DATA)]}
    times = {(name, what): array("d") for what in commands for name in floods}
    refused, seconds = dict.fromkeys(floods, 0), dict.fromkeys(floods, 0.0)
    order = list(floods)
    for _ in range(options.short_rounds):
        for name in order:
            settle(client)
            with flood(port, floods[name]) if floods[name] else nullcontext(lambda: 0) as count:
                before, start = count(), time.monotonic()
                for what, command in commands.items():
                    times[name, what] += waits(port, command, LONGER * options.seconds)
                refused[name] += count() - before
                seconds[name] += time.monotonic() - start
        order.append(order.pop(0))
    header(["flood", "meanwhile"], ["bad, k/s", *(f"{name}, ms" for name in PERCENTILES), "replies"])
    for (name, what), all_of_it in times.items():
        found = {label: percentile(all_of_it, share) for label, share in PERCENTILES.items()}
        bad = refused[name] / seconds[name] if floods[name] else None
        print(
            f"| {name} | {what} | {'none' if bad is None else f'{bad / 1000:,.1f}'} |",
            " | ".join(f"{value:.2f}" for value in found.values()),
            f"| {len(all_of_it):,} |",
            flush=True,
        )
        options.record.row(
            "latency", flood=name, meanwhile=what, bad=bad and round(bad), **found, replies=len(all_of_it)
        )
