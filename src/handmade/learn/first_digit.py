"""The first digit recognised by a student's convolution: her function runs in its own process, with the limits of a check."""

from typing import Any, cast

import numpy as np

from handmade.data import Images, mnist, prepare
from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d
from handmade.engine.layers.probabilities import softmax
from handmade.engine.network import Network
from handmade.learn.folder import Unreadable, file_name
from handmade.learn.own_parts import CONVOLUTIONS, covers
from handmade.learn.results import Outcome, Raised
from handmade.learn.small import trained
from handmade.learn.state import Facts
from handmade.learn.steps import place_of
from handmade.learn.workbook import Workbook

Calls = tuple[tuple[str, tuple[Any, ...]], ...]  # names of functions, and arguments


class Failed(Exception):
    """The student's code gave no result; the text says why."""


def digit(workbook: Workbook) -> Facts | None:
    """Recognise a digit with the student's convolution; None if there is none yet."""
    network = trained(workbook.folder.path)
    step = convolution_step(workbook, network)
    if step is None:
        return None
    test = mnist().test
    number = _first_right(network, test)
    x = prepare(test.images[number : number + 1]).astype(float)
    y = _convolved(workbook, step, network, x)
    for layer in network.layers[1:]:
        y = layer.forward(y)
    p = softmax(y, 1)[0]
    prediction = int(p.argmax())
    if prediction != test.labels[number]:
        raise Failed(workbook.say("milestone.failed", file=f"{file_name(step)}.py", text=str(prediction)))
    return {
        "number": number,
        "image": f"test:{number}",
        "label": int(test.labels[number]),
        "prediction": prediction,
        "share": f"{100 * float(p[prediction]):.1f} %",
        "step": place_of(step),
        "weights": f"{network.size:,}",
    }


def convolution_step(workbook: Workbook, network: Network, among: tuple[str, ...] = CONVOLUTIONS) -> str | None:
    """Return the latest passed step whose convolution covers the first layer."""
    first = cast("Conv2d", network.layers[0])
    return next((step for step in among if workbook.state.steps[step].passed and covers(step, first)), None)


def _first_right(network: Network, test: Images) -> int:
    """Return the first test image that the network recognises."""
    some = slice(0, 100)
    return int(np.flatnonzero(network.predict(prepare(test.images[some])) == test.labels[some])[0])


def calls_of(step: str, layer: Conv2d, x: Array) -> Calls:
    """Return the calls that compute the layer: one for each filter and image, if the step has one channel."""
    W, b = layer.W.astype(float), layer.b.astype(float)
    if step == "conv_one_channel":
        return tuple(("conv2d", (image[:, :, 0], W[:, :, 0, o])) for image in x for o in range(layer.filters))
    settings = {"conv_channels": (), "conv_stride_padding": (layer.stride, layer.padding), "im2col": (layer.stride,)}
    return (("conv2d", (x, W, b, *settings[step])),)


def _convolved(workbook: Workbook, step: str, network: Network, x: Array) -> Array:
    first = cast("Conv2d", network.layers[0])
    calls = calls_of(step, first, x)
    outcome = run(workbook, step, calls)
    found = [result_of(workbook, step, outcome, number) for number in range(len(calls))]
    if step == "conv_one_channel":
        return np.stack(found, axis=-1)[None] + first.b
    y: Array = found[0]
    return y


def run(workbook: Workbook, step: str, calls: Calls, after: str = "") -> Outcome:
    """Run calls of a step in the student's process; Failed if the file cannot be read."""
    try:
        return workbook.call(step, calls, after=after)
    except Unreadable as error:
        text = workbook.say(f"finding.{error.key}", **error.values)
        raise Failed(workbook.say("milestone.failed", file=f"{file_name(step)}.py", text=text)) from None


def result_of(workbook: Workbook, step: str, outcome: Outcome, number: int) -> Any:
    """Return the array that a call gave; Failed if it gave none."""
    found = outcome.results.get((0, number))
    if found is not None and isinstance(found.value, np.ndarray):
        return found.value
    error = outcome.load if found is None else found.value
    text = f"{error.kind}: {error.message}" if isinstance(error, Raised) else outcome.end
    raise Failed(workbook.say("milestone.failed", file=f"{file_name(step)}.py", text=text))
