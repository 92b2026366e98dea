"""How our figures look, and how they become bytes."""

import io
import warnings
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI: Final = 130
INK, GRID, FAINT = "#1f2933", "#d9dee4", "#7b8794"
BLUE, ORANGE = "#1f6fb2", "#d9730d"
LABEL_LENGTH: Final = 24


def prepare_axes(axes: Axes, title: str, *, x: str, y: str) -> None:
    """Give axes a title, names and a quiet grid."""
    axes.set_title(shorten(title, 90), fontsize=11, color=INK, loc="left")
    axes.set_xlabel(shorten(x, 90), fontsize=9, color=INK)
    axes.set_ylabel(shorten(y, 90), fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def shorten(text: str, length: int = LABEL_LENGTH) -> str:
    """Shorten a text of the user's, and keep matplotlib from reading formulas in it."""
    short = text if len(text) <= length else f"{text[: length - 1]}…"
    return " ".join(short.split()).replace("$", r"\$")


def render_png(figure: Figure) -> bytes:
    """Render a figure.

    The canvas draws once, where `savefig` goes over everything twice.
    """
    buffer = io.BytesIO()
    figure.dpi = DPI
    with warnings.catch_warnings():
        # Class names may use scripts that the font does not have; boxes are shown instead.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
