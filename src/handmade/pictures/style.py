"""Style of all pictures: two themes, their palettes, the sizes of letters, and the encoding of a figure as a file.

Signed numbers: blue is positive, orange negative, and zero always the neutral colour, on a scale that is symmetric about it.
Numbers that are never negative: one hue, the blue half of that scale. Images of one channel: grey, 0 is black.

The nine stops keep -v and +v apart in every common colour blindness, and their lightness is symmetric.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, wraps
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
POINT = 1 / 72  # inches
TITLE, LABEL, TICK = 11.0, 9.0, 8.0  # points
STEPS = 511  # colours of a scale: odd, so that zero has one of its own
FORMATS = ("png", "svg", "pdf")
FONT = "DejaVu Sans"  # comes with matplotlib
FALLBACK_FONTS = (  # for scripts that it does not have, where one is installed
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Hebrew",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Nirmala UI",
    "Leelawadee UI",
    "Segoe UI",
)

P = ParamSpec("P")
LOCK = RLock()  # matplotlib's settings are one for all threads


@dataclass(frozen=True)
class Theme:
    """The colours of the background, of letters and of numbers.

    Attributes
    ----------
    paper, ink, soft, rule : str
        The background, letters, letters of less weight, and thin lines.
    diverging : tuple of str
        Nine stops from the most negative to the most positive.
    mark : str
        Highlight, a colour that is on none of the scales.
    lines : tuple of str
        Colours of curves.
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
        """The orange of bars."""
        return self.diverging[1]

    @property
    def positive(self) -> str:
        """The blue of bars."""
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
    """Return the theme for a light or a dark background."""
    return DARK if dark else LIGHT


def drawn(function: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Make a function draw in this style, independent of matplotlib's settings; its keyword `dark` picks the theme.

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
    """Return matplotlib; raise HandmadeError if it is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415  an extra, and slow to load
    except ImportError:
        raise HandmadeError(not_installed("pictures", "matplotlib", "plots")) from None
    return mpl


@cache
def fallback_fonts() -> tuple[str, ...]:
    """Return the fonts of other scripts that are installed."""
    from matplotlib.font_manager import fontManager  # noqa: PLC0415  loaded when something is drawn

    installed = {font.name for font in fontManager.ttflist}
    return tuple(name for name in FALLBACK_FONTS if name in installed)


def canvas(width: float, height: float) -> "Figure":
    """Return an empty figure, sizes in inches, that belongs to no window and to no global list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  loaded when something is drawn

    from handmade.pictures.figure import PictureFigure  # noqa: PLC0415  matplotlib is an extra, and slow to load

    figure = PictureFigure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def diverging(theme: Theme) -> "Colormap":
    """Return the colours for -m to +m: orange, neutral, blue."""
    return _scale("diverging", theme.diverging)


def sequential(theme: Theme) -> "Colormap":
    """Return the colours for 0 to m: from neutral to blue, the upper half of the diverging scale."""
    return _scale("sequential", theme.diverging[4:])


def greys() -> "Colormap":
    """Return the greys of an image: 0 is black, 1 is white."""
    return _scale("greys", ("#000000", "#ffffff"))


def limit(arrays: Iterable[Array]) -> float:
    """Return the largest absolute value, for a scale from minus it to plus it; 1 if all numbers are zero."""
    largest = max((float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in arrays), default=0.0)
    return largest or 1.0


def letters_on(colour: Any) -> str:
    """Return black or white, the one with more contrast to a colour (r, g, b, ...), as WCAG 2.1 defines contrast."""
    channels = np.asarray(colour[:3], np.float64)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def encode(figure: "Figure", kind: str, dpi: float = DPI) -> bytes:
    """Return the bytes of a picture file, the same for the same picture.

    Parameters
    ----------
    figure : Figure
    kind : {"png", "svg", "pdf"}
    dpi : float
        Dots per inch, of PNG and of the images inside the other formats.

    Raises
    ------
    HandmadeError
        If the format is unknown.
    """
    if kind not in FORMATS:
        raise HandmadeError(f"kind: expected one of {', '.join(FORMATS)}; got {kind!r}. Try 'png'")
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    file = BytesIO()
    with LOCK, library().rc_context({"svg.hashsalt": "handmade", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(file, format=kind, dpi=dpi, metadata=undated)
    return file.getvalue()


def _scale(name: str, stops: tuple[str, ...]) -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415  loaded when something is drawn

    return LinearSegmentedColormap.from_list(name, stops, N=STEPS)  # NaN shows the background


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
        "font.sans-serif": [FONT, *fallback_fonts()],
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
