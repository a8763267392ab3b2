"""The charts. Each function draws the picture of its name from the results."""

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter

from plotting.style import BLUE, GREEN, INK, ORANGE, SOFT, WIDTH

MODES = {"no pipeline": "one command at a time", "-P 32": "32 commands in a pipeline"}
PERCENTILES, LEAST = ("p50", "p99", "p99.9"), 0.01  # the lowest time on the axis, in milliseconds
PAGES = {"reads": "page that reads the session", "changes a field": "page that changes a field"}


def commands(results):
    """Two panels of ratios: without pipeline and with."""
    rows = results["commands"]["rows"]
    names = list(dict.fromkeys((row["jrs"], row["plain"]) for row in rows))
    figure, axes = pyplot.subplots(1, 2, figsize=(WIDTH, 1.2 + 0.42 * len(names)), sharey=True)
    for panel, (how, title) in zip(axes, MODES.items()):
        for place, (jrs, plain) in enumerate(names):
            row = labelled(rows, jrs=jrs, plain=plain, how=how)
            dot(panel, place, row, SOFT if "noise" in jrs else BLUE)
            if "floor" in row:
                panel.plot([row["floor"]] * 2, [place - 0.38, place + 0.38], color=ORANGE, linewidth=2.5, zorder=2)
        ratio_axis(panel, 0, max(1.12, *(row["high"] + 0.05 for row in rows)), title)
    name_rows(figure, axes[0], [label(*name) for name in names], "rate of JRS / rate of the plain command")
    legend(
        figure,
        [
            marker(BLUE, "o", "median of the rounds; the bar: lowest to highest"),
            marker(ORANGE, "|", "floor: the ratio must not be below"),
            marker(SOFT, "o", "noise"),
        ],
    )
    return figure


def labelled(rows, **labels):
    """The row with these labels, or none of its figures."""
    return next((row for row in rows if labels.items() <= row.items()), {})


def label(jrs, plain):
    jrs, _, where = jrs.partition("; ")
    if "noise" in jrs:
        return "GETEX EX\n/ itself (noise)"
    return f"{jrs}\n/ {plain}" + (" on a server without JRS" if where else "")


def dot(panel, place, row, color, shape="o"):
    """A ratio with its spread, and its figure at the right."""
    if "ratio" not in row:
        return
    if "low" in row:
        panel.plot([row["low"], row["high"]], [place, place], color=color, linewidth=6, alpha=0.35, zorder=2)
    panel.plot(row["ratio"], place, shape, color=color, markersize=6.5, zorder=3)
    panel.annotate(
        f"{row['ratio']:.2f}",
        (1, place),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=color,
    )


def ratio_axis(panel, low, high, title):
    panel.set_title(title, pad=8)
    panel.set_xlim(low, high)
    panel.axvline(1, color=INK, linewidth=1, zorder=1)
    panel.grid(axis="x")
    panel.spines["left"].set_visible(False)


def name_rows(figure, panel, names, what):
    """The names at the left of the rows, and what all panels show."""
    panel.set_yticks(range(len(names)), names, fontsize=9)
    panel.set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel(what, fontsize=10, y=0.1 / figure.get_figheight())


def marker(color, shape, text):
    return pyplot.Line2D([], [], color=color, marker=shape, linestyle="", markersize=8, markeredgewidth=2, label=text)


def legend(figure, handles):
    """The legend above all panels, and the room for it."""
    height = figure.get_figheight()
    figure.legend(
        handles=handles,
        loc="upper left",
        ncols=len(handles),
        handletextpad=0.3,
        columnspacing=1.4,
        bbox_to_anchor=(0.005, 1 - 0.06 / height),
    )
    figure.tight_layout(rect=(0.01, 0.02 / height, 0.99, 1 - 0.36 / height), w_pad=2.5)


def clients(results):
    """A panel of ratios for each page."""
    rows = results["clients"]["rows"]
    names = list(dict.fromkeys((row["application"], row["beside"]) for row in rows))
    figure, axes = pyplot.subplots(1, len(PAGES), figsize=(WIDTH, 1.3 + 0.5 * len(names)), sharey=True)
    ends = [row.get(key, row["ratio"]) for row in rows for key in ("low", "high", "by_processor_time")]
    for panel, (page, title) in zip(axes, PAGES.items()):
        for place, (application, beside) in enumerate(names):
            row = labelled(rows, application=application, beside=beside, page=page)
            is_noise = "noise" in application + beside
            dot(panel, place - 0.18, row, SOFT if is_noise else BLUE)
            if "by_processor_time" in row:
                dot(panel, place + 0.18, {"ratio": row["by_processor_time"]}, SOFT if is_noise else GREEN, "D")
        ratio_axis(panel, min(0.6, min(ends) - 0.1), max(ends) + 0.1, title)
    name_rows(
        figure,
        axes[0],
        [f"{application}\n/ {beside}" for application, beside in names],
        "application with JRS / application with the peer; above 1: JRS is faster",
    )
    legend(
        figure,
        [
            marker(BLUE, "o", "requests a second"),
            marker(GREEN, "D", "requests for the same processor time"),
            marker(SOFT, "o", "noise"),
        ],
    )
    return figure


