"""Latencies as counts in buckets of 4 %."""

import math
from collections import Counter

STEP = math.log(1.04)


def bucket(seconds):
    return round(math.log(max(seconds * 1e6, 1)) / STEP)


def percentile(counts, share):
    """The latency in milliseconds that this share of the commands did not exceed; None without commands."""
    total, seen = sum(counts.values()), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= total * share:
            return math.exp(number * STEP) / 1000
    return None


def merged(many):
    total = Counter()
    for counts in many:
        total.update(counts)
    return total
