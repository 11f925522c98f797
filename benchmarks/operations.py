"""The rungs of every operation: forward, backward and delta of each layer, and of the loss, in every way there is.

What is timed is what is checked: a way is made from its inputs, first from small ones, where its result has to be that of the
nested loops, then from those of a preset. The loops know only the forward pass; the other two they take by definition.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import plain
from handmade import losses
from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Layer, Linear, MaxPool2d, ReLU, one_channel, to_dense
from handmade.engine.network import Network
from handmade.engine.parallel import parallel_map
from own import Crew, Own
from peers import present
from timing import blas_threads

Parameters = dict[str, Array]
Made = tuple[Callable[[], Any], Callable[[Any], tuple[Array, ...]]]  # what is timed, and how to read what it returns
Maker = Callable[["Kind", str, "Inputs"], Made | None]  # None where a way does not do that

NUDGES = 10  # differences that go through together, in one channel
TASKS = 4  # into which a batch is cut, where threads share the work
TOLERANCE = 1e-5  # of the largest number: 6e-8 a rounding in float32, for sums of some hundred terms
H = 1e-6  # of the loops' own quotients, in float64


@dataclass(frozen=True)
class Inputs:
    """Inputs of an operation: x, its parameters, a gradient of its output, and differences of one channel of x."""

    x: Array
    p: Parameters
    gy: Array
    dx: Array

    @property
    def moved(self) -> Array:
        """x with every difference, one batch after the other: (NUDGES N, ...)."""
        dense = to_dense(self.x, self.dx, one_channel(0))
        return np.concatenate([self.x + dense[..., n] for n in range(NUDGES)])


@dataclass(frozen=True)
class Kind:
    """A kind of layer as each room writes it; `effort` is how much the loops have to do for a forward pass."""

    loops: Callable[[Array, Parameters], Array]
    plain: Callable[[Array, Parameters], Array]
    plain_backward: Callable[[Array, Parameters, Array], tuple[Array, Parameters]]
    ours: Callable[[Parameters], Any]
    effort: Callable[[Array, Parameters], float]


@dataclass(frozen=True)
class Loss:
    """Cross-entropy in the manner of a layer."""

    y: Array

    def forward(self, x: Array) -> Array:
        """(N, classes) -> (N,)."""
        return losses.CrossEntropy().forward(x, self.y)

    def record(self, x: Array) -> tuple[Array, Array]:
        """Return the losses, and x, which `backward` needs."""
        return self.forward(x), x

    def backward(self, x: Array, gy: Array, *, to_input: bool) -> tuple[Array, Parameters]:
        """(N, classes)."""
        return gy[:, None] * losses.CrossEntropy().backward(x, self.y), {}

    def delta(self, x: Array, dx: Array, channel: slice) -> Array:
        """(N, NUDGES)."""
        return losses.CrossEntropy().delta(x, dx, self.y, channel)

    def of(self, images: slice) -> "Loss":
        """The loss of some images."""
        return Loss(self.y[images])


KINDS = {
    "conv": Kind(
        lambda x, p: loops.conv2d(x, p["W"], p["b"]),
        *(plain.conv2d, plain.conv2d_backward),
        lambda p: Conv2d(p["W"], p["b"]),
        lambda x, p: len(x) * (x.shape[1] - len(p["W"]) + 1) * (x.shape[2] - p["W"].shape[1] + 1) * p["W"].size,
    ),
    "relu": Kind(lambda x, _: loops.relu(x), plain.relu, plain.relu_backward, lambda _: ReLU(), lambda x, _: x.size),
    "pool": Kind(
        lambda x, _: loops.max_pool2d(x), plain.max_pool2d, plain.max_pool2d_backward, lambda _: MaxPool2d(2), lambda x, _: x.size
    ),
    "linear": Kind(
        lambda x, p: loops.linear(x, p["W"], p["b"]),
        *(plain.linear, plain.linear_backward),
        lambda p: Linear(p["W"], p["b"]),
        lambda x, p: len(x) * p["W"].size,
    ),
    "loss": Kind(
        lambda x, p: loops.cross_entropy(x, p["y"]),
        *(plain.cross_entropy, plain.cross_entropy_backward),
        lambda p: Loss(p["y"]),
        lambda x, _: x.size,
    ),
}
TYPES: dict[type, str] = {Conv2d: "conv", ReLU: "relu", MaxPool2d: "pool", Linear: "linear"}


def looped(kind: Kind, what: str, inputs: Inputs) -> tuple[Array, ...]:
    """Return what is right, in float64."""
    x = inputs.x.astype(np.float64)
    p = {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in inputs.p.items()}
    if what == "forward":
        return (kind.loops(x, p),)
    if what == "delta":
        x = inputs.dx.astype(np.float64)
        exact = replace(inputs, x=inputs.x.astype(np.float64), dx=x)
        return (_unbatched(kind.loops(exact.moved, _repeated(p)), kind.loops(exact.x, p)),)
    variables = {"x": x} | {name: array for name, array in p.items() if array.dtype.kind == "f"}
    g = loops.gradient(lambda v: float((inputs.gy * kind.loops(v["x"], p | v)).sum()), variables, H)
    return tuple(g.values())


def effort(kind: Kind, what: str, inputs: Inputs) -> float:
    """Return how much the loops have to do."""
    once = kind.effort(inputs.x, inputs.p)
    passes = inputs.x.size + sum(array.size for array in inputs.p.values() if array.dtype.kind == "f") + 1
    return once * {"forward": 1, "delta": NUDGES + 1, "backward": passes}[what]


def plainly(kind: Kind, what: str, inputs: Inputs) -> Made:
    """Plain NumPy; for a delta it subtracts two outputs."""
    x, p, moved = inputs.x, inputs.p, inputs.moved
    if what == "forward":
        return partial(kind.plain, x, p), _alone
    if what == "delta":
        repeated = _repeated(p)
        return lambda: _unbatched(kind.plain(moved, repeated), kind.plain(x, p)), _alone
    return partial(kind.plain_backward, x, p, inputs.gy), _flat


def ours(own: Own, kind: Kind, what: str, inputs: Inputs) -> Made | None:
    """Return our way in one of our backends: in one piece, or in blocks of images on its threads.

    A delta belongs to the backend `plain`: what the compiled one does instead, it does to whole networks.
    """
    if what == "delta" and own.backend == "compiled":
        return None
    layer = kind.ours(inputs.p)
    size = len(inputs.x) if own.executor is None else -(-len(inputs.x) // TASKS)
    some = [slice(first, first + size) for first in range(0, len(inputs.x), size)]
    if what == "delta":
        parts = [layer.of(images) if isinstance(layer, Loss) else layer for images in some]
        deltas = [partial(part.delta, inputs.x[i], inputs.dx[i], one_channel(0)) for part, i in zip(parts, some, strict=True)]
        return partial(_joined, own, deltas), lambda dy: (_dense(dy, inputs.gy),)
    if isinstance(layer, Loss):
        links, total = [layer.of(images) for images in some], _nothing
    else:
        network = Network([layer], inputs.x.shape[1:])
        with own.around() as backend:
            links, total = [backend.operations(network)[0]] * len(some), partial(backend.total, blocks_in_shard=len(some))
    if what == "forward":
        return partial(_joined, own, [partial(link.forward, inputs.x[i]) for link, i in zip(links, some, strict=True)]), _alone
    backs = [
        partial(link.backward, link.record(inputs.x[i])[1], inputs.gy[i], to_input=True)
        for link, i in zip(links, some, strict=True)
    ]

    def backward() -> tuple[Array, Parameters]:
        done = list(parallel_map(own.executor, _called, backs))
        return np.concatenate([gx for gx, _ in done]), total([gradients for _, gradients in done], executor=own.executor)

    return backward, _flat


def ways(crew: Crew) -> Iterator[tuple[str, Maker, Any]]:
    """Yield every way by its name, how to make it, and the context that it is timed in; absent peers are left out."""
    yield "plain NumPy", plainly, partial(blas_threads, crew.threads)
    for own in crew.ways():
        yield own.name, partial(ours, own), own.around
    if present("PyTorch"):
        from peer_torch import FORMATS, torch_threads  # noqa: PLC0415  optional
        from torch_operations import in_torch  # noqa: PLC0415  optional

        for form in FORMATS:
            yield form, partial(in_torch, form), partial(torch_threads, crew.threads)
    if present("onnxruntime"):
        from peer_onnx import in_onnx  # noqa: PLC0415  optional

        yield "onnxruntime", partial(in_onnx, crew.threads), partial(blas_threads, 1)


def small(name: str, rng: np.random.Generator) -> Inputs:
    """Inputs of a kind on which loops are quick, in float32, off every kink."""
    shapes = {"conv": (2, 4, 5, 2), "relu": (2, 3, 4, 3), "pool": (2, 5, 6, 3), "linear": (3, 7), "loss": (4, 5)}
    x = _drawn(rng, shapes[name])
    p = {
        "conv": {"W": _drawn(rng, (3, 2, 2, 3)), "b": _drawn(rng, (3,))},
        "linear": {"W": _drawn(rng, (7, 5)), "b": _drawn(rng, (5,))},
        "loss": {"y": rng.integers(0, 5, len(x))},
    }.get(name, {})
    return complete(KINDS[name], x, p, rng)


def complete(kind: Kind, x: Array, p: Parameters, rng: np.random.Generator) -> Inputs:
    """A gradient of the output and differences beside x and its parameters."""
    return Inputs(x, p, _drawn(rng, kind.plain(x[:1], _first(p)).shape[1:], len(x)), _drawn(rng, (*x[..., :1].shape, NUDGES)))


def error(found: tuple[Array, ...], wanted: tuple[Array, ...]) -> float:
    """Return how far results are from the loops', in tolerances; beyond 1 they are wrong."""
    if [array.shape for array in found] != [array.shape for array in wanted]:
        return float("inf")
    return max(float(np.abs(f - w).max() / (TOLERANCE * np.abs(w).max())) for f, w in zip(found, wanted, strict=True))


