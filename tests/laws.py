"""The laws as plain functions that raise AssertionError: `test_laws` holds the layers to them, `test_mutants` holds the laws.

Every tolerance is one bound. A sum of n products, rounded at each step and added in any order, is within n eps of the sum of
the products' sizes (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1, with room for a factor 2);
the loops give that sum of sizes themselves when all numbers are made positive. A layer that bends its numbers has the rounding of
its delta worked out beside its row in `cases`.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import mpmath
import numpy as np
from numpy.typing import DTypeLike

from cases import Case, Draw, Parameters, generic, kinked
from handmade.engine import loops
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Channel, Layer, MaxPool2d, one_channel
from handmade.engine.layers.registry import _RULES

EPS = float(np.finfo(np.float64).eps)
SIZES = [1e-8, 1e-3, 1.0, 30.0]
FAR_BELOW_ROUNDING = [1e-200, 1e-30]
ALL_SIZES = [*FAR_BELOW_ROUNDING, *SIZES]
H = 1e-30

exact: Callable[[Array], Array] = np.frompyfunc(lambda number: mpmath.mpf(float(number)), 1, 1)


def digits_for(step: Any) -> int:
    """Sixty digits, and as many more as a step of this size lies below 1."""
    largest = float(np.abs(step).max())
    return 60 + max(0, math.ceil(-math.log10(largest or 1.0)))


def positive(parameters: Parameters) -> Parameters:
    return {name: np.abs(array) for name, array in parameters.items()}


def assert_within(got: Array, wanted: Array, bound: Any) -> None:
    assert got.shape == wanted.shape, f"shape {got.shape}, not {wanted.shape}"
    off = np.abs(got - wanted)
    assert np.all(off <= bound), f"off by up to {float(np.max(off)):.3g} where at most {float(np.max(bound)):.3g} is rounding"


# --- law 1: reference ---------------------------------------------------------------------------------------------------------


def check_reference(case: Case, x: Array) -> None:
    """Forward equals the loops."""
    y = case.layer.forward(x)
    assert y.shape[1:] == case.layer.output_shape(x.shape[1:])
    assert_within(y, case.twin(x, case.parameters), 2 * case.terms * EPS * case.size(x))  # 2: both sides round


# --- law 2: difference --------------------------------------------------------------------------------------------------------


def check_subtraction(case: Case, x: Array, dx: Array) -> None:
    """Delta equals forward(x + dx) - forward(x), as far as that subtraction can tell."""
    wanted = case.layer.forward(x + dx) - case.layer.forward(x)
    if case.sizes is None:
        bound = 3 * (case.terms + 1) * EPS * case.size(np.abs(x) + np.abs(dx))  # 3: delta and two outputs; 1: x + dx
    else:
        bound = (case.terms + 1) * EPS * (case.size(x) + case.size(x + dx)) + 2 * EPS * of_delta(case, x, dx)
    assert_within(case.layer.delta(x, dx), wanted, bound)


def of_delta(case: Case, x: Array, dx: Array) -> Array:
    """What rounding does to delta(x, dx), in eps."""
    return case.rounding(x, dx) if case.sizes and case.rounding else (case.terms + 2) * case.size(dx)


def check_difference(case: Case, x: Array, dx: Array, digits: int = 0) -> None:
    """Delta equals forward(x + dx) - forward(x) in arithmetic that holds every digit of both.

    Here the tolerance knows nothing of the size of x: it is that of sums of dx alone, or, for a layer that bends, what its row
    says. Sixty digits, or more if asked for, end too: what they leave of the outputs is not known, nor what is below the tiniest
    number of the dtype.
    """
    eps, tiniest = float(np.finfo(x.dtype).eps), float(np.finfo(x.dtype).smallest_subnormal)
    with mpmath.workdps(max(digits, digits_for(dx))):
        X, dX, p = exact(x), exact(dx), {name: exact(array) for name, array in case.parameters.items()}
        wanted = case.twin(X + dX, p) - case.twin(X, p)
        if case.rounding is None:
            sizes = case.twin(np.abs(dX), positive(p)) - case.twin(0 * dX, positive(p))  # the second takes the biases away
            bound = (case.terms + 2) * eps * sizes  # 2: slack, and dx less slack
        else:
            # factors below 1 may each be lost below the tiniest, and GELU multiplies by x
            reach = case.size(np.abs(X) + np.abs(dX)) if case.sizes else case.twin(np.abs(X) + np.abs(dX), p)
            unknown = mpmath.mpf(10) ** (5 - mpmath.mp.dps) * reach
            bound = eps * case.rounding(X, dX) + 2 * tiniest * (1 + np.abs(X).max()) + unknown
        assert_within(exact(case.layer.delta(x, dx)), wanted, bound)


def check_nudges(case: Case, x: Array, h: float = H) -> None:
    """Nudges equal the layer with that one weight moved, and no other channel moves."""
    outputs = case.layer.output_shape(x.shape[1:])[-1]
    nudges = list(case.layer.nudges(x, h))
    assert [channel for channel, _ in nudges] == [one_channel(o) for o in range(outputs)]
    with mpmath.workdps(digits_for(h)):
        X, p = exact(x), {name: exact(array) for name, array in case.parameters.items()}
        base = case.twin(X, p)
        for o, (_, dy) in enumerate(nudges):
            assert dy.shape == (*base.shape[:-1], 1, case.column)
            for n, (name, row) in enumerate(column(case.parameters)):
                moved = {name: array.copy() for name, array in p.items()}
                moved[name].reshape(-1, outputs)[row, o] += mpmath.mpf(h)
                wanted = case.twin(X, moved) - base
                got = np.zeros_like(wanted)
                got[..., o] = exact(dy[..., 0, n])
                # relative to each number: nothing cancels, but in the input of a batch norm
                sizes = np.abs(wanted) if case.sizes is None else abs(h) * case.sizes(x, {n: w * 0 + 1 for n, w in p.items()})
                assert_within(got, wanted, case.terms * EPS * sizes)


def column(parameters: Parameters) -> list[tuple[str, int]]:
    """The weights of one output channel, one under the other, as `nudges` promises to number them."""
    return [(name, row) for name, array in parameters.items() for row in range(array.size // array.shape[-1])]


# around nothing, around the minimum of GELU at -0.75246142..., and where exp comes to the end of float32 and of float64
PLACES = [0.0, 1e-30, 0.1, 0.7524614220710162, 0.753, 3.0, 9.0, 37.0, 88.5, 104.0, 400.0, 745.5, 1000.0]
LENGTHS = [1e-30, 1e-12, 1e-3, 0.3, 5.0, 40.0, 3000.0]


def check_tails(case: Case, dtype: type = np.float64) -> None:
    """Delta, forward and backward of a layer that bends keep their digits, however nearly flat it is there.

    Where a row's rounding of delta(x, dx) has more operations than they have, it serves for them too: for forward as delta(0, x),
    with 4 eps for the sigmoid, which is not 0 at 0; for backward as delta(x, -h), to the left, where the slope on a kink is that
    of its convention.
    """
    places, lengths = (np.array([*numbers, *(-number for number in numbers)]) for numbers in (PLACES, LENGTHS))
    steps = [np.concatenate([lengths, places - place]) for place in places]  # and from every place to every other
    pairs: tuple[Array, Array] = np.repeat(places, len(steps[0])).astype(dtype), np.concatenate(steps).astype(dtype)
    there = np.logical_and.reduce([is_inside(case, pairs[0]), is_inside(case, pairs[0], pairs[1])])
    assert there.sum() > 200
    digits = 340 if dtype is np.float64 else 80  # below 5e-324, or 1e-45, nothing shows
    check_difference(case, pairs[0][there], pairs[1][there], digits=digits)

    x: Array = places.astype(dtype)
    x = x[is_inside(case, x)]
    eps, tiniest = float(np.finfo(dtype).eps), float(np.finfo(dtype).smallest_subnormal)
    assert case.rounding is not None
    with mpmath.workdps(800):  # 340 for the numbers of float64, 400 for h, and some to spare
        h = mpmath.mpf(10) ** -400
        X, y = exact(x), case.twin(exact(x), {})
        lost = 2 * tiniest * (1 + np.abs(X))
        from_0 = 0 if case.positive else case.rounding(0 * X, X)
        assert_within(exact(case.layer.forward(x)), y, eps * (from_0 + 4 * np.abs(y)) + lost)
        wanted, bound = (y - case.twin(X - h, {})) / h, case.rounding(X, -h + 0 * X) / h
        # h away the slope has changed by less than 2 h, relative to a slope above 1
        assert_within(
            exact(case.layer.backward(x, np.ones_like(x))[0]), wanted, eps * bound + lost + 2 * h * (1 + np.abs(wanted))
        )


def is_inside(case: Case, x: Array, dx: Any = 0.0) -> Array:
    """True where x + dx is in the domain of a curve, and its output below the largest number of the dtype."""
    largest = float(np.finfo(x.dtype).max)
    with mpmath.workdps(340):
        X = exact(x) + exact(np.asarray(dx, x.dtype))
        inside: Array = np.array([not case.positive or number > 0 for number in X])
    with mpmath.workdps(20):
        y = case.twin(np.where(inside, X, mpmath.mpf(1)), {})
        inside &= np.array([abs(number) <= largest for number in y])
        return inside


# --- law 2b: channel ----------------------------------------------------------------------------------------------------------


def check_channel(case: Case, x: Array, rng: np.random.Generator) -> None:
    """Delta of a difference that lives in one channel is that of the same difference written densely; so for many nudges."""
    layer = case.layer
    for channel in channels(x.shape) if is_channelwise(layer) else ():
        part = rng.standard_normal((*x[..., channel].shape, 3))
        dense = densely(part, channel, x.shape)
        wanted = np.stack([layer.delta(x, dense[..., n]) for n in range(3)], axis=-1)
        bound = 2 * EPS * np.stack([of_delta(case, x, dense[..., n]) for n in range(3)], axis=-1)  # 2: both sides round
        goes_to, whole = output_channel(layer, channel, x.shape[1:]), wanted.shape[:-1]
        assert_within(layer.delta(x, dense), wanted, bound)
        assert_within(densely(layer.delta(x, part, channel), goes_to, whole), wanted, bound)
        assert_within(densely(layer.delta(x, part[..., 0], channel), goes_to, whole), wanted[..., 0], bound[..., 0])


def inherited(layer: Layer, name: str) -> Any:
    """A rule of the layer's type or, for a mutant, of the type that it is a mutant of."""
    found = (_RULES.get(kind, {}).get(name) for kind in type(layer).__mro__)
    return next((each for each in found if each is not None), None)


