"""The time to load sessions from an RDB file, with the module and without."""

import pathlib
import re
import statistics
import tempfile

from benchmarks.bounds import Ceiling
from benchmarks.client import Client, Failure
from benchmarks.fill import data_of, fill
from benchmarks.machine import describe
from benchmarks.rounds import Ratio, compared, floors, header, take_turns
from benchmarks.server import LOG, server

SESSIONS = 1_000_000
DATA = data_of(200)
MOST = 1.25


def seconds(module, folder, keys):
    """The load time of the RDB file in this folder by the server's log, and the server's processor time; both in seconds."""
    with server(module=module, folder=folder, patience=300) as port:
        client = Client(port)
        cpu, _ = client.totals()
        if int(client("DBSIZE")) != keys:
            raise Failure("the server did not load all keys")
    log = (pathlib.Path(folder) / LOG).read_text(errors="replace")
    return float(re.search(r"DB loaded from disk: ([0-9.]+) seconds", log)[1]), cpu


def save(build, folder, count):
    """Writes an RDB file with this many sessions, each with its own owner; returns its number of keys."""
    with server(module=build.module, folder=folder) as port:
        client = Client(port)
        fill(port, count, DATA)
        client("SAVE")
        return int(client("DBSIZE"))


def compare(options):
    """Prints the table; returns the ceilings."""
    count, sides = options.scaled(SESSIONS), []
    with server() as port:
        describe(Client(port), options)
    print(f"- {count:,} sessions, each of another owner, data {len(DATA)} bytes; the server's own figure (its log)\n")
    header(["the sessions of"], ["keys", "with the module, s", "without, s", "with / without", "spread", "by server time"])
    with tempfile.TemporaryDirectory(prefix="jrs-bench-rdb-") as root:
        loads = []
        for number, build in enumerate(options.builds):
            folder = pathlib.Path(root) / str(number)
            folder.mkdir()
            loads.append((build, keys := save(build, folder, count)))
            for module in (build.module, None):
                sides.append(lambda module=module, folder=folder, keys=keys: seconds(module, folder, keys))
        results = [side[1:] for side in take_turns(sides, options.rounds + 1)]  # the first round does not count
    ratios = []
    for (build, keys), loaded, bare in zip(loads, results[::2], results[1::2]):
        (loaded, cpu), (bare, bare_cpu) = zip(*loaded), zip(*bare)
        # A very small file (--quick) loads in 0 seconds and has no ratio.
        measured = compared(loaded, bare) if all(bare) else Ratio(1.0, 1.0, 1.0)
        ratios.append(measured.ratio)
        print(f"| {build.name} | {keys:,} | {statistics.median(loaded):.3f} | {statistics.median(bare):.3f} |"
              f" {measured.ratio:.2f} | {measured.spread} | {compared(cpu, bare_cpu).ratio:.2f} |")
    return floors(Ceiling, f"load of {count:,} sessions from an RDB, with the module / without", MOST, ratios)
