"""Reading and writing encrypted session data, compared with plain data of the same size on the same server."""

import json
import pathlib
import secrets
import tempfile

from benchmarks.bounds import Floor
from benchmarks.client import Client
from benchmarks.load import counted, redis_benchmark
from benchmarks.machine import describe
from benchmarks.rounds import floors, rate_header, rate_row, take_turns
from benchmarks.server import server

CONNECTIONS = 20
# The size of the data, and the lowest acceptable ratio of JRS.GET.
SIZES = {"1 kB": (1 << 10, 0.60), "100 kB": (100 << 10, 0.12)}
TEXTS = ("command", "data", "how")
FIGURES = ("encrypted, k/s", "plain, k/s", "ratio", "spread", "by server time", "server busy")


def data_of(size):
    """Data of this size."""
    head, tail = '{"name":"', '"}'
    return head + "x" * (size - len(head) - len(tail)) + tail


def measure(port, client, pair, requests, rounds):
    """The rounds of both commands: (commands a second, the server's processor seconds each)."""
    def run(command, count=requests):
        return counted(client, command[0], count, lambda: redis_benchmark(port, command, count, 1, CONNECTIONS))

    for command in pair:
        run(command, max(requests // 10, 100))
    return take_turns([lambda command=command: run(command) for command in pair], rounds)


def compare(options):
    """Prints the table; returns the floors."""
    found = []
    with tempfile.TemporaryDirectory(prefix="jrs-bench-data-keys-") as folder, server() as port:
        file = pathlib.Path(folder) / "data-keys.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"kty": "oct", "kid": "k1", "k": secrets.token_urlsafe(32)}))
        client = Client(port)
        describe(client, options)
        print(f"- {CONNECTIONS} connections, no pipeline, token of HS256\n")
        plain = {label: client("JRS.CREATE", "plain", data_of(size)) for label, (size, _) in SIZES.items()}
        client("CONFIG", "SET", "jrs.data-keys-file", str(file))
        rate_header(options, TEXTS, FIGURES)
        for label, (size, floor) in SIZES.items():
            data = data_of(size)
            sealed = client("JRS.CREATE", "encrypted", data)
            requests = max(1000, options.requests // max(1, size >> 13))
            rounds = measure(port, client, (["JRS.GET", sealed], ["JRS.GET", plain[label]]), requests, options.rounds)
            labels = {"command": "JRS.GET", "data": label, "how": "no pipeline"}
            ratios = rate_row(options.record, "encryption", labels, [rounds], floor=floor)
            found += floors(Floor, f"JRS.GET of {label}, encrypted / plain", floor, ratios)
    return found