def is_channelwise(layer: Layer) -> bool:
    return inherited(layer, "channel") is not None


def has_nudges(layer: Layer) -> bool:
    return inherited(layer, "nudges") is not None


def output_channel(layer: Any, channel: Channel, shape: Shape) -> Channel:
    """Return the channels that the output's difference lives in; a mutant may have a method of its own for it."""
    if hasattr(layer, "output_channel"):
        return cast("Channel", layer.output_channel(channel, shape))
    return cast("Channel", inherited(layer, "channel")(layer, channel, shape))


def channels(shape: Shape) -> Iterator[Channel]:
    """Every channel by itself; of rows also every C-th number, which is where Flatten puts a channel of an image."""
    yield from map(one_channel, range(shape[-1]))
    if len(shape) == 2:
        yield from (slice(c, None, C) for C in range(1, shape[-1]) if shape[-1] % C == 0 for c in range(C))


def densely(part: Array, channel: Channel, shape: Shape) -> Array:
    """Zeros of the shape (and nudges, if part has them) with part in one channel; not broadcast: it must fit."""
    full = np.zeros((*shape, *part.shape[len(shape) :]))
    place = (slice(None),) * (len(shape) - 1) + (channel,)
    assert part.shape == full[place].shape
    full[place] = part
    return full


