"""Network: a directed acyclic graph of layers, as an immutable value.

A forward pass returns its tape: every activation, the input first.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine import backend, graph, image_arguments
from handmade.engine.arguments import as_generator, as_shape, as_weights, described, integer, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import Node
from handmade.engine.layers import Layer
from handmade.engine.layers.registry import standard
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
            "input_shape": as_shape(input_shape, "input_shape", "(30, 30, 1)"),
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
            raise refused("preparation", "a Preparation", described(preparation), "handmade.Preparation(padding=1)")
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
            end = "Linear" if len(shape) == 1 else "Flatten and Linear"
            raise HandmadeError(
                f"network: expected a row of at least two logits; the output has the shape {shape}. End it in {end}"
            )
        return shape[0]

    def class_name(self, k: int) -> str:
        """Return the name of class k: its entry in `class_names`, else its number."""
        number = image_arguments.as_label(k, self.classes)
        return str(number) if self.class_names is None else self.class_names[number]

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
        if not isinstance(arrays, dict):
            raise refused("arrays", "a dict of arrays by their names", described(arrays), "network.parameters()")
        for key, given in arrays.items():
            if key not in now:
                raise refused("arrays", f"names among {', '.join(now)}", repr(key))
            array = as_weights(given, f"arrays[{key!r}]")
            if array.shape != now[key].shape:
                raise refused(f"arrays[{key!r}]", f"the shape {now[key].shape}", str(array.shape))
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
        count, shapes, draws = integer(images, "images", 1), self.shape_of, as_generator(rng)
        return self._with(lambda node: node.layer.in_training(count, node.inputs(shapes), draws))

    def standard(self) -> Self:
        """Return the network with the engine's layers in the place of those that stand in for them."""
        return self._with(lambda node: standard(node.layer))

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

    def forward(self, x: ArrayLike) -> list[Array]:
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

    def tape(self, x: ArrayLike) -> dict[str, Array]:
        """Return the tape of one forward pass: every activation by the name of its node, and x under the name "input"."""
        return backend.current().tape(self, self.as_images(x))

    def outputs(self, x: ArrayLike) -> dict[str, Array]:
        """Return the outputs of one forward pass by the names of their nodes."""
        tape = self.tape(x)
        return {name: tape[name] for name in self.output_names}

    def logits(self, x: ArrayLike) -> Array:
        """Return the logits, (N, classes), for any number of images; the other activations are not kept."""
        return backend.current().logits(self, self.as_images(x))

    def predict(self, x: ArrayLike) -> Array:
        """Return the predicted classes, (N,) int64, by the largest logit; raise HandmadeError if there are no logits."""
        _ = self.classes
        numbers: Array = self.logits(x).argmax(axis=-1)
        return numbers

    def as_images(self, x: Any, name: str = "x") -> Array:
        """Return a batch of images for this network as an array of floats; raise HandmadeError if x is none."""
        if type(x) is np.ndarray and x.shape[1:] == self.input_shape and len(x) and x.dtype.kind == "f":
            images = x
        else:
            own = self.preparation
            way = (1, "handmade.data.prepare") if own is None else (own.padding, "handmade.data.prepare_for(network)")
            images = image_arguments.as_images(x, name, self.input_shape, self.dtype, *way)
        batch = next((count for node in self.nodes if (count := node.layer.images) is not None), len(images))
        if batch != len(images):
            advice = f"network.in_training(len({name}), rng)"
            raise refused(name, f"a batch of {batch} images, the number given to in_training", str(len(images)), advice)
        return images

    def _check_class_names(self, shape: Shape) -> None:
        names = self.class_names
        if names is None:
            return
        proper = all(isinstance(name, str) and name and name.isprintable() for name in names)
        if not proper or len(set(names)) != len(names) or shape != (len(names),):
            raise refused("class_names", f"one printable name of its own for each logit, {shape}", described(names))


def _known(name: Any, nodes: Sequence[Node], named: dict[str, str]) -> str:
    """Return the name of a node, which may be given by its display name."""
    names = [node.name for node in nodes]
    found = None if not isinstance(name, str) else name if name in names else named.get(name)
    if found is None:
        raise refused("outputs and logits", f"names of nodes among {graph.join_names(names)}", described(name))
    return found


def _listed(names: Any, what: str) -> tuple[str, ...]:
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise refused(what, "a list of names", described(names), f"[{names!r}]" if isinstance(names, str) else "")
    return tuple(each.item() if isinstance(each, np.str_) else each for each in names)


def check_network(value: object, call: str) -> None:
    """Raise HandmadeError unless the value is a Network; `call` is the right order of the arguments."""
    if not isinstance(value, Network):
        raise refused("network", "a Network", described(value), f"handmade.load({value!r})" if isinstance(value, str) else call)
