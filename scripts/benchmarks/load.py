"""Sends commands and measures their rate."""

import socket
import subprocess
import threading
import time

from benchmarks.client import Failure, encode


def redis_benchmark(port, command, requests, pipeline=1, connections=50, numbers=10**9):
    """Commands a second, by redis-benchmark, which writes a new number below `numbers` for each __rand_int__."""
    options = {"-h": "127.0.0.1", "-p": port, "-c": connections, "-n": requests, "-P": pipeline, "-r": numbers}
    words = ["redis-benchmark", *(str(word) for pair in options.items() for word in pair), "--csv", *command]
    run = subprocess.run(words, capture_output=True, text=True, timeout=300 + requests // 10_000)
    lines = [line.strip().strip('"') for line in run.stdout.splitlines() if line.startswith('"')]
    if run.returncode != 0 or len(lines) != 2:
        raise Failure(f"redis-benchmark {command[0]} failed: {run.stderr.strip() or run.stdout.strip()}")
    # The first column is the command, its quotes not escaped, so columns are counted from the right.
    columns = lines[0].split('","')
    return float(lines[-1].rsplit('","', len(columns) - 1)[columns.index("rps")])


def stream(port, block, count, least):
    """Commands a second when one connection sends prepared bytes with `count` commands without waiting for replies. It only
    counts the bytes of the replies, so that this program is not the bottleneck. `least` is the shortest length of a reply."""
    end = b"$17\r\nend-of-the-stream\r\n"
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)

    def send():
        connection.sendall(block)
        connection.sendall(encode(["ECHO", "end-of-the-stream"]))

    buffer, tail, received = memoryview(bytearray(1 << 20)), b"", 0
    start = time.monotonic()
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while not tail.endswith(end):
        if not (size := connection.recv_into(buffer)):
            raise Failure("the server closed the stream")
        received += size
        tail = (tail + bytes(buffer[max(0, size - len(end)):size]))[-len(end):]
    seconds = time.monotonic() - start
    sender.join()
    connection.close()
    if received < count * least:
        raise Failure("the replies of the stream did not contain the data")
    return count / seconds


def counted(client, command, requests, send):
    """The result of `send()` as (commands a second, the server's processor seconds each). An error reply is a failure."""
    before = client.totals()
    rate = send()
    cpu, errors = (after - earlier for after, earlier in zip(client.totals(), before))
    if errors:
        raise Failure(f"{command} replied with errors")
    return rate, cpu / requests