# --- law 3: transpose ---------------------------------------------------------------------------------------------------------


def check_transpose(case: Case, x: Array, rng: np.random.Generator) -> None:
    """<gy, delta(x, h dx)> / h equals <gx, dx>, and <gy, nudges> / h equals gW: off the kinks, at h = 1e-30.

    Where there are weights and no nudges, the twin tells how all of them at once move the output.
    """
    layer, weights = case.layer, case.parameters
    dx = rng.standard_normal(x.shape)
    gy = rng.standard_normal(layer.forward(x).shape)

    gx, g = layer.backward(x, gy)

    assert gx.shape == x.shape
    assert {name: array.shape for name, array in g.items()} == {name: array.shape for name, array in weights.items()}
    sums = 2 * (case.terms + gy.size) * EPS  # two sums, of gy.size numbers that are sums themselves
    if case.sizes and case.rounding:
        bound = (2 + gy.size) * EPS * np.vdot(np.abs(gy), case.rounding(x, H * dx)) / H
    else:
        bound = sums * np.vdot(np.abs(gy), case.size(dx))
    assert_within(np.vdot(gx, dx), np.vdot(gy, layer.delta(x, H * dx)) / H, bound)
    if has_nudges(layer):
        columns = np.concatenate([g[name].reshape(-1, gy.shape[-1]) for name in weights])  # (weights in a column, outputs)
        for o, (channel, dy) in enumerate(layer.nudges(x, H)):
            wanted, sizes = (np.tensordot(f(gy[..., channel]), f(dy), gy.ndim) / H for f in (np.positive, np.abs))
            more = 0.0 if case.sizes is None else np.vdot(np.abs(gy[..., channel]), case.size(x)[..., channel])
            assert_within(columns[:, o], wanted, sums * (sizes + more))
    elif weights:
        check_weights(case, x, gy, g, rng)

    silent, g_silent = layer.backward(x, np.zeros_like(gy))
    assert not any(np.any(array) for array in (silent, *g_silent.values())), "no gradient comes out where none goes in"


