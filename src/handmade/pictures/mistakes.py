"""The worst mistakes, and the right answers that were nearly none."""

from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import as_labels
from handmade.engine.losses.cross_entropy import log_softmax
from handmade.engine.network import Network
from handmade.pictures.sheet import Sheet, digit_scale, on_paper
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn
def mistakes(
    network: Network, x: Array, y: Array, *, most: int = 16, source: str = "test", logits: Array | None = None, dark: bool = False
) -> "Figure":
    """Draw the wrong answers that the network was surest of, and the right ones that it was least sure of.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    most : int
        How many of each kind.
    source : str
        What the images are called: the first is "test:0".
    logits : Array, (N, classes), optional
        What the network makes of x, if it is known already.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If images or labels do not fit the network, or `most` is below 1.
    """
    if most < 1:
        raise HandmadeError(f"mistakes want at least one image of each kind to show; got {most}")
    house = theme(dark=dark)
    y = as_labels(y, "y", len(x), network.classes)
    p = np.exp(log_softmax((network.logits(x) if logits is None else logits).astype(np.float64)))
    ranked = np.argsort(-p, axis=-1, kind="stable")[:, :2]
    sure = p[np.arange(len(p)), ranked[:, 0]]
    wrong, right = np.flatnonzero(ranked[:, 0] != y), np.flatnonzero(ranked[:, 0] == y)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")[:most]]
    nearly = right[np.argsort(sure[right], kind="stable")[:most]]
    sheet = Sheet(
        house,
        f"{len(wrong):,} mistakes in {len(x):,} images",
        "Wrong answers: what it is → what it was taken for, and how sure the network was. "
        "Right answers: what it is, and the runner-up.",
    )
    _group(
        sheet,
        f"The {len(worst)} wrong answers that it was surest of" if len(worst) else "No wrong answers",
        x[worst],
        [f"{source}:{n}\n{y[n]} → {ranked[n, 0]}  {_percent(sure[n])}" for n in worst],
    )
    _group(
        sheet,
        f"The {len(nearly)} right answers that it was least sure of" if len(nearly) else "No right answers",
        x[nearly],
        [f"{source}:{n}\n{y[n]}: {_percent(sure[n])}\n{ranked[n, 1]}: {_percent(p[n, ranked[n, 1]])}" for n in nearly],
    )
    return sheet.done()


def _group(sheet: Sheet, title: str, x: Array, captions: list[str]) -> None:
    sheet.group(title)
    if len(x):
        sheet.maps([on_paper(image) for image in x], digit_scale([x]), captions=captions)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
