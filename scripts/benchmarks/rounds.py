"""Rounds of all sides in turns, and the table of their results."""

import statistics

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


def compared(over, under):
    """The median of the ratios of the rounds, and their spread as a text."""
    ratios = [one / other for one, other in zip(over, under)]
    return statistics.median(ratios), f"{min(ratios):.2f}..{max(ratios):.2f}"


def header(texts, figures):
    """Prints the head of a table: columns of texts, then columns of figures."""
    print("|", " | ".join([*texts, *figures]), "|")
    print("|" + "---|" * len(texts) + "--:|" * len(figures))


def rate_header(options, texts=TEXTS, figures=FIGURES):
    """The head of a table of rates."""
    header(texts, figures + (OTHER_FIGURES if len(options.builds) > 1 else ()))


def rate_row(labels, pairs):
    """Prints the row of a table of rates. `pairs` has, for each build, the rounds of both sides: two lists of (commands a
    second, the server's processor seconds each). Returns the median ratio of each build."""
    rates = [[[rate for rate, _ in side] for side in pair] for pair in pairs]
    costs = [[[cost for _, cost in side] for side in pair] for pair in pairs]
    found = [compared(*pair) for pair in rates]
    by_time = [compared(*reversed(pair))[0] for pair in costs]
    cells = [*labels, *(f"{statistics.median(side) / 1000:,.0f}" for side in rates[0]), f"{found[0][0]:.2f}", found[0][1],
             f"{by_time[0]:.2f}",
             " / ".join(f"{statistics.median(min(rate * cost, 1) for rate, cost in side):.0%}" for side in pairs[0])]
    for number in range(1, len(pairs)):
        ratio, spread = found[number]
        cells += [f"{ratio:.2f}", spread, f"{by_time[number]:.2f}", f"{compared(rates[0][0], rates[number][0])[0]:.2f}"]
    print("|", " | ".join(cells), "|", flush=True)
    return [ratio for ratio, _ in found]


def floors(bound, what, limit, values):
    """The values of the builds as a list of one Floor or Ceiling; none without a limit."""
    return [] if limit is None else [bound(what, values[0], limit, *values[1:])]