def check_weights(case: Case, x: Array, gy: Array, g: Parameters, rng: np.random.Generator) -> None:
    """<g, dw> equals <gy, f(w + h dw) - f(w)> / h in arithmetic that holds every digit, for all weights moved at random."""
    moves = {name: rng.standard_normal(array.shape) for name, array in case.parameters.items()}
    with mpmath.workdps(digits_for(H) + 30):
        X, p = exact(x), {name: exact(array) for name, array in case.parameters.items()}
        moved = {name: array + mpmath.mpf(H) * exact(moves[name]) for name, array in p.items()}
        wanted = (gy * (case.twin(X, moved) - case.twin(X, p))).sum() / mpmath.mpf(H)
        larger = {name: np.abs(array) + mpmath.mpf(H) * np.abs(exact(moves[name])) for name, array in p.items()}
        sizes = (np.abs(gy) * (case.twin(np.abs(X), larger) - case.twin(np.abs(X), positive(p)))).sum() / mpmath.mpf(H)
    got = sum(np.vdot(g[name], move) for name, move in moves.items())
    assert_within(np.array(got), np.array(wanted), 2 * (case.terms + gy.size) * EPS * sizes)


# --- law 4: manners -----------------------------------------------------------------------------------------------------------


def check_manners(case: Case, x: Array, rng: np.random.Generator) -> None:
    """Inputs stay as they are, however they lie in memory; two calls agree to the bit; the dtype is kept."""
    dx, many = rng.standard_normal(x.shape), rng.standard_normal((*x.shape, 2))
    gy = rng.standard_normal((len(x), *case.layer.output_shape(x.shape[1:])))
    inputs = (x, dx, many, gy)
    arrays = (*inputs, *case.parameters.values())
    copies = [array.copy() for array in arrays]

    first, second = outcomes(case.layer, *inputs), outcomes(case.layer, *inputs)

    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True)), "an input was written to"
    for one, other in zip(first, second, strict=True):
        assert_within(other, one, 0)

    # a sum in another order: at most 200 terms of order 10 here, 200 * 10 * eps = 4e-13; a number in the wrong place is off by 1
    for layout in (every_other, backwards, np.asfortranarray, read_only):
        for one, other in zip(first, outcomes(case.layer, *map(layout, inputs)), strict=True):
            assert_within(other, one, 1e-12)

    singles = [array.astype(np.float32) for array in inputs]
    for one, other in zip(first, outcomes(case.single().layer, *singles), strict=True):
        assert other.dtype == np.float32
        # 200 * 10 * 1.2e-7; where x was rounded to float32 it was moved by as much again
        assert_within(other, one, 5e-4)


