"""A network as plain data, ready for JSON, and back.

    {"input": [30, 30, 1], "layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"}, ...]}
    {"layer": "Residual", "block": [layers], "shortcut": [layers]}

`input` is the shape of one image; 30 x 30 x 1, a prepared digit, if left out. The settings of a layer are those of its `init`.
The `shortcut` of a Residual may be left out.
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
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
    chain,
)
from handmade.engine.network import Network

KINDS: tuple[Any, ...] = (
    *(Conv2d, ReLU, MaxPool2d, Flatten, Linear),
    *(AvgPool2d, GlobalAvgPool2d, LeakyReLU, Sigmoid, Tanh, GELU),
    *(Dropout, BatchNorm2d, Residual),
)
LAYERS: dict[str, Any] = {kind.__name__: kind for kind in KINDS}
LARGEST_ACTIVATION = 2**24  # numbers an image: far beyond any picture of a digit
DEEPEST = 8  # Residuals one in the other: beyond it a description is a slip, or hostile
WEIGHTS = ("W", "b")  # the arrays of a layer that does not name its own in ARRAYS


def describe(network: Network) -> dict[str, Any]:
    """Everything about a network but the values of its weights."""
    return {"input": list(network.input_shape), "layers": chain.described(network.layers)}


def build(description: object, rng: "np.random.Generator", dtype: DTypeLike = np.float32) -> tuple[list[Layer], Shape]:
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

    def fresh(kind: Any, settings: dict[str, Any], _name: str, shape: Shape) -> Layer:
        layer: Layer = kind.init(rng, shape[-1], dtype=dtype, **settings) if hasattr(kind, "init") else kind(**settings)
        return layer

    return _walk(description, fresh)


def restore(description: object, parameters: dict[str, Array]) -> tuple[list[Layer], Shape]:
    """Make the described layers with the given weights and statistics, named as in `Network.parameters`.

    Returns
    -------
    layers : list of layers
    input_shape : tuple of int

    Raises
    ------
    HandmadeError
        If the description is wrong, or the weights are not those of the described network.
    """

    def kept(kind: Any, settings: dict[str, Any], number: str, _shape: Shape) -> Layer:
        if not hasattr(kind, "restore"):
            plain: Layer = kind(**settings)
            return plain
        own = {name.removeprefix(f"{number}."): array for name, array in parameters.items() if name.startswith(f"{number}.")}
        arrays = getattr(kind, "ARRAYS", WEIGHTS)
        if sorted(own) != sorted(arrays) or sorted(settings) != sorted(kind.SETTINGS):
            wanted = _listed([*arrays, *kind.SETTINGS])
            raise HandmadeError(f"its arrays and settings want to be {wanted}; got {_listed([*own, *settings])}")
        layer: Layer = kind.restore(own, settings)
        if layer.settings() != settings:
            raise HandmadeError(f"it is described by {settings}, but its weights say {layer.settings()}")
        return layer

    layers, input_shape = _walk(description, kept)
    wanted = chain.parameters(tuple(layers)).keys() | chain.statistics(tuple(layers)).keys()
    if wanted != set(parameters):
        raise HandmadeError(
            f"the described network wants the weights {_listed(sorted(wanted))}; got {_listed(sorted(parameters))}"
        )
    return layers, input_shape


Maker = Callable[[Any, dict[str, Any], str, Shape], Layer]  # kind, settings, number (3, or 3.block.0), shape of the input


def _walk(description: object, make: Maker) -> tuple[list[Layer], Shape]:
    """Check the description, and make its layers."""
    if not isinstance(description, dict) or not set(description) <= {"input", "layers"}:
        raise HandmadeError('a network is described by {"input": [height, width, channels], "layers": [...]}' + _but(description))
    sizes, entries = description.get("input", [30, 30, 1]), description.get("layers")
    if not isinstance(sizes, list) or not 1 <= len(sizes) <= 3:
        raise HandmadeError(f"input wants a list of one to three whole numbers, [height, width, channels]; got {sizes!r:.80}")
    input_shape = tuple(whole(size, "input", 1) for size in sizes)
    if not isinstance(entries, list) or not entries:
        found = "there is none" if entries is None else f"got {entries!r:.80}"
        raise HandmadeError(f"layers wants a list of at least one layer; {found}")
    return _chain(entries, _small_enough(input_shape), make), input_shape


def _chain(entries: list[Any], shape: Shape, make: Maker, prefix: str = "", depth: int = 0) -> list[Layer]:
    """Check the entries from front to back, making each layer once the shape that reaches it is known."""
    layers: list[Layer] = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or entry.get("layer") not in list(LAYERS):
            raise HandmadeError(f'layer {number} wants {{"layer": one of {_listed(LAYERS)}, ...}}; got {entry!r:.80}')
        name = entry["layer"]
        try:
            settings = _settings(LAYERS[name], entry)
            if LAYERS[name] is Residual:
                layers.append(_residual(settings, shape, make, f"{prefix}{number}.", depth + 1))
            else:
                layers.append(make(LAYERS[name], settings, f"{prefix}{number}", shape))
            output = layers[-1].output_shape(shape)
            down, right = getattr(layers[-1], "padding", (0, 0))
            if down or right:
                _small_enough((shape[0] + 2 * down, shape[1] + 2 * right, *shape[2:]), "pads an image to")
            shape = _small_enough(output)
        except HandmadeError as error:
            raise HandmadeError(f"layer {number} ({name}): {error}") from None
    return layers


def _residual(settings: dict[str, Any], shape: Shape, make: Maker, prefix: str, depth: int) -> Residual:
    if depth > DEEPEST:
        raise HandmadeError(f"at most {DEEPEST} Residuals may stand one in the other; this one is further in")
    branches: dict[str, list[Layer]] = {}
    for branch in Residual.SETTINGS:
        entries = settings.get(branch, [])
        if not isinstance(entries, list):
            raise HandmadeError(f"{branch} wants a list of layers; got {type(entries).__name__}")
        try:
            branches[branch] = _chain(entries, shape, make, f"{prefix}{branch}.", depth)
        except HandmadeError as error:
            raise HandmadeError(f"{branch}: {error}") from None
    return Residual(**branches)


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