def sizes(network: Network, x: Array, y: Array, rng: np.random.Generator) -> Iterator[tuple[str, str, Inputs]]:
    """For every operation of a network on a batch: what people call the layer, its kind, and its inputs."""
    *tape, z = network.forward(x)
    for name, layer, x_i in zip(network.names, network.layers, tape, strict=True):
        if type(layer) in TYPES:
            kind = TYPES[type(layer)]
            yield name, kind, complete(KINDS[kind], x_i, _parameters(layer), rng)
    yield "cross-entropy", "loss", complete(KINDS["loss"], z, {"y": y}, rng)


def _parameters(layer: Layer) -> Parameters:
    return {"W": layer.W, "b": layer.b} if isinstance(layer, Conv2d | Linear) else {}


def _called(work: Callable[[], Any]) -> Any:
    return work()


def _joined(own: Own, parts: Sequence[Callable[[], Array]]) -> Array:
    """Return what the parts give, one after the other; its threads share them."""
    done = list(parallel_map(own.executor, _called, parts))
    return done[0] if len(done) == 1 else np.concatenate(done)


def _nothing(_: Any, **__: Any) -> Parameters:
    """Return the gradients of a layer that has no weights."""
    return {}


def _alone(y: Array) -> tuple[Array, ...]:
    return (y,)


def _flat(found: tuple[Array, Parameters]) -> tuple[Array, ...]:
    return found[0], *found[1].values()


def _dense(dy: Array, y: Array) -> Array:
    """A difference that stayed in its channel, written out beside the zeros of the others."""
    return dy if dy.shape[: y.ndim] == y.shape else to_dense(y, dy, one_channel(0))


def _unbatched(moved: Array, y: Array) -> Array:
    """Differences of the output, nudges last as ours are: what the moved batches give, less what x gives."""
    return np.moveaxis(moved.reshape(NUDGES, *y.shape) - y, 0, -1)


def _repeated(p: Parameters) -> Parameters:
    """Labels for every nudge."""
    return p | {"y": np.tile(p["y"], NUDGES)} if "y" in p else p


def _first(p: Parameters) -> Parameters:
    return p | {"y": p["y"][:1]} if "y" in p else p


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], count: int | None = None) -> Array:
    return rng.standard_normal(shape if count is None else (count, *shape)).astype(np.float32)