def outcomes(layer: Any, x: Array, dx: Array, many: Array, gy: Array) -> list[Array]:
    """Everything that a layer computes."""
    gx, g = layer.backward(x, gy)
    arrays = [layer.forward(x), layer.delta(x, dx), gx, *g.values()]
    if is_channelwise(layer):
        arrays += [
            layer.delta(x, many),
            layer.delta(x, dx[..., :1], one_channel(0)),
            layer.delta(x, many[..., :1, :], one_channel(0)),
        ]
    if has_nudges(layer):
        arrays += [dy.copy() for _, dy in layer.nudges(x, x.dtype.type(0.5))]
    return arrays


def every_other(array: Array) -> Array:
    wide = np.full([2 * size for size in array.shape], np.nan)  # what lies between must not be read
    view = wide[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    return view


def backwards(array: Array) -> Array:
    return np.flip(np.flip(array).copy())


def read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


# --- law 5: images ------------------------------------------------------------------------------------------------------------


def check_images(case: Case, x: Array, rng: np.random.Generator) -> None:
    """The layer for some images makes of them what the whole layer does; unless it says that they depend on one another."""
    dx, gy = rng.standard_normal(x.shape), rng.standard_normal(case.layer.forward(x).shape)
    whole = (case.layer.forward(x), case.layer.delta(x, dx), case.layer.backward(x, gy)[0])
    half = (len(x) + 1) // 2
    for images in (slice(half), slice(half, None)) if len(x) > 1 else ():
        layer = case.layer.for_images(images)
        some = (layer.forward(x[images]), layer.delta(x[images], dx[images]), layer.backward(x[images], gy[images])[0])
        # sums of at most 200 terms of order 10, in another order
        same = [np.allclose(one, other[images], rtol=0, atol=1e-12) for one, other in zip(some, whole, strict=True)]
        if case.layer.mixes_batch:
            assert not any(same), "images that are said to depend on one another do not"
        else:
            assert all(same), "what a layer makes of an image depends on the others"


# --- conventions on kinks -----------------------------------------------------------------------------------------------------


def check_kink_of_relu(case: Case, x: Array, rng: np.random.Generator) -> None:
    """On the kink itself the gradient of ReLU is 0."""
    assert np.any(x == 0)
    gy = rng.standard_normal(x.shape)
    assert_within(case.layer.backward(x, gy)[0], np.where(x > 0, gy, 0), 0)


def check_kink_of_leaky(case: Case, x: Array, rng: np.random.Generator) -> None:
    """On the kink itself the gradient of LeakyReLU is its slope."""
    assert np.any(x == 0)
    gy = rng.standard_normal(x.shape)
    assert_within(case.layer.backward(x, gy)[0], np.where(x > 0, gy, case.layer.slope * gy), 0)


def check_ties_of_pool(case: Case, x: Array, rng: np.random.Generator) -> None:
    """Of pixels that tie for the largest, the first in the window, row by row, takes the whole gradient."""
    layer: MaxPool2d = case.layer
    (top, _), (left, _) = np.broadcast_to(np.array(layer.padding).reshape(2, -1), (2, 2)).tolist()  # a pair, or one of each side
    gy = rng.standard_normal(layer.forward(x).shape)
    wanted = np.zeros(x.shape)
    for n, h, w, c in np.ndindex(gy.shape):
        pixels = [
            (n, row, column, c)
            for row in (h * layer.stride[0] - top + i * layer.dilation[0] for i in range(layer.window[0]))
            for column in (w * layer.stride[1] - left + j * layer.dilation[1] for j in range(layer.window[1]))
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
        ]
        wanted[max(pixels, key=lambda at: x[at])] += gy[n, h, w, c]  # max keeps the first of equals
    most = layer.window[0] * layer.window[1]  # windows that one pixel can win, each with |gy| below 5
    assert_within(layer.backward(x, gy)[0], wanted, most * 5 * EPS)


# --- the loss -----------------------------------------------------------------------------------------------------------------


def check_loss_reference(loss: Any, z: Array, y: Array) -> None:
    """Forward equals the loops in sixty digits: relative to the loss itself, and to the gaps between logits."""
    with mpmath.workdps(60):
        wanted = true_loss(exact(z), y)
        gaps = np.abs(z.max(axis=-1) - z[np.arange(len(y)), y])  # exp and the subtraction of the top see these
        assert_within(exact(loss.forward(z, y)), wanted, (z.shape[-1] + 4) * EPS * (np.abs(wanted) + gaps))


def check_loss_difference(loss: Any, z: Array, dz: Array, y: Array) -> None:
    """Delta equals forward(z + dz) - forward(z) in arithmetic that holds every digit."""
    with mpmath.workdps(digits_for(dz)):
        Z, dZ = exact(z), exact(dz)
        wanted = true_loss(Z + dZ, y) - true_loss(Z, y)
        assert_within(exact(loss.delta(z, dz, y)), wanted, loss_bound(Z, dZ, y, wanted, z.dtype))


def true_loss(Z: Array, y: Array) -> Array:
    return loops.cross_entropy(Z, y, exp=mpmath.exp, log=mpmath.log)


def loss_bound(Z: Array, dZ: Array, y: Array, dL: Array, dtype: DTypeLike = np.float64) -> Array:
    """What rounding does to dL = log(1 + T), T = sum of p_k expm1(s_k), s_k = dz_k - dz_y, over K classes.

    log p_k is right to eps |log p_k|, and s_k to eps |s_k|; exp and expm1 turn these into relative errors of the terms of T.
    Adding up K terms costs K eps, log1p and the rest a few more; dividing by 1 + T carries the error of T over to dL. Where T is
    no small number, the terms are those of 1 + T: p_k exp(s_k). A p_k below the normal numbers is off by up to the tiniest,
    and so is every term.
    """
    N, K = Z.shape
    eps, tiniest = float(np.finfo(dtype).eps), float(np.finfo(dtype).smallest_subnormal)
    bound = np.empty(N, object)
    for n in range(N):
        top = max(Z[n])
        log_sum = top + mpmath.log(sum(mpmath.exp(z - top) for z in Z[n]))
        log_p = [z - log_sum for z in Z[n]]
        s = [d - dZ[n, y[n]] for d in dZ[n]]
        small = [mpmath.exp(a) * abs(mpmath.expm1(b)) for a, b in zip(log_p, s, strict=True)]
        large = [mpmath.exp(a + b) for a, b in zip(log_p, s, strict=True)]
        one_and_T = sum(large)
        terms = small if abs(one_and_T - 1) <= 0.5 else large
        errors = sum(term * (2 * abs(a) + 2 * abs(b) + K + 5) for term, a, b in zip(terms, log_p, s, strict=True))
        lost = tiniest * sum(1 + (abs(mpmath.expm1(b)) if terms is small else 0) for b in s)
        bound[n] = (eps * errors + lost) / one_and_T + 2 * eps * abs(dL[n])
    return bound


def check_loss_of_confidence(loss: Any, z: Array, y: Array, size: float) -> None:
    """However sure the network is of y, a nudge of one logit changes the loss by a difference right to twelve digits."""
    for k in range(z.shape[-1]):
        dz = np.zeros_like(z)
        dz[:, k] = size
        with mpmath.workdps(digits_for(size)):
            wanted = true_loss(exact(z) + exact(dz), y) - true_loss(exact(z), y)
            # |log p_k| < 40 here, so a p_k is right to 40 eps = 9e-15
            assert_within(exact(loss.delta(z, dz, y)), wanted, 1e-12 * np.abs(wanted))
            assert_within(exact(loss.delta(z, dz[:, k : k + 1], y, one_channel(k))), wanted, 1e-12 * np.abs(wanted))


def check_loss_channel(loss: Any, z: Array, y: Array, dz: Array) -> None:
    """One moving logit, or several with a fixed step between them, is the same as their difference written densely."""
    for channel in channels(z.shape):
        part = dz[:, channel]
        dense = densely(part, channel, z.shape)
        wanted = np.stack([loss.delta(z, dense[..., n], y) for n in range(dz.shape[-1])], axis=-1)
        with mpmath.workdps(60):
            exacts = [(exact(z), exact(dense[..., n]), y, exact(wanted[:, n])) for n in range(dz.shape[-1])]
            bound = 2 * np.stack([loss_bound(*each) for each in exacts], axis=-1)  # 2: both sides round
        assert_within(loss.delta(z, dense, y), wanted, bound)
        assert_within(loss.delta(z, part, y, channel), wanted, bound)
        assert_within(loss.delta(z, part[..., 0], y, channel), wanted[:, 0], bound[:, 0])


def check_loss_transpose(loss: Any, z: Array, y: Array, rng: np.random.Generator) -> None:
    """delta(z, h dz) / h equals <gz, dz> for every image, at h = 1e-30."""
    dz = rng.standard_normal(z.shape)
    gz = loss.backward(z, y)
    assert gz.shape == z.shape
    # p_k is right to (|log p_k| + K + 5) eps, |log p_k| < 2 max |z| + log K, on either side; |gz_k| is at most 1
    bound = 2 * EPS * (2 * np.abs(z).max() + 2 * z.shape[-1] + 5) * np.abs(dz).sum(axis=-1)
    assert_within(loss.delta(z, H * dz, y) / H, np.vecdot(gz, dz), bound)


def check_loss_manners(loss: Any, z: Array, y: Array, rng: np.random.Generator) -> None:
    """As for layers."""
    dz, many = rng.standard_normal(z.shape), rng.standard_normal((*z.shape, 2))
    arrays = (z, dz, many)

    def results(z: Array, dz: Array, many: Array) -> list[Array]:
        one = [loss.delta(z, dz[:, :1], y, one_channel(0)), loss.delta(z, many[:, :1], y, one_channel(0))]
        return [loss.forward(z, y), loss.delta(z, dz, y), loss.delta(z, many, y), *one, loss.backward(z, y)]

    copies, first, second = [array.copy() for array in arrays], results(*arrays), results(*arrays)

    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True)), "an input was written to"
    for one, other in zip(first, second, strict=True):
        assert_within(other, one, 0)
    for layout in (every_other, backwards, np.asfortranarray, read_only):
        for one, other in zip(first, results(*map(layout, arrays)), strict=True):
            assert_within(other, one, 1e-13)  # another order of adding up at most 10 numbers of order 10: 100 eps
    for one, other in zip(first, results(*[array.astype(np.float32) for array in arrays]), strict=True):
        assert other.dtype == np.float32
        assert_within(other, one, 1e-4)  # 100 eps of float32 is 1.2e-5, and z was rounded first


