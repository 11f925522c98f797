"""Layers one after the other: what a network and a branch of a Residual have in common.

Arrays of a chain travel as one flat dict: "0.W" is W of layer 0, "3.block.0.W" that of the first layer in the block of layer 3.
What is asked for every block of images is asked by `hasattr`: an `isinstance` of a protocol takes a hundred times as long.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import EVERY, Channel, Layer, Nudgeable, is_channelwise, is_composite, is_nudgeable, moved

Layers: TypeAlias = tuple[Layer, ...]


def names(layers: Layers) -> tuple[str, ...]:
    """What people call the layers: conv1, relu1, pool1, ..., in their order."""
    seen: Counter[str] = Counter()
    each = []
    for layer in layers:
        kind = type(layer).__name__.lower().removesuffix("2d").removeprefix("max")
        seen[kind] += 1
        each.append(f"{kind}{seen[kind]}")
    return tuple(each)


def called(layers: Layers, array: str) -> str:
    """What people call an array: conv1.W for "0.W", residual1.block.conv1.W for "3.block.0.W"."""
    number, _, rest = array.partition(".")
    name, layer = names(layers)[int(number)], layers[int(number)]
    if not is_composite(layer):
        return f"{name}.{rest}"
    branch, _, inner = rest.partition(".")
    return f"{name}.{branch}.{called(layer.branches[branch], inner)}"


def leaves(layers: Layers, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Every layer that is not made of others, and its name in full: residual1.block.conv1."""
    for name, layer in zip(names(layers), layers, strict=True):
        if is_composite(layer):
            for branch, inner in layer.branches.items():
                yield from leaves(inner, f"{prefix}{name}.{branch}.")
        else:
            yield prefix + name, layer


def nudgeable(layers: Layers, prefix: str = "") -> Iterator[tuple[str, Nudgeable]]:
    """Every layer with nudges, and what the names of its arrays begin with: "3.block.0."."""
    for i, layer in enumerate(layers):
        if is_composite(layer):
            for branch, inner in layer.branches.items():
                yield from nudgeable(inner, f"{prefix}{i}.{branch}.")
        elif is_nudgeable(layer):
            yield f"{prefix}{i}.", layer


def described(layers: Layers) -> list[dict[str, Any]]:
    """Everything about the layers but the values of their arrays, ready for JSON."""
    return [{"layer": type(layer).__name__, **layer.settings()} for layer in layers]


def shapes(layers: Layers, shape: Shape) -> tuple[Shape, ...]:
    """The shape of every activation for an input of `shape`, the input's first; raises HandmadeError with the layer's name."""
    reached = [shape]
    for i, layer in enumerate(layers):
        try:
            reached.append(layer.output_shape(reached[-1]))
        except HandmadeError as error:
            raise HandmadeError(f"layer {i} ({names(layers)[i]}): {error}") from None
    return tuple(reached)


def tape(layers: Layers, x: Array) -> list[Array]:
    """x, then the output of every layer."""
    activations = [x]
    for layer in layers:
        activations.append(layer.forward(activations[-1]))
    return activations


def delta(layers: Layers, activations: list[Array], dx: Array, channel: Channel) -> tuple[Array, Channel]:
    """Where a difference of the input goes: that of the last output, and its channel."""
    for layer, x in zip(layers, activations, strict=False):
        dx, channel = moved(layer, x, dx, channel)
    return dx, channel


def output_channel(layers: Layers, channel: Channel, shape: Shape) -> Channel:
    """Where the last output's difference lives when the input's, of `shape`, lives in `channel`."""
    for layer, each in zip(layers, shapes(layers, shape), strict=False):
        channel = layer.output_channel(channel, each) if is_channelwise(layer) else EVERY
    return channel


def backward(layers: Layers, activations: list[Array], gy: Array) -> tuple[Array, dict[str, Array]]:
    """gx, and the gradient of every array by its name in the chain."""
    gradients: dict[str, Array] = {}
    for i, layer in reversed(list(enumerate(layers))):
        gy, own = layer.backward(activations[i], gy)
        gradients |= {f"{i}.{name}": g for name, g in own.items()}
    return gy, gradients


def parameters(layers: Layers) -> dict[str, Array]:
    """All weights."""
    return {
        f"{i}.{name}": array
        for i, layer in enumerate(layers)
        if hasattr(layer, "parameters")
        for name, array in layer.parameters().items()
    }


def statistics(layers: Layers) -> dict[str, Array]:
    """All arrays that are kept, but are no weights."""
    return {
        f"{i}.{name}": array
        for i, layer in enumerate(layers)
        if hasattr(layer, "statistics")
        for name, array in layer.statistics().items()
    }


def replaced(layers: Layers, arrays: dict[str, Array]) -> Layers:
    """The same layers with other arrays; those that are not named stay."""
    others: list[Layer] = []
    for i, layer in enumerate(layers):
        if hasattr(layer, "parameters") and hasattr(layer, "replace"):
            held = layer.parameters() | (layer.statistics() if hasattr(layer, "statistics") else {})
            others.append(layer.replace({name: arrays.get(f"{i}.{name}", array) for name, array in held.items()}))
        else:
            others.append(layer)
    return tuple(others)


def in_training(layers: Layers, images: int, shape: Shape, rng: "np.random.Generator") -> Layers:
    """The layers for one training batch; themselves if none of them is another in training."""
    staged = [
        layer.in_training(images, each, rng) if hasattr(layer, "in_training") else layer
        for layer, each in zip(layers, shapes(layers, shape), strict=False)
    ]
    return _same_or(layers, staged)


def of(layers: Layers, images: slice) -> Layers:
    """The layers for some images of the batch; themselves if none of them holds anything for each image."""
    return _same_or(layers, [layer.of(images) if hasattr(layer, "of") else layer for layer in layers])


def made_for(layers: Layers) -> int | None:
    """How many images the layers are made for; None: any number."""
    counts: list[int] = [layer.images for layer in layers if hasattr(layer, "images") and layer.images is not None]
    return counts[0] if counts else None


def couples(layers: Layers) -> bool:
    """Whether the images of a batch depend on one another."""
    return any(hasattr(layer, "couples") and layer.couples for layer in layers)


def observe(layers: Layers, x: Array) -> tuple[Array, dict[str, Array]]:
    """The last output, and the statistics moved towards those of this batch, from one pass."""
    seen: dict[str, Array] = {}
    for i, layer in enumerate(layers):
        if hasattr(layer, "observe"):
            x, own = layer.observe(x)
            seen |= {f"{i}.{name}": array for name, array in own.items()}
        else:
            x = layer.forward(x)
    return x, seen


def _same_or(layers: Layers, others: list[Layer]) -> Layers:
    return layers if all(one is other for one, other in zip(layers, others, strict=True)) else tuple(others)
