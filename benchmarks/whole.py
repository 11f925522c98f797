"""The rungs of whole networks: backpropagation, all differences, the definition, and inference, in every way there is.

As with single operations, what is timed is what is checked: first on a twin of the network, with the same widths and small
images, against the nested loops, then on digits.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

import plain
import reference
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop, difference
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from operations import error
from peers import present
from timing import Way, blas_threads

ALONE = "handmade, 1 thread"  # what we are called when this one does it all
H = 1e-3  # as `handmade train` nudges
SMALL_H = 1e-6  # for the check, where the quotient is held against the loops' slope
BLOCK = 32  # images a thread takes at most in inference


@dataclass(frozen=True)
class Crew:
    """Who does our work, each with one BLAS thread: our executor, and a pool of threads for single operations."""

    threads: int
    executor: Executor | None
    pool: Executor | None

    @property
    def in_threads(self) -> str:
        """What we are called with all of them."""
        return ALONE if self.threads == 1 else f"handmade, {self.threads} threads"


@dataclass(frozen=True)
class Batch:
    """A network with images and labels, and how far a weight is nudged."""

    network: Network
    x: Array
    y: Array
    h: float = H


@dataclass(frozen=True)
class Method:
    """One way to one result; `make` gives the work for a batch, `wrong` how far its result is from the loops, in tolerances."""

    name: str
    make: Callable[[Batch], Way]
    wrong: Callable[[Batch], float]


Section: TypeAlias = Callable[[Crew], Iterator[Method]]


def logits(network: Network, x: Array, executor: Executor | None, threads: int = 1) -> Array:
    """Our inference: blocks of images, shared out."""
    if executor is None or len(x) < threads:
        return network.logits(x)
    size = min(BLOCK, -(-len(x) // threads))
    return np.concatenate(list(executor.map(network.logits, [x[first : first + size] for first in range(0, len(x), size)])))


def checked(methods: list[Method], network: Network) -> dict[str, float]:
    """Every method on a twin of the network, against the loops: the error in tolerances; raises SystemExit beyond 1."""
    small, x, y = reference.twin(network, np.random.default_rng(2))
    errors = {method.name: method.wrong(Batch(small, x, y, SMALL_H)) for method in methods}
    bad = [f"{name} ({found:.1f} tolerances)" for name, found in errors.items() if not found <= 1]
    if bad:
        raise SystemExit(f"wrong against the loops: {', '.join(bad)}")
    return errors


def inference(crew: Crew) -> Iterator[Method]:
    """The logits of a batch."""
    yield _inference("plain NumPy", lambda b: partial(plain.forward, b.network, b.x), lambda tape: tape[-1], crew.threads)
    yield _inference(ALONE, lambda b: partial(logits, b.network, b.x, None))
    if crew.threads > 1:
        yield _inference(crew.in_threads, lambda b: partial(logits, b.network, b.x, crew.executor, crew.threads))
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        def made(form: str, b: Batch) -> Callable[[], Any]:
            network = peer_torch.TorchNetwork(b.network, form)
            return partial(network.logits, network.images(b.x))

        for name, form, threads in peer_torch.habits(crew.threads):
            around = partial(peer_torch.torch_threads, threads)
            yield _within(_inference(name, partial(made, form), lambda z: z.numpy()), around)
    if present("onnxruntime"):
        import peer_onnx  # noqa: PLC0415  optional

        yield _inference("onnxruntime", lambda b: partial(peer_onnx.session(b.network, crew.threads), b.x))


def backpropagation(crew: Crew) -> Iterator[Method]:
    """The gradient by backpropagation."""
    yield _gradient("plain NumPy", lambda b: partial(plain.backprop, b.network, b.x, b.y), crew.threads)
    yield _gradient(ALONE, lambda b: partial(backprop, b.network, b.x, b.y))
    if crew.threads > 1:
        yield _gradient(crew.in_threads, lambda b: partial(backprop, b.network, b.x, b.y, executor=crew.executor))
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        def made(form: str, b: Batch) -> tuple[Any, Callable[[], Any]]:
            network = peer_torch.TorchNetwork(b.network, form)
            return network, partial(network.backprop, network.images(b.x), peer_torch.labels(b.y))

        def wrong(form: str, b: Batch) -> float:
            network, work = made(form, b)
            return reference.wrong(network.named(work()), b.network, b.x, b.y)

        for form in peer_torch.FORMATS:
            around = partial(peer_torch.torch_threads, crew.threads)
            yield Method(form, partial(_torch_way, made, form, around), partial(wrong, form))


def differences(crew: Crew) -> Iterator[Method]:
    """All difference quotients, by the finite chain rule."""
    yield _gradient(ALONE, lambda b: partial(difference, b.network, b.x, b.y, h=b.h))
    if crew.threads > 1:
        yield _gradient(crew.in_threads, lambda b: partial(difference, b.network, b.x, b.y, h=b.h, executor=crew.executor))


def definitions(crew: Crew) -> Iterator[Method]:
    """The gradient by definition: the passes of some weights are measured, and multiplied; shared out without loss."""
    yield _definition("plain NumPy", crew, lambda network, x: plain.forward(network, x)[-1])
    yield _definition("handmade", crew, lambda network, x: network.logits(x))


def _inference(
    name: str, work: Callable[[Batch], Callable[[], Any]], read: Callable[[Any], Array] = lambda z: z, threads: int = 1
) -> Method:
    def wrong(batch: Batch) -> float:
        return error((read(work(batch)()),), (reference.logits(batch.network, batch.x),))

    return Method(name, lambda batch: Way(name, work(batch), around=partial(blas_threads, threads)), wrong)


def _gradient(name: str, work: Callable[[Batch], Callable[[], Any]], threads: int = 1) -> Method:
    def wrong(batch: Batch) -> float:
        return reference.wrong(work(batch)()[1], batch.network, batch.x, batch.y)

    return Method(name, lambda batch: Way(name, work(batch), around=partial(blas_threads, threads)), wrong)


def _torch_way(made: Callable[[str, Batch], tuple[Any, Callable[[], Any]]], form: str, around: Any, batch: Batch) -> Way:
    return Way(form, made(form, batch)[1], around=around)


def _within(method: Method, around: Any) -> Method:
    """The same method in another context."""
    return replace(method, make=lambda batch: replace(method.make(batch), around=around))


def _definition(name: str, crew: Crew, forward: Callable[[Network, Array], Array]) -> Method:
    def wrong(batch: Batch) -> float:
        wide = {each: w.astype(np.float64) for each, w in batch.network.parameters().items()}
        exact = replace(batch, network=batch.network.replace(wide), x=batch.x.astype(np.float64))
        base, found, wanted = _loss(exact, exact.network, forward), [], []
        for array, w in wide.items():
            along = {each: np.zeros(w.shape) for each, w in wide.items()}
            along[array].flat[-1] = 1
            found.append(_quotient(exact, array, w.size - 1, forward, base))
            wanted.append(reference.slope(exact.network, exact.x, exact.y, along))
        return error((np.array(found),), (np.array(wanted),))

    def make(batch: Batch) -> Way:
        _, array = max((w.size, each) for each, w in batch.network.parameters().items())
        work = partial(_quotient, batch, array, 0, forward, _loss(batch, batch.network, forward))
        return Way(name, work, times=(batch.network.size + 1) / crew.threads, around=partial(blas_threads, 1))

    return Method(name, make, wrong)


def _quotient(batch: Batch, array: str, i: int, forward: Callable[[Network, Array], Array], base: float) -> float:
    """One quotient, by one pass."""
    nudged = batch.network.parameters()[array].copy()
    nudged.flat[i] += batch.network.dtype.type(batch.h)
    return (_loss(batch, batch.network.replace({array: nudged}), forward) - base) / batch.h


def _loss(batch: Batch, network: Network, forward: Callable[[Network, Array], Array]) -> float:
    return float(CrossEntropy().forward(forward(network, batch.x), batch.y).mean())
