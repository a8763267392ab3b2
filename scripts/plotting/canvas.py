"""Boxes and arrows at given places, in the pixels of the page."""

from matplotlib import patches, pyplot

from plotting.style import INK, ORANGE, PAPER, SOFT, WIDTH

PIXELS = 96 * WIDTH  # the width of a picture
LEADING = 15  # from line to line


class Canvas:
    def __init__(self, height):
        self.figure = pyplot.figure(figsize=(WIDTH, height / 96))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, PIXELS)
        self.axes.set_ylim(height, 0)
        self.axes.axis("off")

    def box(self, x, y, width, height, fill=PAPER, edge=SOFT, dashed=False):
        self.axes.add_patch(
            patches.FancyBboxPatch(
                (x + 5, y + 5),
                width - 10,
                height - 10,
                boxstyle="round,pad=5",
                facecolor=fill,
                edgecolor=edge,
                linewidth=1.1,
                linestyle="--" if dashed else "-",
            )
        )

    def text(self, x, y, text, size=9, color=INK, bold=False, mono=False, align="left"):
        """Lines of text, the first one at `y`."""
        for number, line in enumerate(text.split("\n")):
            self.axes.text(
                x,
                y + number * LEADING,
                line,
                fontsize=size,
                color=color,
                ha=align,
                va="center",
                weight="bold" if bold else "normal",
                family="DejaVu Sans Mono" if mono else "DejaVu Sans",
            )

    def card(self, x, y, width, height, title, text="", code="", fails="", fill=PAPER, edge=SOFT):
        """A box with a title, some lines, what happens otherwise, and names of the source at its foot."""
        self.box(x, y, width, height, fill, edge)
        self.text(x + 10, y + 16, title, 10, bold=True)
        self.text(x + 10, y + 36, text)
        self.text(x + 10, y + 38 + LEADING * len(text.split("\n")), fails, color=ORANGE)
        names = code.split("\n") if code else []
        self.text(x + 10, y + height - 12 - LEADING * (len(names) - 1), code, 8, SOFT, mono=True)

    def arrow(self, points, text="", at=None, color=INK, align="center", dashed=False):
        """A line through the points with a head at its end, and a text."""
        for start, end in zip(points, points[1:-1]):
            self.axes.plot(
                *zip(start, end), color=color, linewidth=1.4, linestyle="--" if dashed else "-", solid_capstyle="round"
            )
        self.axes.annotate(
            "",
            points[-1],
            points[-2],
            arrowprops={
                "arrowstyle": "-|>",
                "color": color,
                "linewidth": 1.4,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 12,
                "linestyle": "--" if dashed else "-",
            },
        )
        if text:
            self.text(*at, text, color=color, align=align)
