"""How a flood of bad tokens slows down other clients.

Many connections send tokens with a wrong signature. The rate of another client is compared with its rate during a flood
of malformed tokens, which need no cryptography: first both floods at full speed, then both at the same rate. Then the
time of a login, and the latency of other commands, during a flood of bad tokens and without one.
"""

import secrets
import socket
import statistics
import time

from benchmarks import latency
from benchmarks.algorithms import DATA, OWNER, server_with_keys
from benchmarks.bounds import Floor
from benchmarks.client import Client, Failure, encode
from benchmarks.machine import describe
from benchmarks.sender import CONNECTIONS, PIPELINE, flood, forged

ALGORITHMS = ("ES256", "RS256")
FLOOR = 0.70
# Bad RS256 tokens are refused so fast that blocking and unblocking their clients keeps the server busy.
FLOORED_AT_EQUAL_RATES = ("ES256",)
# Connections of a flood. With more than the queue holds, refusing them keeps the server's thread busy, so the times
# during such a flood have no floor.
FEW, MANY = 50, 1500
LOGIN_FLOOR = 0.25
PACE = 0.80  # of the rate at which an otherwise idle server refuses bad tokens
MALFORMED = "malformed"


def rate(port, command, seconds):
    """Commands a second of one client that waits for each reply, during a fixed time."""
    block, count = encode(command), 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            connection.sendall(block)
            reply = connection.recv(1 << 16)  # small enough for one read
            if reply[:1] not in (b"$", b"*") or not reply.endswith(b"\r\n"):
                raise Failure(f"{command[0]} did not reply with data")
            count += 1
    return count / passed


def logins(port, name, seconds):
    """The median time of a login, in milliseconds, of one client that waits for each; how many were `BUSY`."""
    times, busy, count = [], 0, 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        ends = time.monotonic() + seconds
        while (start := time.monotonic()) < ends:
            count += 1
            connection.sendall(encode(["JRS.CREATE", f"login {count}", DATA, "REALM", name]))
            reply = connection.recv(1 << 16)
            times.append(time.monotonic() - start)
            busy += reply.startswith(b"-BUSY")
            if reply[:1] not in (b"$", b"-"):
                raise Failure("a login got no reply")
    return 1000 * statistics.median(times), busy / count


def login_row(port, name, tokens, connections, options):
    """Prints a row of the table of logins; returns the ratio, and the part of them that was not `BUSY`."""
    quiet, beside, busy, refusals = [], [], [], []
    for _ in range(options.short_rounds):
        quiet.append(logins(port, name, options.seconds)[0])
        with flood(port, tokens, connections=connections) as refused:
            before, start = refused(), time.monotonic()
            median, refusal = logins(port, name, options.seconds)
            refusals.append((refused() - before) / (time.monotonic() - start))
        beside.append(median)
        busy.append(refusal)
    ratios = [without / with_flood for without, with_flood in zip(quiet, beside)]
    ratio = statistics.median(ratios)
    rate, without, with_flood = map(statistics.median, (refusals, quiet, beside))
    print(f"| bad {name}, {connections} connections | {rate / 1000:,.1f} | {without:.2f} | {with_flood:.2f} |"
          f" {max(busy):.0%} | {ratio:.2f} | {min(ratios):.2f}..{max(ratios):.2f} |", flush=True)
    options.record.row("logins", algorithm=name, connections=connections, bad=round(rate), without=without,
                       beside=with_flood, busy=max(busy), ratio=ratio, floor=LOGIN_FLOOR if connections == FEW else None)
    return ratio, 1 - max(busy)


def pace_of(port, tokens, options):
    """Tokens a second of the flood at equal rates."""
    rates = []
    for _ in range(options.short_rounds):
        with flood(port, tokens) as refused:
            before, start = refused(), time.monotonic()
            time.sleep(options.seconds)
            rates.append((refused() - before) / (time.monotonic() - start))
    return PACE * statistics.median(rates)


