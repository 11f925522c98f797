"""The report of a run: one HTML file with everything in it, which opens from a disk and prints.

Pictures are data URIs, each in a light and in a dark version, of which the page shows the one that fits; paper is light. The
page is `report.html`, with a place for each part.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.metadata import version
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.evaluation import Evaluation
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.pictures.confusion import confusion
from handmade.pictures.curves import History, curves
from handmade.pictures.filters import filters
from handmade.pictures.maps import feature_maps
from handmade.pictures.mistakes import mistakes
from handmade.pictures.numbers import number, percent, size
from handmade.pictures.story import Story, story
from handmade.pictures.style import encode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110  # of the images: sharp enough for paper, small enough for a page
LARGEST_SVG = 200_000  # bytes up to which a picture stays a drawing


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes
    ----------
    history : History
        The run's name and log.
    settings : mapping
        What stands in run.json: the settings, then the result.
    network : Network
        The trained network.
    x, y : Array, (N, *network.input_shape) and (N,)
        The prepared test images and their classes.
    """

    history: History
    settings: Mapping[str, Any]
    network: Network
    x: Array
    y: Array


def report(about: Subject, image: int = 0) -> str:
    """Write the page.

    Parameters
    ----------
    about : Subject
    image : int
        Which test image is followed through the network.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    HandmadeError
        If the images do not fit the network, the log is empty, or matplotlib is not installed.
    """
    network, x, y = about.network, about.x, about.y
    z = network.logits(x)
    evaluation = Evaluation(float(CrossEntropy().forward(z, y).mean()), _confusion(z, y))
    told = story(network, x[image], int(y[image]), h=_setting(about, "step_size", 1e-3), learning_rate=_rate(about))
    page = Template(resources.files("handmade.pictures").joinpath("report.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=escape(about.history.name),
        subtitle=escape(_subtitle(about)),
        facts=_facts(about, evaluation),
        notices=_notices(about.settings.get("notices")),
        curves=_picture(lambda *, dark: curves([about.history], dark=dark), "Loss and accuracy, step by step"),
        confusion=_picture(lambda *, dark: confusion(evaluation, dark=dark), "Confusion matrix of the test images"),
        mistakes=_picture(
            lambda *, dark: mistakes(network, x, y, logits=z, dark=dark),
            "The worst mistakes, and the closest right answers",
        ),
        filters=_picture(lambda *, dark: filters(network, dark=dark), "The weights of the layers as images"),
        digit=_picture(
            lambda *, dark: feature_maps(network, x[image], int(y[image]), dark=dark), "What every layer makes of the digit"
        ),
        image=f"test:{image}",
        label=int(y[image]),
        taken=int(z[image].argmax()),
        place=escape(told.place),
        h=f"{told.h:g}",
        derivatives=_rows(_derivatives(told)),
        steps=_rows((step.layer, f"{step.moved:,} of {step.numbers:,}", number(step.largest)) for step in told.trace.steps),
        lesson=escape(_lesson(told)),
        layers=_rows(_layers(network)),
        settings=_rows(_settings(about)),
        version=escape(version("handmade")),
    )


def _picture(draw: "Callable[..., Figure]", what: str) -> str:
    """Both versions, and what is to be seen for those who do not see it."""
    light, dark = (_data(draw(dark=dark)) for dark in (False, True))
    images = (f'<img class="{kind}" src="{data}" alt="{escape(what)}">' for kind, data in (("light", light), ("dark", dark)))
    return f'<figure class="wide">{"".join(images)}</figure>'


def _data(figure: "Figure") -> str:
    """A drawing where it is small, else an image."""
    drawing = encode(figure, "svg", DPI)
    kind, content = ("svg+xml", drawing) if len(drawing) <= LARGEST_SVG else ("png", encode(figure, "png", DPI))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _rows(rows: Iterable[tuple[Any, ...]]) -> str:
    """Rows of a table: the first cell names the row, numbers lie to the right."""
    made = []
    for name, *cells in rows:
        inner = "".join(f'<td class="number">{escape(str(cell))}</td>' for cell in cells)
        made.append(f"<tr><th>{escape(str(name))}</th>{inner}</tr>")
    return "\n".join(made)


def _facts(about: Subject, evaluation: Evaluation) -> str:
    facts = {
        "test images right": percent(evaluation.accuracy),
        "test loss": f"{evaluation.loss:.4f}",
        "weights": f"{about.network.size:,}",
        "steps": f"{int(about.history.steps[-1]):,}",
        "training": _time(about.settings.get("seconds")),
    }
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items() if fact)


