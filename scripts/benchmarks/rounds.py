"""Rounds of all sides in turns, and the table of their results."""

import statistics
from dataclasses import dataclass

TEXTS, FIGURES = ("JRS", "plain", "how"), ("JRS, k/s", "plain, k/s", "ratio", "spread", "by server time", "server busy")
# Columns of --beside: the other build's ratios to the plain command, and this build's rate relative to the other's.
OTHER_FIGURES = ("the other build", "spread", "by server time", "this / other")


def take_turns(sides, rounds):
    """Calls each side once a round, each time another one first: a list of results for each side."""
    results, order = [[] for _ in sides], list(range(len(sides)))
    for _ in range(rounds):
        for side in order:
            results[side].append(sides[side]())
        order.append(order.pop(0))
    return results


@dataclass
class Ratio:
    """The median of the ratios of the rounds, and the lowest and highest."""
    ratio: float
    low: float
    high: float

    @property
    def spread(self):
        return f"{self.low:.2f}..{self.high:.2f}"


def compared(over, under):
    ratios = [one / other for one, other in zip(over, under)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def header(texts, figures):
    """Prints the head of a table: columns of texts, then columns of figures."""
    print("|", " | ".join([*texts, *figures]), "|")
    print("|" + "---|" * len(texts) + "--:|" * len(figures))


def rate_header(options, texts=TEXTS, figures=FIGURES):
    """The head of a table of rates."""
    header(texts, figures + (OTHER_FIGURES if len(options.builds) > 1 else ()))


def rate_row(record, table, labels, pairs, **more):
    """Prints the row of a table of rates and records it, with `more`. `pairs` has, for each build, the rounds of both
    sides: two lists of (commands a second, the server's processor seconds each). Returns the median ratio of each build."""
    rates = [[[rate for rate, _ in side] for side in pair] for pair in pairs]
    costs = [[[cost for _, cost in side] for side in pair] for pair in pairs]
    found = [compared(*pair) for pair in rates]
    by_time = [compared(*reversed(pair)).ratio for pair in costs]
    medians = [statistics.median(side) for side in rates[0]]
    busy = [statistics.median(min(rate * cost, 1) for rate, cost in side) for side in pairs[0]]
    cells = [*labels.values(), *(f"{rate / 1000:,.0f}" for rate in medians), f"{found[0].ratio:.2f}", found[0].spread,
             f"{by_time[0]:.2f}", " / ".join(f"{share:.0%}" for share in busy)]
    for number in range(1, len(pairs)):
        cells += [f"{found[number].ratio:.2f}", found[number].spread, f"{by_time[number]:.2f}",
                  f"{compared(rates[0][0], rates[number][0]).ratio:.2f}"]
        more["other"] = found[number].ratio
    print("|", " | ".join(cells), "|", flush=True)
    record.row(table, **labels, jrs_rate=round(medians[0]), plain_rate=round(medians[1]), ratio=found[0].ratio,
               low=found[0].low, high=found[0].high, by_server_time=by_time[0], **more)
    return [one.ratio for one in found]


def floors(bound, what, limit, values):
    """The values of the builds as a list of one Floor or Ceiling; none without a limit."""
    return [] if limit is None else [bound(what, values[0], limit, *values[1:])]
