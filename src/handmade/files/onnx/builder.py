"""Builder: the nodes of the network that is being made, their shapes and names, and arrangements of axes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import FORBIDDEN, INPUT, LONGEST, RESERVED, Node
from handmade.engine.layers import Affine, Flatten, Layer, Reshape, Transpose
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known, per_image, view
from handmade.files.onnx.tensors import MOST_AXES
from handmade.files.onnx.types import Values, is_float

LARGEST_ACTIVATION = 2**24  # numbers for one image


class Builder:
    """Nodes of a network, in order.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one image in the network.
    batches : sequence of int
        Sizes of the batch that are tried.
    dtype : np.dtype
        Dtype of the weights, float32 or float64.
    """

    def __init__(self, input_shape: Shape, batches: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.batches, self.dtype = tuple(batches), dtype
        self.biased = set[str]()  # nodes with a bias for each channel, which may take in a constant that is added
        self.softmaxes: dict[str, str] = {}  # nodes of a Softmax or LogSoftmax, with what they read
        self.reshaped: dict[str, str] = {}  # nodes of a Flatten or Reshape, with what they read
        self.shared = {INPUT}  # nodes whose output several operations of the graph read: they must stay as they are
        self.shapes: dict[str, Shape] = {INPUT: input_shape}
        self.nodes: dict[str, Node] = {}
        self.numbers = Counter[str]()  # of nodes whose labels are the same
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep a sentence for the user; once."""
        if text not in self.notes:
            self.notes.append(text)

    def emit(self, label: str, layer: Layer, *reads: str) -> str:
        """Add a node and return its name."""
        shapes = tuple(self.shapes[name] for name in reads)
        try:
            shape = layer.output_shape(shapes if layer.joins else shapes[0])
        except HandmadeError as error:
            raise NoLayer(str(error)) from None
        if math.prod(shape) > LARGEST_ACTIVATION:
            raise NoLayer(f"{math.prod(shape):,} numbers for one image; at most {LARGEST_ACTIVATION:,} are supported")
        name = self._unique(label)
        self.nodes[name] = Node(name, layer, reads)
        self.shapes[name] = tuple(map(int, shape))
        return name

    def _unique(self, label: str) -> str:
        """Return a valid name of a node, made of a label, that is not taken."""
        letters = "".join("_" if each in FORBIDDEN or each == "." or not each.isprintable() else each for each in label)
        found = first = letters.strip("/")[: LONGEST - 20] or "node"
        while found in self.shapes or found in RESERVED:
            self.numbers[first] += 1
            found = f"{first}_{1 + self.numbers[first]}"
        return found

    def apply(self, node: Operation, layer: Layer, x: Activation) -> Activation:
        """Add a layer that works number by number, in whatever layout x is."""
        return replace(x, name=self.emit(node.name, layer, x.name))

    def weights(self, array: Values) -> Array:
        """Return numbers of the model as weights of this network."""
        return np.ascontiguousarray(array.astype(self.dtype))

    def arrange(self, label: str, x: Activation, axes: Sequence[int] | None = None, shape: Shape | None = None) -> str:
        """Return the node whose array is the ONNX array with its axes in this order, and then reshaped; add nodes if needed.

        Parameters
        ----------
        label : str
            Name of the node that needs it.
        x : Activation
        axes : sequence of int, optional
            Order of the axes of one image; that of ONNX if left out.
        shape : tuple of int, optional
            Shape of the node, if not that of these axes.
        """
        moved = x if axes is None else x.transposed(axes)
        target = moved.shape if shape is None else shape
        name, order = x.name, moved.order
        if not moved.is_plain:
            name = self._reshape(label, name, moved.factors)
            name = self.emit(f"{label}_transpose", Transpose(order), name)
        return self._reshape(label, name, target)

    def _reshape(self, label: str, name: str, shape: Shape) -> str:
        if self.shapes[name] == shape:
            return name
        flat = len(shape) == 1
        layer: Layer = Flatten() if flat else Reshape(shape)
        found = self.emit(f"{label}_{'flatten' if flat else 'reshape'}", layer, name)
        self.reshaped[found] = name
        return found

    def plain(self, label: str, x: Activation) -> Activation:
        """Return the tensor with its node in the order of ONNX."""
        return view(self.arrange(label, x), x.shape, range(len(x.shape)), x.dtype)

    def like(self, label: str, x: Activation, other: Activation) -> str:
        """Return a node with the array of x in the layout of another activation; sizes of 1 stay 1."""
        if x.shape == other.shape:
            if (x.factors, x.groups, self.shapes[x.name]) == (other.factors, other.groups, self.shapes[other.name]):
                return x.name
            target = self.shapes[other.name]
            split = self.reshape(label, x, tuple(other.factors[i] for i in other.order))
            return self.arrange(label, split, tuple(np.argsort(other.order).tolist()), target)
        one = [1 if size == 1 else each for size, each in zip(x.shape, other.shape, strict=True)]
        if tuple(one) != x.shape or any(len(group) > 1 for group in other.groups):
            raise NoLayer(f"activations of the shapes {x.shape} and {other.shape}")
        axes = [next(k for k, group in enumerate(other.groups) if group == (i,)) for i in range(len(other.factors))]
        axes += [k for k, group in enumerate(other.groups) if not group]
        sizes = iter(x.shape[k] for k in axes)
        target = tuple(next(sizes) if size > 1 else 1 for size in self.shapes[other.name])
        if len([size for size in self.shapes[other.name] if size > 1]) != len(other.factors):
            raise NoLayer("activations whose axes were merged")
        return self.arrange(label, x, axes, target)

    def reshape(self, label: str, x: Activation, shape: Shape) -> Activation:
        """Return the tensor with another shape; numbers move only if the layout does not allow it otherwise."""
        if math.prod(shape) != math.prod(x.shape):
            raise NoLayer(f"one image of the shape {x.shape} as {shape!s:.100}")
        if len(shape) > MOST_AXES:
            raise NoLayer(f"an activation of {len(shape)} axes; at most {MOST_AXES} are supported")
        found = x.reshaped(shape)
        if found is None:
            plain = self.plain(label, x)
            size = math.prod(x.shape)
            flat = replace(plain, factors=(size,) if size > 1 else (), groups=((0,) if size > 1 else (),))
            found = flat.reshaped(shape)
        assert found is not None  # one factor can be split into any sizes with its product
        return found

    def affine(self, node: Operation, x: Activation, scale: Values | float, shift: Values | float) -> Activation:
        """Add y = scale x + shift, numbers for one image in ONNX's layout."""
        shape = self.shapes[x.name]
        arrays = [x.to_node(np.asarray(each), shape) for each in (scale, shift)]
        if math.prod(np.broadcast_shapes(*(each.shape for each in arrays))) > math.prod(shape):
            raise NoLayer("a constant that is larger than the activation")
        small = [self.weights(each if each.size > 1 else each.reshape(())) for each in arrays]
        return self.apply(node, Affine(*small), x)

    def add_to_bias(self, node: Operation, x: Activation, shift: Values) -> Activation | None:
        """Return x with a constant in the biases of the layer that made it; None if there is no such layer."""
        made = self.nodes.get(x.name)
        if made is None or x.name not in self.biased or x.name in self.shared:
            return None
        array = x.to_node(shift, self.shapes[x.name])
        if array.size not in {1, array.shape[-1]}:
            return None
        b = made.layer.parameters()["b"] + self.weights(array).reshape(-1)
        self.nodes[x.name] = made.with_layer(made.layer.replace({"b": b}))
        return x

    def constant(self, x: Known, like: Activation) -> Values:
        """Return a constant for one image that broadcasts against an activation."""
        array = x.array if len({each.shape for each in x.values}) == 1 else _one_row(x, self.batches)
        array = per_image(array, 1 + len(like.shape), self.batches)
        if any(size not in {1, own} for size, own in zip(array.shape[::-1], like.shape[::-1], strict=False)):
            raise NoLayer(f"a constant of the shape {array.shape} makes an activation {like.shape} larger")
        if array.dtype.kind not in "fiub" and not is_float(array.dtype):
            raise NoLayer(f"a constant of {array.dtype}")
        return array


def _one_row(x: Known, batches: Sequence[int]) -> Values:
    """Return a constant that has one row for each image, all equal, with one row."""
    rows = [per_image(array, array.ndim, [batch]) for array, batch in zip(x.each(batches), batches, strict=True)]
    return Known(rows).array[None]