def sessions(results):
    """JRS.GET beside GETEX, and the memory of a session, by the number of sessions."""
    rows = [row for row in results["sessions"]["rows"] if "sessions" in row]
    memory = results.get("memory", {}).get("rows", [])
    figure, axes = pyplot.subplots(1, 3 if memory else 2, figsize=(WIDTH, 3.3))
    counts = [row["sessions"] for row in rows]
    ratio, rates = axes[:2]
    ratio.fill_between(
        counts, [row["low"] for row in rows], [row["high"] for row in rows], color=BLUE, alpha=0.2, linewidth=0
    )
    ratio.plot(counts, [row["ratio"] for row in rows], "o-", color=BLUE)
    for row in rows:
        ratio.annotate(
            f"{row['ratio']:.2f}",
            (row["sessions"], row["ratio"]),
            (0, 12),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=BLUE,
        )
    ratio.set_ylim(0, 1.05)
    ratio.axhline(1, color=INK, linewidth=1)
    ratio.set_title("ratio of the rates")
    ratio.set_ylabel("JRS.GET / GETEX EX")
    lines(
        rates,
        counts,
        [[row["jrs_rate"] / 1000 for row in rows], [row["plain_rate"] / 1000 for row in rows]],
        ["JRS.GET", "GETEX EX"],
        "commands a second, thousands",
    )
    rates.set_title("rates")
    if memory:
        lines(
            axes[2],
            [row["sessions"] for row in memory],
            [[row["owned"] for row in memory], [row["plain"] for row in memory]],
            ["session with an owner", "plain key"],
            "bytes each",
        )
        axes[2].set_title("memory")
    for panel in axes:
        panel.set_xscale("log")
        panel.set_xlabel("sessions on the server")
        panel.set_xticks(sorted({*counts, *(row["sessions"] for row in memory)}))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda count, _: short(count)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.minorticks_off()
        panel.tick_params(labelsize=9)
        panel.grid(axis="y")
        panel.margins(x=0.09)
    figure.tight_layout(rect=(0.01, 0.02, 0.99, 0.98), w_pad=2)
    return figure


def lines(panel, places, series, names, what):
    """Lines from zero, each with its name at its last point."""
    for values, name, color, shape in zip(series, names, (BLUE, ORANGE), "os"):
        panel.plot(places, values, shape + "-", color=color, label=name)
    panel.set_ylim(0, 1.4 * max(map(max, series)))  # with room for the legend
    panel.set_ylabel(what)
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.legend(loc="upper right", fontsize=9, handlelength=1.6, borderaxespad=0)


def short(count):
    """1 k, 10 M."""
    for size, unit in ((1_000_000, " M"), (1_000, " k")):
        if count >= size:
            return f"{count / size:g}{unit}"
    return f"{count:g}"


def latency(results):
    """The percentiles of each command without and beside floods, on a logarithmic axis."""
    rows = results["latency"]["rows"]
    commands = list(dict.fromkeys(row["meanwhile"] for row in rows))
    figure, axes = pyplot.subplots(1, len(commands), figsize=(WIDTH, 3.7), sharey=True, squeeze=False)
    highest = max(row[percentile] for row in rows for percentile in PERCENTILES)
    for panel, command in zip(axes[0], commands):
        shown = [row for row in rows if row["meanwhile"] == command]
        for number, (row, color, shape) in enumerate(zip(shown, (SOFT, BLUE, ORANGE, GREEN), "osD^")):
            places = [place + 0.22 * (number - (len(shown) - 1) / 2) for place in range(len(PERCENTILES))]
            values = [row[percentile] for percentile in PERCENTILES]
            panel.vlines(places, LEAST, values, color=color, linewidth=6, alpha=0.35)
            panel.plot(
                places,
                values,
                shape,
                color=color,
                markersize=6.5,
                label="no flood" if row["flood"] == "none" else f"beside {row['flood']} tokens",
            )
            for place, value in zip(places, values):
                panel.annotate(
                    f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}",
                    (place, value),
                    (0, 7),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    color=color,
                )
        panel.set_title(command, pad=8)
        panel.set_yscale("log")
        panel.set_ylim(LEAST, 2.5 * highest)
        panel.minorticks_off()
        panel.set_xticks(range(len(PERCENTILES)), PERCENTILES)
        panel.grid(axis="y")
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[0][0].set_ylabel("time until the reply, ms")
    figure.supxlabel("percentile of the commands of one client", fontsize=10, y=0.1 / figure.get_figheight())
    legend(figure, axes[0][0].get_legend_handles_labels()[0])
    return figure