def _notices(noticed: object) -> str:
    """What was noticed while it trained: what was seen, why that happens, what to change."""
    notices = [notice for notice in noticed if isinstance(notice, Mapping)] if isinstance(noticed, list) else []
    sentences = (". ".join(str(notice.get(part, "")) for part in ("seen", "why", "change")) for notice in notices)
    return "".join(f'<p class="notice">{escape(sentence)}.</p>\n' for sentence in sentences)


def _time(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _subtitle(about: Subject) -> str:
    ways = {"difference": "exact finite differences", "definition": "the definition", "backprop": "backpropagation"}
    way = ways.get(str(about.settings.get("gradient")), "gradients of its own")
    return f"A network of {len(about.network.layers)} layers, trained by {way}; {len(about.x):,} test images."


def _derivatives(told: Story) -> list[tuple[str, str]]:
    minus = "\N{MINUS SIGN}"
    rows = [
        ("w", f"{told.weight:+.12f}"),
        ("L(w)", f"{told.loss:.16g}"),
        ("L(w + h)", f"{told.nudged:.16g}"),
        (f"definition: (L(w + h) {minus} L(w)) / h", f"{told.by_definition:+#.12g}"),
        ("difference: dL / h", f"{told.by_difference:+#.12g}"),
        ("backpropagation: dL / dw", f"{told.derivative:+#.12g}"),
        (f"update: {minus}{told.learning_rate:g} dL / dw", f"{told.update:+#.12g}"),
        ("w after it", f"{told.weight + told.update:+.12f}"),
    ]
    return [(name, value.replace("-", minus)) for name, value in rows]


def _lesson(told: Story) -> str:
    return (
        f"Subtracting the two losses cancelled {told.lost} of their sixteen digits. The exact difference never subtracts them: "
        "it is the same quotient to the last digit, at any h. Backpropagation gives its limit for ever smaller h; what is left "
        "between the two is the curve of the loss over so long a step. The update is gradient descent's, on this digit alone."
    )


def _layers(network: Network) -> list[tuple[str, str, str]]:
    weights = [sum(array.size for array in layer.parameters().values()) for layer in network.layers]
    shapes = zip(("input", *network.names), network.shapes, (0, *weights), strict=True)
    return [(name, size(*shape), f"{count:,}" if count else "") for name, shape, count in shapes]


def _confusion(z: Array, y: Array) -> Array:
    counts = np.zeros((z.shape[-1], z.shape[-1]), np.int64)
    np.add.at(counts, (y, z.argmax(axis=-1)), 1)
    return counts


def _setting(about: Subject, name: str, otherwise: float) -> float:
    value = about.settings.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise


def _rate(about: Subject) -> float:
    return _setting(about, "learning_rate", 0.05)


def _settings(about: Subject) -> list[tuple[str, str]]:
    """What is a word or a number; paths of files on somebody's disk say nothing to others."""
    best = about.settings.get("best")
    every = dict(about.settings) | ({f"best_{name}": value for name, value in best.items()} if isinstance(best, Mapping) else {})
    unsaid = {"model", "run", "best_model"}
    plain = {name: value for name, value in every.items() if isinstance(value, str | int | float) and name not in unsaid}
    return [(name.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value)) for name, value in plain.items()]
