"""A network as plain data, ready for JSON, and back.

    {"input": [30, 30, 1], "layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"}, ...]}

`input` is the shape of one image; 30 x 30 x 1, a prepared digit, if left out. The settings of a layer are those of its `init`.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arrays import Array, Shape, whole
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import (
    GELU,
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
    Weighted,
)
from handmade.engine.network import Network

KINDS: tuple[Any, ...] = (
    *(Conv2d, ReLU, MaxPool2d, Flatten, Linear),
    *(AvgPool2d, GlobalAvgPool2d, LeakyReLU, Sigmoid, Tanh, GELU),
)
LAYERS: dict[str, Any] = {kind.__name__: kind for kind in KINDS}
LARGEST_ACTIVATION = 2**24  # numbers an image: far beyond any picture of a digit


def describe(network: Network) -> dict[str, Any]:
    """Everything about a network but the values of its weights."""
    layers = [{"layer": type(layer).__name__, **layer.settings()} for layer in network.layers]
    return {"input": list(network.input_shape), "layers": layers}


def build(description: object, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> tuple[list[Layer], Shape]:
    """Make the described layers with fresh weights.

    Returns
    -------
    layers : list of layers
    input_shape : tuple of int

    Raises
    ------
    HandmadeError
        If the description is wrong anywhere; the message names the layer, what it wanted and what it got.
    """

    def fresh(kind: Any, settings: dict[str, Any], _number: int, shape: Shape) -> Layer:
        layer: Layer = kind.init(rng, shape[-1], dtype=dtype, **settings) if hasattr(kind, "init") else kind(**settings)
        return layer

    return _walk(description, fresh)


def restore(description: object, parameters: dict[str, Array]) -> tuple[list[Layer], Shape]:
    """Make the described layers with the given weights, named as in `Network.parameters`.

    Returns
    -------
    layers : list of layers
    input_shape : tuple of int

    Raises
    ------
    HandmadeError
        If the description is wrong, or the weights are not those of the described network.
    """

    def kept(kind: Any, settings: dict[str, Any], number: int, _shape: Shape) -> Layer:
        if not hasattr(kind, "restore"):
            plain: Layer = kind(**settings)
            return plain
        own = {name.partition(".")[2]: array for name, array in parameters.items() if name.startswith(f"{number}.")}
        if sorted(own) != ["W", "b"] or sorted(settings) != sorted(kind.SETTINGS):
            wanted = _listed(["W", "b", *kind.SETTINGS])
            raise HandmadeError(f"its arrays and settings want to be {wanted}; got {_listed([*own, *settings])}")
        layer: Layer = kind.restore(own, settings)
        if layer.settings() != settings:
            raise HandmadeError(f"it is described by {settings}, but its weights say {layer.settings()}")
        return layer

    layers, input_shape = _walk(description, kept)
    wanted = {f"{i}.{name}" for i, layer in enumerate(layers) if isinstance(layer, Weighted) for name in layer.parameters()}
    if wanted != set(parameters):
        raise HandmadeError(
            f"the described network wants the weights {_listed(sorted(wanted))}; got {_listed(sorted(parameters))}"
        )
    return layers, input_shape


Maker = Callable[[Any, dict[str, Any], int, Shape], Layer]


def _walk(description: object, make: Maker) -> tuple[list[Layer], Shape]:
    """Check the description from front to back, making each layer once the shape that reaches it is known."""
    if not isinstance(description, dict) or not set(description) <= {"input", "layers"}:
        raise HandmadeError('a network is described by {"input": [height, width, channels], "layers": [...]}' + _but(description))
    sizes, entries = description.get("input", [30, 30, 1]), description.get("layers")
    if not isinstance(sizes, list) or not 1 <= len(sizes) <= 3:
        raise HandmadeError(f"input wants a list of one to three whole numbers, [height, width, channels]; got {sizes!r:.80}")
    input_shape = tuple(whole(size, "input", 1) for size in sizes)
    if not isinstance(entries, list) or not entries:
        found = "there is none" if entries is None else f"got {entries!r:.80}"
        raise HandmadeError(f"layers wants a list of at least one layer; {found}")
    layers: list[Layer] = []
    shape = _small_enough(input_shape)
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or entry.get("layer") not in list(LAYERS):
            raise HandmadeError(f'layer {number} wants {{"layer": one of {_listed(LAYERS)}, ...}}; got {entry!r:.80}')
        name = entry["layer"]
        try:
            layers.append(make(LAYERS[name], _settings(LAYERS[name], entry), number, shape))
            output = layers[-1].output_shape(shape)
            down, right = getattr(layers[-1], "padding", (0, 0))
            if down or right:
                _small_enough((shape[0] + 2 * down, shape[1] + 2 * right, *shape[2:]), "pads an image to")
            shape = _small_enough(output)
        except HandmadeError as error:
            raise HandmadeError(f"layer {number} ({name}): {error}") from None
    return layers, input_shape


def _settings(kind: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """The layer's own settings, their names checked; the values are checked by the layer."""
    settings = {name: value for name, value in entry.items() if name != "layer"}
    accepted = inspect.signature(getattr(kind, "init", kind)).parameters
    needed = [name for name in kind.SETTINGS if accepted[name].default is inspect.Parameter.empty]
    for name in needed:
        if name not in settings:
            raise HandmadeError(f"the setting {name} is missing; there are {_listed(settings)}")
    for name in settings:
        if name not in kind.SETTINGS:
            takes = f"takes the settings {_listed(kind.SETTINGS)}" if kind.SETTINGS else "takes no settings"
            raise HandmadeError(f"it {takes}; got {name!r:.80}")
    return settings


def _small_enough(shape: Shape, does: str = "makes") -> Shape:
    if math.prod(shape) > LARGEST_ACTIVATION:
        raise HandmadeError(
            f"it {does} {math.prod(shape):,} numbers of shape {shape}; at most {LARGEST_ACTIVATION:,} are allowed"
        )
    return shape


def _listed(names: Any) -> str:
    return ", ".join(str(name) if str(name).isprintable() else repr(name) for name in names) or "none"


def _but(description: object) -> str:
    got = f"keys {_listed(description)}" if isinstance(description, dict) else type(description).__name__
    return f"; got {got:.80}"
