"""The report of a run or a model: one HTML file with everything in it, which opens from a disk and prints.

Pictures are data URIs, each in a light and a dark version, and for wide and narrow screens; the page shows the one that fits. The
page is `report.html`, which has places for the parts.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.metadata import version
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.evaluation import Evaluation
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr
from handmade.pictures import report_tables
from handmade.pictures.confusion import confusion
from handmade.pictures.curves import History, curves
from handmade.pictures.filters import filters, has_filters
from handmade.pictures.fonts import labels_of
from handmade.pictures.maps import feature_maps
from handmade.pictures.mistakes import mistakes
from handmade.pictures.numbers import counted, percent, with_minus
from handmade.pictures.preparation import preparation
from handmade.pictures.story import story
from handmade.pictures.style import WIDTH, encode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NARROW_WIDTH = 4.0  # inches of a figure for a narrow screen: its text is readable at 390 px
DPI = {WIDTH: 110, NARROW_WIDTH: 150}  # of the images: sharp enough, and small enough for a page
DRAWINGS = (curves, confusion)
LARGEST_SVG = 100_000  # bytes up to which a picture stays a drawing
GRADIENTS = {"difference": "exact finite differences", "definition": "the definition", "backprop": "backpropagation"}


@dataclass(frozen=True, eq=False)
class Subject(ShortRepr):
    """The network of a report, and all that is known of its training.

    Attributes
    ----------
    history : History
        Name and log of the run. Of a model without a run: its name, and no records.
    settings : mapping
        Content of run.json: the settings, then the result. Empty for a model without a run.
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


@dataclass(frozen=True, eq=False)
class Shown(ShortRepr):
    """Image that is shown in all layers: one of the data, or one made of a picture.

    Attributes
    ----------
    name : str
        Name that a user gave: "test:7", or that of a picture file.
    x : Array, network.input_shape
        The prepared image.
    label : int or None
        Its class; None for a picture.
    stages : sequence of (name, (H, W) Array)
        Stages of its preparation; none for an image of the data.
    rejection : str or None
        Reason why the picture has no answer.
    """

    name: str
    x: Array
    label: int | None
    stages: Sequence[tuple[str, Array]] = ()
    rejection: str | None = None


def report(about: Subject, image: int | Shown = 0) -> str:
    """Write the page.

    Parameters
    ----------
    about : Subject
    image : int or Shown
        Number of the test image whose feature maps are drawn, or another image.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    HandmadeError
        If the images do not fit the network, no loss in the log is finite, or matplotlib is not installed.
    """
    z = about.network.logits(about.x)
    evaluation = Evaluation(float(CrossEntropy().forward(z, about.y).mean()), _confusion(z, about.y))
    shown = Shown(f"test:{image}", about.x[image], int(about.y[image])) if isinstance(image, int) else image
    sections = list(_sections(about, z, evaluation, shown))
    page = Template(resources.files("handmade.pictures").joinpath("report.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=escape(about.history.name),
        subtitle=escape(_subtitle(about)),
        facts=_facts(about, evaluation),
        notices=_notices(about.settings.get("notices")),
        links="".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections),
        sections="\n".join(f'<section id="{name}"><h2>{title}</h2>{content}</section>' for name, title, content in sections),
        version=escape(version("handmade")),
    )


