"""A flood: a process of its own that sends tokens to the server over many connections and counts the refusals."""

import multiprocessing
import selectors
import signal
import socket
import time
from contextlib import contextmanager, suppress

from benchmarks.client import Failure, encode

CONNECTIONS = 20
PIPELINE = 16  # commands that a connection has under way, at most
BURST = PIPELINE // 2  # commands that a paced flood sends at a time
LONGEST = 60  # seconds after which a flood ends by itself, whatever happens


@contextmanager
def flood(port, tokens, pace=None, connections=CONNECTIONS):
    """Runs a flood of these PIPELINE tokens, over and over, `pace` of them a second or as fast as they are answered (only
    then does `connections` say over how many connections): yields a function that says how many have been refused so far."""
    context = multiprocessing.get_context("fork")
    refused = context.Value("q", 0, lock=False)
    process = context.Process(target=send, args=(port, tokens, refused, pace, connections), daemon=True)
    process.start()
    try:
        deadline = time.monotonic() + 10
        while refused.value < 10 * connections:
            if time.monotonic() > deadline or not process.is_alive():
                raise Failure("the flood did not begin")
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
    """Sends PIPELINE commands on each connection whenever it is owed no reply."""
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
    """Sends BURST commands on one connection after the other. Replies are read when it is a connection's turn, and not
    as they come, so that this process itself does the same work whenever the server answers."""
    for connection in connections:
        connection.setblocking(False)  # what is sent always fits into its buffer
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
        # Whom the server has not answered yet gets no more: the flood is then slower than its pace.
        if owed[connection] <= PIPELINE - BURST:
            owed[connection] += BURST
            connection.sendall(burst)
