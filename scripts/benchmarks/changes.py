"""The cost of JRS.UPDATE by the size of the data: a change of one member compared with replacing all data."""

import statistics

from benchmarks.bounds import Ceiling, Floor
from benchmarks.client import Client, Failure
from benchmarks.machine import describe
from benchmarks.server import server

SIZES = {"1 kB": 1 << 10, "100 kB": 100 << 10, "1 MiB": 1 << 20}
SETTINGS = {"jrs.max-data-size": str(2 << 20)}


# How long any change of 1 MiB may keep the server busy. A TOOBIG takes no longer.
MOST_MILLISECONDS = 15


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


def shapes_of_names(size):
    """Data of nearly this size whose names are costly to look up, and what changes it: (data, change, way) by shape."""
    def members(count, name):
        return "{%s}" % ",".join(f'"{name(number)}":{number % 10}' for number in range(count))

    def adds(count, name):
        return "[%s]" % ",".join(f'{{"op":"add","path":"/{name(number)}","value":1}}' for number in range(count))

    def long(number):
        return "x" * 990 + f"y{number:06}"

    def long_with_escape(number):
        return "x" * 990 + f'\\"{number:06}'

    def short(number):
        return f"a name of 22 bytes{number:06}"

    def short_with_escape(number):
        return f"\\u0061 name of 22 b{number:06}"

    few_long, few_escaped = members(8, lambda number: long(90000 + number)), members(8, long_with_escape)
    long_data, many = members(size // 1003, long), size // 28
    plain, escaped = members(many, short), members(many, short_with_escape)
    return {
        "8 long names": (long_data, few_long, "MERGE"),
        "8 long names, an escape in each": (long_data, few_escaped, "MERGE"),
        "13 long names, an escape in each": (long_data, adds(13, long_with_escape), "PATCH"),
        "many names, each changed": (plain, plain.replace(":1", ":2"), "MERGE"),
        "many names with an escape, each changed": (escaped, escaped.replace(":1", ":2"), "MERGE"),
        "many names, one added": (plain, adds(1, short_with_escape), "PATCH"),
        "many names with an escape, one added": (escaped, adds(1, short), "PATCH"),
        "many names with an escape, 500 added": (escaped, adds(500, lambda number: f"n{number}"), "PATCH"),
    }


def update(client, token, change):
    """One change, which may be refused as too large: the cost is the same."""
    try:
        client("JRS.UPDATE", token, *change)
    except Failure as failure:
        if "TOOBIG" not in str(failure):
            raise


def milliseconds(client, token, data, change, rounds, repeats):
    """The median of the server's processor time for one change, in milliseconds."""
    times = []
    for _ in range(rounds):
        client("JRS.UPDATE", token, data)
        before, _ = client.totals()
        for number in range(repeats):
            update(client, token, [part.replace("NUMBER", str(number)) for part in change])
        times.append((client.totals()[0] - before) / repeats * 1000)
    return statistics.median(times)


def compare(options):
    """Prints the tables; returns the floors of the speed of a change relative to REPLACE, and its longest time."""
    worst, most = [1.0, 1.0], 0.0
    with server() as port:
        client = Client(port)
        for name, value in SETTINGS.items():
            client("CONFIG", "SET", name, value)
        describe(client, options)
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
                options.record.row("changes", data=shape, size=label, **dict(zip(("replace", "merge", "patch"), times)))
                if size == max(SIZES.values()):
                    worst = [min(least, times[0] / time) for least, time in zip(worst, times[1:])]
                    most = max(most, *times[1:])
        print("\n| names, 1 MiB of data | command | ms |")
        print("|---|---|--:|")
        for shape, (data, change, way) in shapes_of_names(max(SIZES.values())).items():
            time = milliseconds(client, token, data, [change, way], options.rounds, 8 if options.rounds > 1 else 2)
            print(f"| {shape} | `{way}` | {time:.2f} |", flush=True)
            options.record.row("names", names=shape, command=way, ms=time)
            most = max(most, time)
    floors = [Floor(f"{way} beside REPLACE, 1 MiB of the worst shape of values", ratio, 0.25)
              for way, ratio in zip(("MERGE", "PATCH"), worst)]
    return [*floors, Ceiling("ms for the slowest change of 1 MiB", most, MOST_MILLISECONDS)]
