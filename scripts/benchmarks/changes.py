"""What JRS.UPDATE costs the server by the size of the data: a change of one member beside a replacement of all."""

import statistics

from benchmarks.client import Client
from benchmarks.machine import describe
from benchmarks.server import server

SIZES = {"1 kB": 1 << 10, "100 kB": 100 << 10, "1 MiB": 1 << 20}
SETTINGS = {"jrs.max-data-size": str(2 << 20)}


def shapes(size):
    """Data of nearly this size, by shape."""
    def fill(unit):
        return ",".join([unit] * ((size - 40) // (len(unit) + 1)))

    records = ",".join(f'"{number:06x}":"{"x" * 80}"' for number in range((size - 40) // 92))
    return {
        "members of 80 bytes": f'{{"n":0,{records}}}',
        "many tiny objects": '{"n":0,"a":[%s]}' % fill('{"":0}'),
        "numbers": '{"n":0,"a":[%s]}' % fill("12345.678"),
        "one string": '{"n":0,"a":"%s"}' % ("x" * (size - 40)),
        "many escapes": '{"n":0,"a":"%s"}' % ("\\u0041" * ((size - 40) // 6)),
        "127 levels": '{"n":0,"a":%s%s%s}' % ("[" * 126, fill("0"), "]" * 126),
    }


def milliseconds(client, token, data, change, rounds, repeats):
    """The median of the server's processor time for one change, in milliseconds."""
    times = []
    for _ in range(rounds):
        client("JRS.UPDATE", token, data)
        before, _ = client.totals()
        for number in range(repeats):
            client("JRS.UPDATE", token, *[part.replace("NUMBER", str(number)) for part in change])
        times.append((client.totals()[0] - before) / repeats * 1000)
    return statistics.median(times)


def compare(options):
    """Prints the table; returns the floors as (what, ratio, floor): how fast a change is, beside REPLACE of the same data."""
    worst = [1.0, 1.0]
    with server() as port:
        client = Client(port)
        for name, value in SETTINGS.items():
            client("CONFIG", "SET", name, value)
        describe(client, options.rounds)
        print("- processor time of the server for one command, one connection\n")
        print("| data | size | `REPLACE`, ms | `MERGE`, ms | `PATCH`, ms |")
        print("|---|--:|--:|--:|--:|")
        token = client("JRS.CREATE", "42", "{}")
        for label, size in SIZES.items():
            repeats = max(5, min(200, (8 << 20) // size)) if options.rounds > 1 else 2
            for shape, data in shapes(size).items():
                changes = [
                    [data, "REPLACE"],
                    ['{"n":NUMBER}', "MERGE"],
                    ['[{"op":"replace","path":"/n","value":NUMBER}]', "PATCH"],
                ]
                times = [milliseconds(client, token, data, change, options.rounds, repeats) for change in changes]
                print(f"| {shape} | {label} |", " | ".join(f"{time:.2f}" for time in times), "|", flush=True)
                if size == max(SIZES.values()):
                    worst = [min(least, times[0] / time) for least, time in zip(worst, times[1:])]
    return [(f"{way} beside REPLACE, 1 MiB of the worst shape", ratio, 0.25) for way, ratio in zip(("MERGE", "PATCH"), worst)]
