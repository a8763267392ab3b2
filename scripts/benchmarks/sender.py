"""A flood: a separate process that sends tokens to the server over many connections and counts the refused ones."""

import base64
import multiprocessing
import secrets
import selectors
import signal
import socket
import time
from contextlib import contextmanager, suppress

from benchmarks.client import Failure, encode

CONNECTIONS = 20
PIPELINE = 16  # at most this many commands of a connection are in flight
BURST = PIPELINE // 2  # commands that a paced flood sends at a time
LONGEST = 60  # seconds after which a flood ends in any case


def forged(token):
    """The token with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    signature = secrets.token_bytes(len(base64.urlsafe_b64decode(signature + "==")))
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@contextmanager
def flood(port, tokens, pace=None, connections=CONNECTIONS):
    """Runs a flood of these PIPELINE tokens, repeated at `pace` tokens a second or, over `connections`, as fast as the server
    replies. Yields a function that returns the number of refused tokens."""
    context = multiprocessing.get_context("fork")
    refused = context.Value("q", 0, lock=False)
    process = context.Process(target=send, args=(port, tokens, refused, pace, connections), daemon=True)
    process.start()
    try:
        deadline = time.monotonic() + 10
        while refused.value < 10 * connections:
            if time.monotonic() > deadline or not process.is_alive():
                raise Failure("the flood did not start")
            time.sleep(0.01)
        yield lambda: refused.value
    finally:
        process.kill()
        process.join()


def send(port, tokens, refused, pace, count):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    commands = [encode(["JRS.GET", token]) for token in tokens]
    connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
    if pace:
        evenly(connections, b"".join(commands[:BURST]), refused, pace)
    else:
        as_fast_as_answered(connections, b"".join(commands), refused)


def as_fast_as_answered(connections, block, refused):
    """Sends PIPELINE commands on each connection that waits for no reply."""
    ends = time.monotonic() + LONGEST
    selector, owed = selectors.DefaultSelector(), {}
    for connection in connections:
        selector.register(connection, selectors.EVENT_READ)
        owed[connection] = PIPELINE
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
                owed[connection] = PIPELINE
                connection.sendall(block)


def evenly(connections, burst, refused, pace):
    """Sends BURST commands on one connection after the other. It reads replies at a connection's turn and not when they
    arrive, so that this process always does the same work."""
    for connection in connections:
        connection.setblocking(False)  # a burst always fits into the send buffer
    start, turn, owed = time.monotonic(), 0, dict.fromkeys(connections, 0)
    while (now := time.monotonic()) < start + LONGEST:
        due = start + turn * BURST / pace
        if due > now:
            time.sleep(due - now)
        connection = connections[turn % CONNECTIONS]
        turn += 1
        with suppress(BlockingIOError):
            replies = connection.recv(1 << 16).count(b"\n")
            refused.value += replies
            owed[connection] -= replies
        # No more for a connection with a missing reply: the flood is slower than its pace then.
        if owed[connection] <= PIPELINE - BURST:
            owed[connection] += BURST
            connection.sendall(burst)
