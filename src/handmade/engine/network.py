"""Network: a directed acyclic graph of layers, as an immutable value.

A forward pass returns its tape: every activation, the input first.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from handmade.engine import backend, graph
from handmade.engine.arrays import MOST, Array, Shape, integer
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import Node
from handmade.engine.layers import Layer
from handmade.engine.names import display_names
from handmade.engine.preparation import Preparation
from handmade.engine.structure import Structure


@dataclass(frozen=True, eq=False)
class Network(Structure):
    """Immutable network of layers: a changed weight makes a new network.

    A network is made for inference. `in_training` returns the network for a training batch, which has the same weights.

    Parameters
    ----------
    layers : sequence of layers, Node or Residual
        Layers in the order of the forward pass. A layer reads the entry before it; a Node names its inputs.
    input_shape : tuple of int
        Shape of one image; (30, 30, 1), a prepared digit, if left out.
    logits : str, optional
        Node whose output is the logits; the last entry if left out.
    outputs : sequence of str, optional
        Nodes whose outputs are those of the network; if left out, the nodes that no other node reads. The logits are always
        among them.
    class_names : sequence of str, optional
        Names of the classes, in the order of the logits.
    preparation : Preparation, optional
        Steps from a raw image to an input of the network; those of `handmade.data.prepare` if left out.

    Raises
    ------
    HandmadeError
        If a layer does not fit its inputs, or the nodes do not form an acyclic graph; the message names the layer.
    """

    class_names: tuple[str, ...] | None
    preparation: Preparation | None

    def __init__(
        self,
        layers: Sequence[Any],
        input_shape: Shape = (30, 30, 1),
        *,
        logits: str | None = None,
        outputs: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        preparation: Preparation | None = None,
    ) -> None:
        written = graph.to_nodes(layers)
        if not written:
            raise HandmadeError("layers: expected at least one layer; got none")
        titles = display_names(written)
        named = {title: name for name, title in titles.items()}
        written = [node.with_reads({name: named.get(name, name) for name in node.reads}) for node in written]
        nodes = graph.ordered_nodes(written)
        read = {name for node in nodes for name in node.reads}
        ends = [node.name for node in nodes if node.name not in read] if outputs is None else _listed(outputs, "outputs")
        found = [_known(name, nodes, named) for name in (*ends, written[-1].name if logits is None else logits)]
        values = {
            "nodes": nodes,
            "input_shape": _image_shape(input_shape),
            "logits_name": found[-1],
            "output_names": tuple(dict.fromkeys(found)),
            "class_names": None if class_names is None else _listed(class_names, "class_names"),
            "preparation": preparation,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check_class_names(self.shape_of[self.logits_name])
        graph.check_arrays(nodes, titles)  # after the shapes, which an Adapter needs to find its weights
        if preparation is not None and not isinstance(preparation, Preparation):
            raise HandmadeError(f"preparation: expected a Preparation; got {preparation!r:.80}. Try Preparation(padding=1)")
        if preparation is not None:
            preparation.check(self.input_shape)

    def _summary(self) -> str:
        shape = " x ".join(map(str, self.input_shape))
        return f"{len(self.nodes)} layers, {self.size:,} weights, images {shape}"

    @property
    def classes(self) -> int:
        """Number of logits; raises HandmadeError unless they are a row of two or more."""
        shape = self.shape_of[self.logits_name]
        if len(shape) != 1 or shape[0] < 2:
            raise HandmadeError(f"network: expected at least two logits; the output has the shape {shape}. End it in Linear")
        return shape[0]

    def class_name(self, k: int) -> str:
        """Return the name of class k: its entry in `class_names`, else its number."""
        return str(k) if self.class_names is None else self.class_names[k]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the weights, float32 or float64; float64 for a network without weights."""
        return np.result_type(*self.parameters().values()) if self.weighted else np.dtype(np.float64)

    @property
    def size(self) -> int:
        """Number of weights, biases included."""
        return sum(array.size for array in self.parameters().values())

    def parameters(self) -> dict[str, Array]:
        """Return all weights in one flat dict: "0.W" is W of node "0"."""
        return {f"{node.name}.{name}": array for node in self.nodes for name, array in node.layer.parameters().items()}

    def statistics(self) -> dict[str, Array]:
        """Return the running statistics of BatchNorm2d layers, named like the weights; they are not updated by gradients."""
        return {f"{node.name}.{name}": array for node in self.nodes for name, array in node.layer.statistics().items()}

    def replace(self, arrays: dict[str, Array]) -> Self:
        """Return the same network with other weights or statistics; arrays that are not named stay as they are.

        Raises
        ------
        HandmadeError
            If a name is unknown, or the shape of an array differs from that of the array which it replaces.
        """
        now = self.parameters() | self.statistics()
        others: dict[str, dict[str, Array]] = {}
        for key, given in arrays.items():
            array = np.asarray(given)
            if key not in now:
                raise HandmadeError(f"replace: expected names among {', '.join(now)}; got {key!r}")
            if array.shape != now[key].shape:
                raise HandmadeError(f"{key}: expected the shape {now[key].shape}; got {array.shape}")
            if array.dtype.kind != "f":
                raise HandmadeError(f"{key}: expected floats; got {array.dtype}. Try astype({now[key].dtype})")
            node, name = self.owners[key]
            others.setdefault(node, {})[name] = array
        return self._with(lambda node: node.layer.replace(others[node.name]) if node.name in others else node.layer)

    def in_training(self, images: int, rng: "np.random.Generator") -> Self:
        """Return the network for one training batch: Dropout drops numbers, BatchNorm2d takes the statistics of the batch.

        Parameters
        ----------
        images : int
            Number of images in the batch.
        rng : np.random.Generator
            Draws the masks of Dropout. If no layer behaves differently in training, nothing is drawn and the network itself is
            returned.

        Raises
        ------
        HandmadeError
            If a layer cannot be trained on such a batch.
        """
        count, shapes = integer(images, "images", 1), self.shape_of
        return self._with(lambda node: node.layer.in_training(count, node.inputs(shapes), rng))

    def for_images(self, images: slice) -> Self:
        """Return the network for some images of its batch; the network itself unless it holds data of single images."""
        return self._with(lambda node: node.layer.for_images(images))

    @property
    def mixes_batch(self) -> bool:
        """True if the images of a batch depend on one another, as with a BatchNorm2d in training."""
        return any(node.layer.mixes_batch for node in self.nodes)

    def update_statistics(self, x: Array) -> dict[str, Array]:
        """Return the running statistics of a network in training, moved towards those of the batch x, (N, *input_shape).

        This takes one forward pass. Without running statistics the result is empty, and nothing is computed. Pass the result to
        `replace`.
        """
        if not self.mixes_batch:
            return {}
        tape = self.tape(x)
        return {
            f"{node.name}.{name}": array
            for node in self.nodes
            for name, array in node.layer.update_statistics(node.inputs(tape)).items()
        }

    def _with(self, layer: Callable[[Node], Layer]) -> Self:
        """Return the network with other layers of the same shapes in its nodes; the network itself if no layer changes."""
        nodes = tuple(node.with_layer(layer(node)) for node in self.nodes)
        if all(one is other for one, other in zip(nodes, self.nodes, strict=True)):
            return self
        other = copy.copy(self)
        other.__dict__.update(nodes=nodes)
        for made_of_nodes in ("readers", "_by_name", "_cache"):
            other.__dict__.pop(made_of_nodes, None)
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_cache"}

    @cached_property
    def _cache(self) -> dict[object, Any]:
        return {}

    def cached(self, key: object, make: Callable[[], Any]) -> Any:
        """Return a value that a backend computes once for a network, stored under a key of its own."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def forward(self, x: Array) -> list[Array]:
        """Return the tape of one forward pass as a list: x, then the outputs of all nodes, in their order.

        Parameters
        ----------
        x : Array, (N, *input_shape)

        Raises
        ------
        HandmadeError
            If x is not a batch of such images.
        """
        return list(self.tape(x).values())

    def tape(self, x: Array) -> dict[str, Array]:
        """Return the tape of one forward pass: every activation by the name of its node, and x under the name "input"."""
        self.check_images(x)
        return backend.current().tape(self, x)

    def outputs(self, x: Array) -> dict[str, Array]:
        """Return the outputs of one forward pass by the names of their nodes."""
        tape = self.tape(x)
        return {name: tape[name] for name in self.output_names}

    def logits(self, x: Array) -> Array:
        """Return the logits, (N, classes), for any number of images; the other activations are not kept."""
        self.check_images(x)
        return backend.current().logits(self, x)

    def predict(self, x: Array) -> Array:
        """Return the predicted classes, (N,) int64, by the largest logit; raise HandmadeError if there are no logits."""
        _ = self.classes
        numbers: Array = self.logits(x).argmax(axis=-1)
        return numbers

    def check_images(self, x: Array) -> None:
        """Raise HandmadeError unless x is a batch of images for this network: an array of floats that is not empty."""
        if not isinstance(x, np.ndarray):
            raise HandmadeError(f"network: expected images as a NumPy array; got {type(x).__name__}. Try np.asarray(images)")
        if x.ndim == 0 or x.shape[1:] != self.input_shape or len(x) == 0:
            expected = ", ".join(map(str, ("N", *self.input_shape)))
            hint = " Try handmade.data.prepare(images)." if x.dtype == np.uint8 else ""
            hint = " For one image, try x[None]." if x.shape == self.input_shape else hint
            raise HandmadeError(f"network: expected images ({expected}) with N of at least 1; got {x.shape}.{hint}")
        if x.dtype.kind != "f":
            raise HandmadeError(f"network: expected images of floats; got {x.dtype}. Try handmade.data.prepare(images).")
        batch = next((count for node in self.nodes if (count := node.layer.images) is not None), len(x))
        if batch != len(x):
            raise HandmadeError(f"network in training: expected a batch of {batch} images; got {len(x)}. Try in_training again")

    def _check_class_names(self, shape: Shape) -> None:
        names = self.class_names
        if names is None:
            return
        proper = all(isinstance(name, str) and name and name.isprintable() for name in names)
        if not proper or len(set(names)) != len(names) or shape != (len(names),):
            raise HandmadeError(f"class_names: expected one printable name of its own for each logit, {shape}; got {names!r:.80}")


def _known(name: str, nodes: Sequence[Node], named: dict[str, str]) -> str:
    """Return the name of a node, which may be given by its display name."""
    names = [node.name for node in nodes]
    found = name if name in names else named.get(name) if isinstance(name, str) else None
    if found is None:
        raise HandmadeError(f"outputs and logits: expected names of nodes among {graph.join_names(names)}; got {name!r:.80}")
    return found


def _listed(names: Any, what: str) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise HandmadeError(f"{what}: expected a list of names; got {names!r:.80}")
    return tuple(names)


def _image_shape(shape: Any) -> Shape:
    """Return the shape of one image as Python integers."""
    sizes = tuple(shape) if isinstance(shape, Iterable) and not isinstance(shape, str) else ()
    if not sizes or not all(isinstance(size, int | np.integer) and 0 < size <= MOST for size in sizes):
        raise HandmadeError(f"input_shape: expected sizes above 0, such as (30, 30, 1); got {shape!r:.80}")
    return tuple(map(int, sizes))
