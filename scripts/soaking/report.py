"""The report of a run, in Markdown."""

import math
import os
import statistics
from collections import Counter, defaultdict

from soaking.control import QUIET
from soaking.events import EVENTS
from soaking.figures import Trend
from soaking.latency import merged, percentile

# Figure -> its title, the share by which it may grow in an hour, and the unit. Fragmentation is a part of RSS.
TRENDS = {"memory": ("`used_memory` without buffers and cache", 0.02, 1024),
          "index_bytes": ("`jrs_index_bytes`", 0.02, 1024),
          "rss": ("resident memory (RSS)", 0.10, 1024),
          "fragmentation": ("`allocator_frag_ratio`", math.inf, 1)}


def trends(soak):
    return {name: Trend(points) for name, points in soak.points.items()}


def growing(soak):
    """Findings: figures that grow."""
    findings = []
    for name, trend in trends(soak).items():
        title, share, unit = TRENDS[name]
        if trend.grows(share):
            findings.append(f"{title} grows by {trend.slope / unit:,.1f} an hour from {trend.level / unit:,.1f}")
    return findings


def table(head, rows, align=None):
    align = align or ["---"] + ["--:"] * (len(head) - 1)
    lines = [head, align, *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def machine(info, options):
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024 ** 2
    server = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    system = os.uname()
    return [f"- {os.cpu_count()} cores, {memory:.0f} GB of memory, {system.sysname} {system.release} {system.machine}",
            f"- {server}, JRS {info['jrs_version']}{f' ({options.commit})' if options.commit else ''}",
            f"- Seed {options.seed}"]


def milliseconds(value):
    return "-" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def latencies(soak):
    """Percentiles by group while nothing happens, and by phase over all groups."""
    groups, phases = defaultdict(list), defaultdict(list)
    for (phase, group, bucket), count in soak.clients.latencies.items():
        phases[phase].append({bucket: count})
        if phase == QUIET:
            groups[group].append({bucket: count})

    def rows(many):
        for name, counts in many:
            total = merged(counts)
            shares = (milliseconds(percentile(total, share)) for share in (0.5, 0.99, 0.999, 1))
            yield [name, f"{sum(total.values()):,}", *shares]

    head = ["commands", "p50", "p99", "p99.9", "longest"]
    ordered = [(phase, phases[phase]) for phase in (QUIET, *EVENTS) if phase in phases]
    return [*table(["while nothing happens", *head], rows(sorted(groups.items()))),
            *table(["all commands, by event", *head], rows(ordered))]


def errors(soak):
    counts = defaultdict(Counter)
    for (phase, word), count in soak.clients.errors.items():
        counts[phase][word] += count
    rows = [[phase, ", ".join(f"`{word}` {count:,}" if word.isupper() else f"{word} {count:,}"
                              for word, count in words.most_common())] for phase, words in sorted(counts.items())]
    return table(["event", "errors that clients met and retried"], rows, ["---", "---"]) if rows else []


def memory(soak):
    rows = []
    for name, trend in trends(soak).items():
        title, _, unit = TRENDS[name]
        name_of_unit = " kB" if unit > 1 else ""
        growth = "-" if math.isnan(trend.slope) else (
            f"{trend.slope / unit:+,.2f} ± {trend.error / unit:,.2f}{name_of_unit}")
        rows.append([title, trend.count, f"{trend.level / unit:,.2f}{name_of_unit}" if trend.count else "-", growth])
    return table(["figure", "checkpoints", "mean", "growth in an hour ± standard error"], rows)


def report(soak, info):
    clients = soak.clients
    checks = soak.checks + clients.checks
    notes = [[name, len(values), *(f"{value:,.0f}" for value in (statistics.median(values), max(values)))]
             for name, values in sorted(soak.notes.items())]
    operations = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in clients.done.most_common())
    return "\n".join([
        *machine(info, soak.options),
        f"- {soak.seconds / 60:.1f} minutes, {clients.commands:,} commands of {len(clients.pipes)} clients, and"
        f" {sum(soak.notes['sessions of an expiry storm']):,} creates of expiry storms",
        f"- Largest RSS of a server {soak.recorder.peaks['rss'] / 1024 ** 2:,.0f} MB, largest AOF"
        f" {soak.recorder.peaks['aof_size'] / 1024 ** 2:,.0f} MB",
        f"- **{len(soak.findings) or 'No'} finding{'' if len(soak.findings) == 1 else 's'}**",
        *[f"  - {finding}" for finding in soak.findings], "",
        *table(["event", "times"], [[event, soak.counts[event]] for event in EVENTS]),
        *table(["what was checked", "times"], [[name, f"{count:,}"] for name, count in sorted(checks.items())]),
        "Memory:", "", *memory(soak),
        "Latency as a client sees it, in milliseconds, with all attempts during an outage:", "", *latencies(soak),
        *errors(soak),
        *table(["what took how long", "times", "median", "longest"], notes),
        f"Operations: {operations}.", ""])