def rounds(port, floods, command, options, pace=None):
    """The client's rate and the refused tokens a second: two lists for each kind of flood. With a pace, malformed tokens
    come at the rate of the bad ones in the round before."""
    results, refusals, paces = {kind: [] for kind in floods}, {kind: [] for kind in floods}, dict.fromkeys(floods, pace)
    order = list(floods)
    for _ in range(options.short_rounds):
        for kind in order:
            with flood(port, floods[kind], paces[kind]) as refused:
                before, start = refused(), time.monotonic()
                results[kind].append(rate(port, command, options.seconds))
                refusals[kind].append((refused() - before) / (time.monotonic() - start))
            if pace and kind != MALFORMED:
                paces[MALFORMED] = refusals[kind][-1] or pace
        order.reverse()
    return results, refusals


def row(record, name, pace, what, floor, results, refusals):
    """Prints and records a row of the table; returns its floor as a list, or none."""
    ratios = [rate / beside for rate, beside in zip(results[name], results[MALFORMED])]
    ratio = statistics.median(ratios)
    rates = {label: round(statistics.median(values[kind]))
             for values, kind, label in ((refusals, name, "bad"), (refusals, MALFORMED, "malformed"),
                                         (results, name, "beside_bad"), (results, MALFORMED, "beside_malformed"))}
    cells = (f"{value / 1000:,.1f}" for value in rates.values())
    print(f"| bad {name}, {pace} | {what} | {' | '.join(cells)} | {ratio:.2f} | {min(ratios):.2f}..{max(ratios):.2f} |",
          flush=True)
    record.row("flood", algorithm=name, pace=pace, meanwhile=what, **rates, ratio=ratio, floor=floor)
    return [] if floor is None else [Floor(f"{what}, beside bad {name} tokens, {pace}", ratio, floor)]


def compare(options):
    """Prints the table; returns the floors."""
    floors = []
    with server_with_keys(ALGORITHMS) as port:
        client = Client(port)
        describe(client, options, options.short_rounds)
        threads = client("CONFIG", "GET", "jrs.crypto-threads")[1]
        print(f"- the flood: {CONNECTIONS} connections of one process, at most {PIPELINE} commands under way on each;"
              f" the other client: 1 connection, no pipeline; jrs.crypto-threads {threads}\n")
        print("| flood | meanwhile | flood, k/s | malformed, k/s | beside it, k/s | beside malformed, k/s | ratio |"
              " spread |")
        print("|---|---|--:|--:|--:|--:|--:|--:|")
        client("SET", "plain", DATA)
        for name in ALGORITHMS:
            token = client("JRS.CREATE", OWNER, DATA, "REALM", name)
            junk = "ey" + secrets.token_hex(len(token))[:len(token) - 2]
            floods = {name: [forged(token) for _ in range(PIPELINE)], MALFORMED: [junk] * PIPELINE}
            pace = pace_of(port, floods[name], options)
            for what, command in (("GET", ["GET", "plain"]), ("JRS.GET, cached", ["JRS.GET", token])):
                measured = rounds(port, floods, command, options)
                floors += row(options.record, name, "at full speed", what, FLOOR, *measured)
                floor = FLOOR if name in FLOORED_AT_EQUAL_RATES else None
                measured = rounds(port, floods, command, options, pace)
                floors += row(options.record, name, "at equal rates", what, floor, *measured)
        print("\n| flood | flood, k/s | a login without, ms | beside it, ms | BUSY | ratio | spread |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for name in ALGORITHMS:
            token = client("JRS.CREATE", OWNER, DATA, "REALM", name)
            for connections in (FEW, MANY):
                ratio, served = login_row(port, name, [forged(token) for _ in range(PIPELINE)], connections, options)
                what = f"beside bad {name} tokens of {connections} connections"
                if connections == FEW:
                    floors.append(Floor(f"a login's time without the flood and {what}", ratio, LOGIN_FLOOR))
                floors.append(Floor(f"logins that are not BUSY {what}", served, 1))
        print()
        latency.compare(port, client, ALGORITHMS, options)
    return floors