def _sections(about: Subject, z: Array, evaluation: Evaluation, shown: Shown) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the title and the content of each section that applies to the subject."""
    network, x, y = about.network, about.x, about.y
    names = network.class_names
    if about.history.records:
        yield "curves", "Training", _picture(curves, [about.history], alt="Loss and accuracy against the step")
    yield "confusion", "Predictions", _picture(confusion, evaluation, names, alt="Confusion matrix of the test images")
    alt = "Misclassified images, and correct predictions with a low probability"
    yield "mistakes", "Mistakes", _picture(mistakes, network, x, y, logits=z, alt=alt)
    if has_filters(network):
        yield "filters", "Weights", _picture(filters, network, alt="The weights of the layers as images")
    logits = network.logits(shown.x[None]).astype(np.float64)
    predicted = int(logits[0].argmax())
    label = predicted if shown.label is None else shown.label
    yield "maps", "One image", _image(network, shown, float(np.exp(log_softmax(logits))[0, predicted]), predicted)
    if network.size:
        h, rate = _setting(about, "step_size", 1e-3), _setting(about, "learning_rate", 0.05)
        yield "weight", "One weight", report_tables.weight(story(network, shown.x, label, h=h, learning_rate=rate))
    yield "settings", "Settings" if about.settings else "Layers", report_tables.settings(network, about.settings)


def _image(network: Network, shown: Shown, p: float, predicted: int) -> str:
    """Return the section on one image: its classes, the stages of its preparation, and its feature maps."""
    labels = network.class_names or labels_of(None, network.classes)
    if shown.label is None:
        text = f"predicted class {labels[predicted]} ({percent(p)}). The class of a picture is not known"
        text += ": the loss and the derivatives below are those of the predicted class."
    else:
        text = f"true class {labels[shown.label]}, predicted class {labels[predicted]} ({percent(p)})."
    notice = f'<p class="notice">Rejected: {escape(with_minus(shown.rejection))}.</p>' if shown.rejection else ""
    stages = _picture(preparation, shown.stages, alt="Stages of the preparation of the picture") if shown.stages else ""
    label = predicted if shown.label is None else shown.label
    maps = _picture(feature_maps, network, shown.x, label, alt="Output of every layer for one image")
    return f"<p><code>{escape(shown.name)}</code>: {escape(text)}</p>{notice}{stages}{maps}"


def _picture(draw: "Callable[..., Figure]", *args: Any, alt: str, **kwargs: Any) -> str:
    """Return the light and the dark version, each for wide and narrow screens, with a text for readers who do not see it."""
    versions = []
    for kind, dark in (("light", False), ("dark", True)):
        wide, narrow = (_data(draw, args, kwargs | {"dark": dark, "width": width}) for width in (WIDTH, NARROW_WIDTH))
        source = f'<source media="(max-width: 44rem)" srcset="{narrow}">'
        versions.append(f'<picture class="{kind}">{source}<img src="{wide}" alt="{escape(alt)}"></picture>')
    return f"<figure>{''.join(versions)}</figure>"


def _data(draw: "Callable[..., Figure]", args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return a data URI: a drawing of lines and few numbers, else an image."""
    figure = draw(*args, **kwargs)
    drawing = encode(figure, "svg") if draw in DRAWINGS else b""
    small = 0 < len(drawing) <= LARGEST_SVG
    kind, content = ("svg+xml", drawing) if small else ("png", encode(figure, "png", DPI[kwargs["width"]]))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _facts(about: Subject, evaluation: Evaluation) -> str:
    steps = about.history.steps
    facts = {
        "test accuracy": percent(evaluation.accuracy),
        "test loss": f"{evaluation.loss:.4f}",
        "weights": f"{about.network.size:,}",
        "steps": f"{int(steps[-1]):,}" if len(steps) else "",
        "training time": _time(about.settings.get("seconds")),
    }
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items() if fact)


def _notices(noticed: object) -> str:
    """Return the warnings of the training: the observation, its reason, and the setting to change."""
    notices: Iterable[Any] = [notice for notice in noticed if isinstance(notice, Mapping)] if isinstance(noticed, list) else []
    sentences = (". ".join(str(notice.get(part, "")) for part in ("seen", "why", "change")) for notice in notices)
    return "".join(f'<p class="notice">{escape(with_minus(sentence))}.</p>\n' for sentence in sentences)


def _time(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _subtitle(about: Subject) -> str:
    gradient = GRADIENTS.get(str(about.settings.get("gradient")))
    trained = f", trained by {gradient}" if gradient else ""
    return f"A network of {counted(len(about.network.layers), 'layer')}{trained}; {counted(len(about.x), 'test image')}."


def _confusion(z: Array, y: Array) -> Array:
    counts = np.zeros((z.shape[-1], z.shape[-1]), np.int64)
    np.add.at(counts, (y, z.argmax(axis=-1)), 1)
    return counts


def _setting(about: Subject, name: str, otherwise: float) -> float:
    value = about.settings.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise
