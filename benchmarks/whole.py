"""The rungs of whole networks: backpropagation, all differences, the definition, and inference, in every way there is.

As with single operations, what is timed is what is checked: first on a twin of the network, with the same widths and small
images, against the nested loops, then on digits.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
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
from handmade.engine.parallel import parallel_map
from handmade.threads import cores
from operations import error
from own import Crew, Own
from peers import present
from timing import Way, blas_threads

H = 1e-3  # as `handmade train` nudges
SMALL_H = 1e-6  # for the check, where the quotient is held against the loops' slope
BLOCK = 32  # images a thread takes at most in inference


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


def logits(network: Network, x: Array, own: Own) -> Array:
    """Return our logits: blocks of images, shared out."""
    if own.executor is None or len(x) < own.threads:
        return network.logits(x)
    size = min(BLOCK, -(-len(x) // own.threads))
    pieces = [x[first : first + size] for first in range(0, len(x), size)]
    return np.concatenate(list(parallel_map(own.executor, network.logits, pieces)))


def checked(methods: list[Method], network: Network) -> dict[str, float]:
    """Hold every method against the loops on a twin of the network: errors in tolerances; raises SystemExit beyond 1."""
    small, x, y = reference.twin(network, np.random.default_rng(2))
    errors = {method.name: method.wrong(Batch(small, x, y, SMALL_H)) for method in methods}
    bad = [f"{name} ({found:.1f} tolerances)" for name, found in errors.items() if not found <= 1]
    if bad:
        raise SystemExit(f"wrong against the loops: {', '.join(bad)}")
    return errors


def inference(crew: Crew) -> Iterator[Method]:
    """Yield all ways to the logits of a batch."""
    plainly = _inference("plain NumPy", lambda b: partial(plain.forward, b.network, b.x), lambda tape: tape[-1])
    yield _within(partial(blas_threads, crew.threads), plainly)
    for own in crew.ways():
        yield _within(own.around, _inference(own.name, lambda b, own=own: partial(logits, b.network, b.x, own)))  # type: ignore[misc]
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        def in_torch(form: str, b: Batch) -> Callable[[], Any]:
            network = peer_torch.TorchNetwork(b.network, form)
            return partial(network.logits, network.images(b.x))

        for name, form, threads in peer_torch.habits(crew.threads):
            around = partial(peer_torch.torch_threads, threads)
            yield _within(around, _inference(name, partial(in_torch, form), lambda z: z.numpy()))
    if present("onnxruntime"):
        import peer_onnx  # noqa: PLC0415  optional

        yield _inference("onnxruntime", lambda b: partial(peer_onnx.session(b.network, crew.threads), b.x))
    if with_jax(crew):
        import peer_jax  # noqa: PLC0415  optional

        def in_jax(b: Batch) -> Callable[[], Any]:
            network = peer_jax.JaxNetwork(b.network)
            return partial(network.logits, peer_jax.images(b.x))

        yield _inference("JAX", in_jax, np.asarray)


def backpropagation(crew: Crew) -> Iterator[Method]:
    """Yield all ways to the gradient by backpropagation."""
    plainly = _gradient("plain NumPy", lambda b: partial(plain.backprop, b.network, b.x, b.y))
    yield _within(partial(blas_threads, crew.threads), plainly)
    for own in crew.ways():
        yield _ours(own, backprop)
    if present("PyTorch"):
        import peer_torch  # noqa: PLC0415  optional

        def in_torch(form: str, b: Batch) -> tuple[Any, Callable[[], Any]]:
            network = peer_torch.TorchNetwork(b.network, form)
            return network, partial(network.backprop, network.images(b.x), peer_torch.labels(b.y))

        for form in peer_torch.FORMATS:
            yield _within(partial(peer_torch.torch_threads, crew.threads), _framework(form, partial(in_torch, form)))
    if with_jax(crew):
        import peer_jax  # noqa: PLC0415  optional

        def in_jax(b: Batch) -> tuple[Any, Callable[[], Any]]:
            network = peer_jax.JaxNetwork(b.network)
            return network, partial(network.backprop, peer_jax.images(b.x), peer_jax.labels(b.y))

        yield _framework("JAX", in_jax)


def differences(crew: Crew) -> Iterator[Method]:
    """Yield all ways to all difference quotients, by the finite chain rule."""
    for own in crew.ways():
        yield _ours(own, difference)


def definitions(crew: Crew) -> Iterator[Method]:
    """Yield the gradient by definition: passes of some weights are measured, and multiplied; shared out without loss."""
    yield _definition("plain NumPy", crew, lambda network, x: plain.forward(network, x)[-1])
    yield _within(crew.alone().around, _definition("handmade compiled", crew, lambda network, x: network.logits(x)))


def with_jax(crew: Crew) -> bool:
    """Return True where JAX is here and everybody has all cores: it takes them all, and cannot be told otherwise."""
    return present("JAX") and crew.threads == cores()


def _inference(name: str, work: Callable[[Batch], Callable[[], Any]], read: Callable[[Any], Array] = lambda z: z) -> Method:
    def wrong(batch: Batch) -> float:
        return error((read(work(batch)()),), (reference.logits(batch.network, batch.x),))

    return Method(name, lambda batch: Way(name, work(batch)), wrong)


def _gradient(name: str, work: Callable[[Batch], Callable[[], Any]]) -> Method:
    def wrong(batch: Batch) -> float:
        return reference.wrong(work(batch)()[1], batch.network, batch.x, batch.y)

    return Method(name, lambda batch: Way(name, work(batch)), wrong)


def _ours(own: Own, gradient: Callable[..., Any]) -> Method:
    """Return a gradient of ours in one of our ways."""

    def work(b: Batch) -> Callable[[], Any]:
        nudge = {} if gradient is backprop else {"h": b.h}
        return partial(gradient, b.network, b.x, b.y, executor=own.executor, **nudge)

    return _within(own.around, _gradient(own.name, work))


def _framework(name: str, made: Callable[[Batch], tuple[Any, Callable[[], Any]]]) -> Method:
    """Return a gradient of a framework, from its network and the work: the network tells ours which array is which."""

    def wrong(b: Batch) -> float:
        network, work = made(b)
        return reference.wrong(network.named(work()), b.network, b.x, b.y)

    return Method(name, lambda b: Way(name, made(b)[1]), wrong)


def _within(around: Callable[[], AbstractContextManager[object]], method: Method) -> Method:
    """Return the same method, made and checked and timed in a context."""

    def make(batch: Batch) -> Way:
        with around():
            return replace(method.make(batch), around=around)

    def wrong(batch: Batch) -> float:
        with around():
            return method.wrong(batch)

    return replace(method, make=make, wrong=wrong)


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
    """Return one quotient, by one pass."""
    nudged = batch.network.parameters()[array].copy()
    nudged.flat[i] += batch.network.dtype.type(batch.h)
    return (_loss(batch, batch.network.replace({array: nudged}), forward) - base) / batch.h


def _loss(batch: Batch, network: Network, forward: Callable[[Network, Array], Array]) -> float:
    return float(CrossEntropy().forward(forward(network, batch.x), batch.y).mean())
