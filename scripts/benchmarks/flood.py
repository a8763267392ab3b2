"""Whether a flood of bad tokens takes the server away from everybody else.

Twenty connections send tokens with a wrong signature as fast as they are answered. What another client gets done
meanwhile is compared with what it gets done beside the same flood of malformed tokens, which cost no cryptography.
"""

import base64
import multiprocessing
import secrets
import selectors
import signal
import socket
import statistics
import time
from contextlib import contextmanager

from benchmarks.algorithms import DATA, OWNER, server_with_keys
from benchmarks.client import Client, Failure, encode
from benchmarks.machine import describe

CONNECTIONS = 20
PIPELINE = 16  # commands that a connection of the flood has under way
LONGEST = 60  # seconds after which a flood ends by itself, whatever happens
FLOOR = 0.70
MALFORMED = "malformed"


def bad(token):
    """The token with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    forged = secrets.token_bytes(len(base64.urlsafe_b64decode(signature + "==")))
    return f"{head}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}"


def send(port, tokens, refused):
    """The flood's own process: keeps PIPELINE commands under way on each connection, and counts the refusals."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ends = time.monotonic() + LONGEST
    block = b"".join(encode(["JRS.GET", token]) for token in tokens)
    selector, owed = selectors.DefaultSelector(), {}
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        selector.register(connection, selectors.EVENT_READ)
        owed[connection] = len(tokens)
        connection.sendall(block)
    while time.monotonic() < ends:
        for ready, _ in selector.select(timeout=1):
            connection = ready.fileobj
            replies = connection.recv(1 << 16).count(b"\n")  # an error reply is one line
            if not replies:
                continue
            refused.value += replies
            owed[connection] -= replies
            if owed[connection] <= 0:
                owed[connection] = len(tokens)
                connection.sendall(block)


@contextmanager
def flood(port, tokens):
    """Runs a flood: yields a function that says how many tokens have been refused so far."""
    context = multiprocessing.get_context("fork")
    refused = context.Value("q", 0, lock=False)
    process = context.Process(target=send, args=(port, tokens, refused), daemon=True)
    process.start()
    try:
        deadline = time.monotonic() + 10
        while refused.value < 10 * CONNECTIONS:
            if time.monotonic() > deadline or not process.is_alive():
                raise Failure("the flood did not begin")
            time.sleep(0.01)
        yield lambda: refused.value
    finally:
        process.kill()
        process.join()


def rate(port, command, seconds):
    """Commands a second of one client that waits for each reply; the time is fixed, however slow the server is."""
    block, count = encode(command), 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            connection.sendall(block)
            reply = connection.recv(1 << 16)  # small enough to come as a whole
            if reply[:1] not in (b"$", b"*") or not reply.endswith(b"\r\n"):
                raise Failure(f"{command[0]} was not answered with data")
            count += 1
    return count / passed


def compare(options):
    """Prints the table; returns the floors as (what, ratio, floor)."""
    floors = []
    with server_with_keys(("ES256", "RS256")) as port:
        client = Client(port)
        describe(client, options.short_rounds)
        print(f"- the flood: {CONNECTIONS} connections of one process, {PIPELINE} commands under way on each;"
              f" the other client: 1 connection, no pipeline\n")
        print("| flood | flood, k/s | malformed, k/s | meanwhile | beside it, k/s | beside malformed, k/s | ratio |"
              " spread |")
        print("|---|--:|--:|---|--:|--:|--:|--:|")
        client("SET", "plain", DATA)
        for name in ("ES256", "RS256"):
            token = client("JRS.CREATE", OWNER, DATA, "REALM", name)
            junk = "ey" + secrets.token_hex(len(token))[:len(token) - 2]
            floods = {name: [bad(token) for _ in range(PIPELINE)], MALFORMED: [junk] * PIPELINE}
            for what, command in (("GET", ["GET", "plain"]), (f"JRS.GET, a cached {name} token", ["JRS.GET", token])):
                results, rates = {kind: [] for kind in floods}, {kind: [] for kind in floods}
                order = list(floods)
                for _ in range(options.short_rounds):
                    order.reverse()
                    for kind in order:
                        with flood(port, floods[kind]) as refused:
                            before, start = refused(), time.monotonic()
                            results[kind].append(rate(port, command, options.seconds))
                            rates[kind].append((refused() - before) / (time.monotonic() - start))
                ratios = [rate / beside for rate, beside in zip(results[name], results[MALFORMED])]
                ratio = statistics.median(ratios)
                floods_shown, results_shown = (
                    " | ".join(f"{statistics.median(values[kind]) / 1000:,.1f}" for kind in (name, MALFORMED))
                    for values in (rates, results))
                print(f"| bad {name} | {floods_shown} | {what} | {results_shown} | {ratio:.2f} |"
                      f" {min(ratios):.2f}..{max(ratios):.2f} |", flush=True)
                floors.append((f"{what}, beside a flood of bad {name} tokens", ratio, FLOOR))
    return floors
