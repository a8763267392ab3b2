"""The style of all pictures, and how they are written: the same input gives the same bytes."""

import io

import matplotlib
from matplotlib import font_manager, pyplot

WIDTH = 8.8  # inches; shown at GitHub's width, text of 10 points is as large as the text of the page
# Colors that color-blind people can tell apart (a palette of Okabe and Ito). Each series also has its own marker.
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#007a5a"
INK, SOFT, LINE, PAPER, PALE = "#1f2328", "#59636e", "#d1d9e0", "#ffffff", "#f6f8fa"

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text: it can be selected and compared
        "svg.hashsalt": "jrs",
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": LINE,
        "axes.labelcolor": INK,
        "axes.labelsize": 10,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.solid_capstyle": "butt",
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
    }
)
# Only the fonts that matplotlib brings: those of the machine may have other widths.
font_manager.fontManager.ttflist = [
    font for font in font_manager.fontManager.ttflist if font.fname.startswith(matplotlib.get_data_path())
]
# The font of the reader's system, as on the page; DejaVu Sans, by which the text is placed, is among the widest.
FONTS = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, 'DejaVu Sans', sans-serif"
MONOSPACE = "ui-monospace, Consolas, 'DejaVu Sans Mono', monospace"


def svg(figure):
    """The picture as bytes, without a date, on a white card that is legible on light and dark pages."""
    out = io.BytesIO()
    figure.patch.set(edgecolor=LINE, linewidth=2)
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    text = out.getvalue().decode().replace("'DejaVu Sans'", FONTS).replace("'DejaVu Sans Mono'", MONOSPACE)
    lines = (line.rstrip() for line in text.splitlines())
    return ("\n".join(lines) + "\n").encode()