# --- the laws of layers by name, as `test_mutants` and the random rows call them ----------------------------------------------


def difference_at_all_sizes(case: Case, x: Array, rng: np.random.Generator) -> None:
    for size in ALL_SIZES:
        check_difference(case, x, size * rng.standard_normal(x.shape))


def subtraction_at_all_sizes(case: Case, x: Array, rng: np.random.Generator) -> None:
    for size in SIZES:
        check_subtraction(case, x, size * rng.standard_normal(x.shape))


Law = Callable[[Case, Array, np.random.Generator], None]
LAWS: dict[str, Law] = {
    "reference": lambda case, x, _: check_reference(case, x),
    "subtraction": subtraction_at_all_sizes,
    "difference": difference_at_all_sizes,
    "tails": lambda case, _x, _rng: check_tails(case),
    "nudges": lambda case, x, _: check_nudges(case, x),
    "channel": check_channel,
    "transpose": check_transpose,
    "manners": check_manners,
    "images": check_images,
    "kink of relu": check_kink_of_relu,
    "kink of leaky relu": check_kink_of_leaky,
    "ties of pool": check_ties_of_pool,
}
DRAWS: dict[str, list[Draw]] = {  # both kinds of inputs, but for:
    "transpose": [generic],  # on a kink the gradient is a matter of convention,
    "kink of relu": [kinked],  # and these are the conventions
    "kink of leaky relu": [kinked],
    "tails": [generic],  # any: it has numbers of its own
    "ties of pool": [kinked],
}
