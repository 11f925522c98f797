"""How every picture looks: two themes, their palettes, the sizes of letters, and what turns a figure into a file.

Signed numbers: blue is positive, orange negative, and zero always the neutral colour, on a scale that is symmetric about it.
Numbers that are never negative: one hue, the blue half of that scale. Digits: grey, 0 is black.

The nine stops keep -v and +v apart in every common colour blindness, and their lightness is symmetric.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from threading import RLock
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 8.0  # inches of a picture: a column of text
DPI = 150
TITLE, LABEL, TICK = 11.0, 9.0, 8.0  # points
STEPS = 511  # colours of a scale: odd, so that zero has one of its own
FORMATS = ("png", "svg", "pdf")

P = ParamSpec("P")
LOCK = RLock()  # matplotlib's settings are one for all threads


@dataclass(frozen=True)
class Theme:
    """The colours of paper, letters and numbers.

    Attributes
    ----------
    paper, ink, soft, rule : str
        The background, letters, letters of less weight, and thin lines.
    diverging : tuple of str
        Nine stops from the most negative to the most positive.
    mark : str
        For what is pointed at; it is on none of the scales.
    lines : tuple of str
        For curves; the first two stand for themselves, the others come with a dash of their own.
    """

    paper: str
    ink: str
    soft: str
    rule: str
    diverging: tuple[str, ...]
    mark: str
    lines: tuple[str, ...]

    @property
    def negative(self) -> str:
        """A clear orange."""
        return self.diverging[1]

    @property
    def positive(self) -> str:
        """A clear blue."""
        return self.diverging[7]


LIGHT = Theme(
    paper="#ffffff",
    ink="#1b1f24",
    soft="#57606a",
    rule="#d0d7de",
    diverging=("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac"),
    mark="#d6006c",
    lines=("#2166ac", "#b35806", "#1b7837", "#762a83", "#57606a", "#8c6d1f"),
)
DARK = Theme(
    paper="#14171c",
    ink="#e6edf3",
    soft="#a3adb8",
    rule="#3d444d",
    diverging=("#fdb863", "#e08214", "#a3520c", "#5a3413", "#20242b", "#17395c", "#1f5f9c", "#3b8fd1", "#86c1ee"),
    mark="#ff5fa8",
    lines=("#86c1ee", "#fdb863", "#7fc97f", "#c9a0dc", "#a3adb8", "#d9c26a"),
)


def theme(*, dark: bool) -> Theme:
    """The theme that is meant."""
    return DARK if dark else LIGHT


def drawn(function: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Let a function draw in the house style, whatever matplotlib is set to elsewhere; its keyword `dark` picks the theme.

    Raises
    ------
    HandmadeError
        When the function is called and matplotlib is not installed.
    """

    @wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        matplotlib = library()
        with LOCK, matplotlib.rc_context(_settings(theme(dark=bool(kwargs.get("dark"))))):
            return function(*args, **kwargs)

    return draw


def library() -> Any:
    """matplotlib, or HandmadeError if it is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415  loaded by those who draw
    except ImportError:
        raise HandmadeError(not_installed("pictures", "matplotlib", "plots")) from None
    return mpl


def canvas(width: float, height: float) -> "Figure":
    """An empty figure of so many inches, which belongs to no window and to no global list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  loaded by those who draw
    from matplotlib.figure import Figure  # noqa: PLC0415  an extra, and slow to load

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def diverging(theme: Theme) -> "Colormap":
    """Orange, neutral, blue, for -m to +m."""
    return _scale("diverging", theme.diverging)


def sequential(theme: Theme) -> "Colormap":
    """From neutral to blue, for 0 to m: the upper half of the diverging scale."""
    return _scale("sequential", theme.diverging[4:])


def digits() -> "Colormap":
    """Grey: 0 is black, the paper of MNIST, and 1 is ink."""
    return _scale("digits", ("#000000", "#ffffff"))


def limit(arrays: Iterable[Array]) -> float:
    """The largest absolute value, for a scale from minus it to plus it; 1 where everything is zero."""
    largest = max((float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in arrays), default=0.0)
    return largest or 1.0


def letters_on(colour: Any) -> str:
    """Black or white, whichever is easier to read on a colour (r, g, b, ...): by contrast, as WCAG 2.1 defines it."""
    channels = np.asarray(colour[:3], np.float64)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def encode(figure: "Figure", kind: str, dpi: float = DPI) -> bytes:
    """The bytes of a picture file, the same for the same picture.

    Parameters
    ----------
    figure : Figure
    kind : {"png", "svg", "pdf"}
    dpi : float
        Dots an inch, of PNG and of the images inside the others.

    Raises
    ------
    HandmadeError
        If the kind is another.
    """
    if kind not in FORMATS:
        raise HandmadeError(f"a picture wants to be {', '.join(FORMATS)}; got {kind!r}")
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    file = BytesIO()
    with LOCK, library().rc_context({"svg.hashsalt": "handmade", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(file, format=kind, dpi=dpi, metadata=undated)
    return file.getvalue()


def _scale(name: str, stops: tuple[str, ...]) -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415  loaded by those who draw

    return LinearSegmentedColormap.from_list(name, stops, N=STEPS)  # what is no number shows the paper


def _settings(theme: Theme) -> dict[str, Any]:
    return {
        "figure.facecolor": theme.paper,
        "savefig.facecolor": "auto",
        "savefig.bbox": None,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.soft,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "axes.linewidth": 0.6,
        "axes.titlesize": LABEL,
        "axes.labelsize": LABEL,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": LABEL,
        "grid.color": theme.rule,
        "grid.linewidth": 0.5,
        "legend.frameon": False,
        "legend.fontsize": TICK,
        "lines.linewidth": 1.5,
        "text.color": theme.ink,
        "text.parse_math": False,  # a name may hold dollar signs
        "xtick.color": theme.soft,
        "ytick.color": theme.soft,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "xtick.labelsize": TICK,
        "ytick.labelsize": TICK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
    }
