"""The one table of cases: a new layer is one new row, and every law is checked for it.

Heights differ from widths, kernels from squares, channels from filters, strides and paddings from axis to axis: where two
numbers agree, code that mistakes one for the other cannot be told from code that does not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Any, TypeAlias

import mpmath
import numpy as np

from graph_layers import Halves, Parts, Shifted, Subnetwork
from handmade.engine import elementwise_loops, join_loops, loops, more_loops, rearrangement_loops, window_loops
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import (
    ELU,
    GELU,
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Clip,
    Concat,
    Conv2d,
    Divide,
    Dropout,
    Exp,
    Expand,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    HardSigmoid,
    Layer,
    LeakyReLU,
    Linear,
    Log,
    LogSoftmax,
    MatMul,
    MaxPool2d,
    Mean,
    Multiply,
    Pad,
    ReLU,
    Reshape,
    Sigmoid,
    Slice,
    Softmax,
    Sqrt,
    Subtract,
    Sum,
    Take,
    Tanh,
    Transpose,
)
from handmade.engine.residual import Residual
from handmade.engine.window_loops import NONE, Sides

Parameters: TypeAlias = dict[str, Array]
Pair: TypeAlias = tuple[int, int]
Draw: TypeAlias = Callable[[np.random.Generator, Shape], Array]
Rounding: TypeAlias = Callable[[Array, Array], Array]
Sizes: TypeAlias = Callable[[Array, Parameters], Array]
Twin: TypeAlias = Callable[[Array, Parameters], Array]


@dataclass(frozen=True)
class Case:
    layer: Any
    shape: Shape  # of the input, the images included
    twin: Callable[[Array, Parameters], Array]  # the same layer in nested loops, for numbers of any kind
    operations: int = 1  # that make one number of the output, beside those with weights
    rounding: Rounding | None = None  # of a curved layer: what rounding does to delta(x, dx), in eps, for exact x and dx
    sizes: Sizes | None = None  # of the sums that make the output, where the twin of positive numbers does not tell them
    positive: bool = False  # defined for positive numbers alone

    @property
    def parameters(self) -> Parameters:
        parameters: Parameters = self.layer.parameters()
        return parameters

    @property
    def terms(self) -> int:
        """How many products and sums make one number of the output."""
        return self.operations + self.column

    @property
    def column(self) -> int:
        """How many weights feed one number of the output."""
        return sum(math.prod(array.shape[:-1]) for array in self.parameters.values())

    def size(self, x: Array) -> Array:
        """The sizes of the products and sums, added up without their signs: (the output's shape)."""
        positive = {name: np.abs(array) for name, array in self.parameters.items()}
        return self.twin(np.abs(x), positive) if self.sizes is None else self.sizes(x, positive)

    def single(self) -> "Case":
        """The same case in float32."""
        arrays = self.parameters | self.layer.statistics()
        parameters = {name: array.astype(np.float32) for name, array in arrays.items()}
        return replace(self, layer=self.layer.replace(parameters)) if parameters else self


def conv(shape: Shape, kernel: Pair, filters: int, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Case:
    rng = np.random.default_rng(1)
    layer = Conv2d(rng.standard_normal((*kernel, shape[-1], filters)), rng.standard_normal(filters), stride, padding)
    return Case(layer, shape, lambda x, p: loops.conv2d(x, p["W"], p["b"], stride, padding))


def conv_apart(
    shape: Shape,
    kernel: Pair,
    filters: int,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Case:
    """A convolution with gaps in its windows, or between its channels."""
    rng = np.random.default_rng(3)
    W, b = rng.standard_normal((*kernel, shape[-1] // groups, filters)), rng.standard_normal(filters)
    layer = Conv2d(W, b, stride, padding, dilation, groups)
    return Case(layer, shape, lambda x, p: more_loops.conv2d(x, p["W"], p["b"], stride, padding, dilation, groups))


def pool(shape: Shape, window: Pair, stride: Pair, padding: Pair = (0, 0)) -> Case:
    return Case(MaxPool2d(window, stride, padding), shape, lambda x, _: loops.max_pool2d(x, window, stride, padding))


def average(shape: Shape, window: Pair, stride: Pair, padding: Pair = (0, 0)) -> Case:
    layer, operations = AvgPool2d(window, stride, padding), window[0] * window[1] + 1
    return Case(layer, shape, lambda x, _: more_loops.avg_pool2d(x, window, stride, padding), operations)


def average_of_all(shape: Shape) -> Case:
    return Case(GlobalAvgPool2d(), shape, lambda x, _: more_loops.global_avg_pool2d(x), shape[1] * shape[2] + 1)


def conv_sided(
    shape: Shape,
    kernel: Pair,
    filters: int,
    stride: Pair = (1, 1),
    padding: Sides = NONE,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Case:
    """A convolution with a padding of each side."""
    rng = np.random.default_rng(8)
    W, b = rng.standard_normal((*kernel, shape[-1] // groups, filters)), rng.standard_normal(filters)
    layer = Conv2d(W, b, stride, padding, dilation, groups)
    return Case(layer, shape, lambda x, p: window_loops.conv2d(x, p["W"], p["b"], stride, padding, dilation, groups))


def pool_sided(
    shape: Shape, window: Pair, stride: Pair, padding: Sides = NONE, dilation: Pair = (1, 1), *, ceil: bool = False
) -> Case:
    """A pool with every setting."""
    layer = MaxPool2d(window, stride, padding, dilation, ceil_mode=ceil)
    return Case(layer, shape, lambda x, _: window_loops.max_pool2d(x, window, stride, padding, dilation, ceil_mode=ceil))


def average_sided(
    shape: Shape,
    window: Pair,
    stride: Pair,
    padding: Sides = NONE,
    dilation: Pair = (1, 1),
    *,
    ceil: bool = False,
    count: bool = True,
) -> Case:
    layer = AvgPool2d(window, stride, padding, dilation, ceil_mode=ceil, count_padding=count)

    def twin(x: Array, _: Parameters) -> Array:
        return window_loops.avg_pool2d(x, window, stride, padding, dilation, ceil_mode=ceil, count_padding=count)

    return Case(layer, shape, twin, window[0] * window[1] + 1)


def largest_of_all(shape: Shape) -> Case:
    return Case(GlobalMaxPool2d(), shape, lambda x, _: window_loops.global_max_pool2d(x))


def linear(images: int, inputs: int, outputs: int) -> Case:
    rng = np.random.default_rng(2)
    layer = Linear(rng.standard_normal((inputs, outputs)), rng.standard_normal(outputs))
    return Case(layer, (images, inputs), lambda x, p: loops.linear(x, p["W"], p["b"]))


def linear_rows(shape: Shape, outputs: int) -> Case:
    """Many rows an image, with the same weights."""
    rng = np.random.default_rng(8)
    layer = Linear(rng.standard_normal((shape[-1], outputs)), rng.standard_normal(outputs))
    return Case(layer, shape, lambda x, p: rearrangement_loops.linear_rows(x, p["W"], p["b"]))


def relu(shape: Shape) -> Case:
    return Case(ReLU(), shape, lambda x, _: loops.relu(x))


def flatten(shape: Shape) -> Case:
    return Case(Flatten(), shape, lambda x, _: loops.flatten(x))


def flatten_rows(shape: Shape) -> Case:
    return Case(Flatten(), shape, lambda x, _: x)


# --- curved layers ------------------------------------------------------------------------------------------------------------
#
# Their delta is held to a tolerance that is relative to delta itself, however small: here is what each of their operations may
# add to it, in units of eps. +, * and / are right to 1/2; NumPy's own tests hold exp and expm1 to 3 (umath-validation-set-*.csv).
# Sigma is 1 / (1 + e) or e / (1 + e), e = exp of something exact: 3 and two times 1/2, so 4. No layer here has more than CURVED
# operations.

CURVED = 12


def remembered(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of mpmath that computes equal numbers once: a table of cases has many of them."""
    at = lru_cache(maxsize=2**13)(lambda _precision, v: function(v))
    return lambda v: at(mpmath.mp.prec, v)


EXP, EXPM1, LOG, LOG1P = map(remembered, (mpmath.exp, mpmath.expm1, mpmath.log, mpmath.log1p))
TANH, ERF, DISTRIBUTION = map(remembered, (mpmath.tanh, mpmath.erf, mpmath.ncdf))


@remembered
def sigma(v: Any) -> Any:
    return 1 / (1 + EXP(-v))


def of_step(a: Any, b: Any, off: float) -> Any:
    """The relative rounding of sigma(b) - sigma(a) = expm1(b - a) sigma(a) sigma(-b), if a and b are `off` by so many eps.

    3 for expm1, 4 for each sigma, 1 for two products. What a is off by, |a| off, moves sigma(a) by sigma(-a) times as much,
    relative to itself; likewise b. A step up is computed as the step down from -a to -b.
    """
    if b > a:
        a, b = -a, -b
    return 12 + off * (abs(a) * sigma(-a) + abs(b) * sigma(b))


def of_sigmoid(x: Any, dx: Any) -> Any:
    """x and dx are exact, so expm1(dx) is off by nothing more; x + dx is rounded once."""
    return abs(sigma(x + dx) - sigma(x)) * of_step(x, x + dx, 0.5)


def of_tanh(x: Any, dx: Any) -> Any:
    """As for sigmoid; doubling is exact."""
    return abs(TANH(x + dx) - TANH(x)) * of_step(2 * x, 2 * (x + dx), 0.5)


def of_gelu(x: Any, dx: Any) -> Any:
    """Delta is dx sigma(v') + x (sigma(v') - sigma(v)): what each term is off by, relative to that term and not to their sum.

    Near the minimum of GELU they nearly balance, and delta is right relative to them, not to itself; for x > 0 they add up.
    v = K x (1 + c x^2): 1/2 for each of K, K x and the last product, 2 for c, x^2, their product and the sum; 3 times 1/2 for
    x + dx, whose third power counts: 5. The first term: 4 for sigma, 1 for product and sum, and what v' moves sigma(v') by. The
    second: that of the step; dv is off by 1/2 for each of K, K dx and the last product, and by 5/2 + 3/2 for the sum of squares
    (5/2: 2x + dx squared, by 3, plus; 3/2: c, by c, plus 1), so 11/2, which moves expm1(-|dv|) by no more; 1 for product and sum.
    """
    v, moved = v_of(x), v_of(x + dx)
    first = abs(dx) * sigma(moved) * (5 + 5 * abs(moved) * sigma(-moved))
    second = abs(x) * abs(sigma(moved) - sigma(v)) * (6.5 + of_step(v, moved, 5))
    return first + second


def v_of(x: Any) -> Any:
    return 2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def by_number(rounding: Callable[[Any, Any], Any]) -> Rounding:
    each: Rounding = np.frompyfunc(rounding, 2, 1)
    return each


def leaky(shape: Shape, slope: float = 0.01) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return more_loops.leaky_relu(x, slope)

    def rounding(x: Array, dx: Array) -> Array:
        """1/2 for each of dx + x, the slope (in float32), its product and the sum, whose terms have one sign."""
        bound: Array = 2 * np.abs(more_loops.leaky_relu(x + dx, slope) - more_loops.leaky_relu(x, slope))
        return bound

    return Case(LeakyReLU(slope), shape, twin, 4, rounding)


def sigmoid(shape: Shape) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return more_loops.sigmoid(x, exp=EXP if x.dtype == object else math.exp)

    return Case(Sigmoid(), shape, twin, CURVED, by_number(of_sigmoid))


def tanh(shape: Shape) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return more_loops.tanh(x, tanh=TANH if x.dtype == object else math.tanh)

    return Case(Tanh(), shape, twin, CURVED, by_number(of_tanh))


def gelu(shape: Shape) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return more_loops.gelu(x, tanh=TANH if x.dtype == object else math.tanh)

    return Case(GELU(), shape, twin, CURVED, by_number(of_gelu))


# --- rearrangements and sums over axes ----------------------------------------------------------------------------------------


def reshape(shape: Shape, to: Shape, twin: Shape | None = None) -> Case:
    return Case(Reshape(to), shape, lambda x, _: rearrangement_loops.reshape(x, twin or to))


def transpose(shape: Shape, axes: Shape) -> Case:
    return Case(Transpose(axes), shape, lambda x, _: rearrangement_loops.transpose(x, axes))


def pad(shape: Shape, widths: tuple[Pair, ...], mode: str = "constant", value: float = 0.0) -> Case:
    def padded(x: Array, value: float) -> Array:
        return rearrangement_loops.pad(x, widths, mode, value)

    return Case(Pad(widths, mode, value), shape, lambda x, _: padded(x, value), sizes=lambda x, _: padded(np.abs(x), abs(value)))


def slice_(shape: Shape, layer: Slice, starts: Shape, to: Shape, steps: Shape) -> Case:
    return Case(layer, shape, lambda x, _: rearrangement_loops.slice_(x, starts, to, steps))


def take(shape: Shape, axis: int, indices: list[int]) -> Case:
    return Case(Take(axis, indices), shape, lambda x, _: rearrangement_loops.take(x, axis, indices))


def take_one(shape: Shape, axis: int, index: int) -> Case:
    """A single index leaves its axis out; nested indices make several of it."""
    left = (*shape[1 : 1 + axis], *shape[2 + axis :])

    def twin(x: Array, _: Parameters) -> Array:
        return rearrangement_loops.reshape(rearrangement_loops.take(x, axis, [index]), left)

    return Case(Take(axis, index), shape, twin)


def take_nested(shape: Shape, axis: int, indices: list[list[int]]) -> Case:
    to = (*shape[1 : 1 + axis], len(indices), len(indices[0]), *shape[2 + axis :])

    def twin(x: Array, _: Parameters) -> Array:
        return rearrangement_loops.reshape(rearrangement_loops.take(x, axis, [i for row in indices for i in row]), to)

    return Case(Take(axis, indices), shape, twin)


def expand(shape: Shape, by: Shape, to: Shape) -> Case:
    return Case(Expand(by), shape, lambda x, _: rearrangement_loops.expand(x, to))


def sum_of(shape: Shape, axes: Shape, *, keepdims: bool = False) -> Case:
    normal, count = tuple(axis % (len(shape) - 1) for axis in axes), math.prod(shape)

    def twin(x: Array, _: Parameters) -> Array:
        return rearrangement_loops.sum_(x, normal, keepdims=keepdims)

    return Case(Sum(axes, keepdims), shape, twin, count)


def mean_over(shape: Shape, axes: Shape, *, keepdims: bool = False) -> Case:
    normal, count = tuple(axis % (len(shape) - 1) for axis in axes), math.prod(shape)

    def twin(x: Array, _: Parameters) -> Array:
        return rearrangement_loops.mean(x, normal, keepdims=keepdims)

    return Case(Mean(axes, keepdims), shape, twin, count + 1)


def curve(layer: Layer, shape: Shape, twin: Twin, rounding: Callable[[Any, Any], Any], sizes: Sizes | None = None) -> Case:
    """A layer that works element by element, with the rounding of its delta for one number."""
    return Case(layer, shape, twin, CURVED, by_number(rounding), sizes)


def gelu_of_erf(shape: Shape) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        precise = x.dtype == object
        erf, sqrt = (ERF, mpmath.sqrt) if precise else (math.erf, math.sqrt)
        return elementwise_loops.gelu(x, erf=erf, sqrt=sqrt)

    return curve(GELU("none"), shape, twin, of_gelu_of_erf)


def of_gelu_of_erf(x: Any, dx: Any) -> Any:
    """Delta is dx F(b) + x (F(b) - F(x)), b = x + dx: what each term is off by, relative to that term.

    F is right to 4, its argument b to 1/2, which moves F(b) by b f(b). A close step: 3 for the density, m^2 / 2 for the rounding
    of m, 6 for the series and the products. Where the step is not close, two tails are subtracted. Each is right to 4.
    """
    with mpmath.workdps(30):  # enough for a bound, and for F(b) - F(x) of a step above 1e-3
        b, m = x + dx, abs(x + dx / 2)
        of_b = abs(b) * mpmath.npdf(b) / 2
        first = abs(dx) * (6 * DISTRIBUTION(b) + of_b)
        step = abs(dx) * mpmath.npdf(m) if abs(dx) * max(1, m) < 1e-3 else abs(DISTRIBUTION(b) - DISTRIBUTION(x))
        second = (12 + m * m) * step
        if abs(dx) * max(1, m) > 0.9:
            side = -1 if x + dx / 2 > 0 else 1
            second += 4 * (DISTRIBUTION(side * x) + DISTRIBUTION(side * b)) + of_b
        return first + abs(x) * second


def elu(shape: Shape, alpha: float = 1.0) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return elementwise_loops.elu(x, alpha, exp=EXP if x.dtype == object else math.exp)

    def rounding(x: Any, dx: Any) -> Any:
        """1/2 for dx + x, alpha in float32, two products and the sum, whose terms have one sign; 3 for exp and for expm1.

        Where x + dx is below 0, it is rounded once.
        """
        n, after = min(x, 0), min(x + dx, 0)
        step = min(dx + max(x, 0), -n)
        size = abs(max(dx + n, -max(x, 0))) + alpha * mpmath.exp(n) * abs(mpmath.expm1(step))
        return size * (9 + abs(after) / 2)

    return curve(ELU(alpha), shape, twin, rounding)


def clip(shape: Shape, low: float | None, high: float | None) -> Case:
    """Bounds that float32 holds: then delta is right to two roundings, also where it is far less than x and dx."""
    lowest, highest = -math.inf if low is None else low, math.inf if high is None else high

    def twin(x: Array, _: Parameters) -> Array:
        return elementwise_loops.clip(x, lowest, highest)

    def rounding(x: Any, dx: Any) -> Any:
        y, moved = (min(max(each, lowest), highest) for each in (x, x + dx))
        return 2 * abs(moved - y if y != x or moved != x + dx else dx)

    return curve(Clip(low, high), shape, twin, rounding, lambda x, _: np.abs(x) + np.abs(twin(x, {})))


def hard_sigmoid(shape: Shape, slope: float = 0.2, shift: float = 0.5) -> Case:
    """With a slope that float32 holds, delta is right to three roundings; else what the slope is off by counts at the kinks."""
    inexact = float(np.float32(slope)) != slope

    def twin(x: Array, _: Parameters) -> Array:
        return elementwise_loops.hard_sigmoid(x, slope, shift)

    def rounding(x: Any, dx: Any) -> Any:
        u, after = slope * x + shift, slope * (x + dx) + shift
        if 0 <= u <= 1 and 0 <= after <= 1:
            return 3 * slope * abs(dx)
        at_kinks = (abs(u) + abs(after)) * inexact if max(u, after) >= 0 and min(u, after) <= 1 else 0
        return 3 * abs(min(max(after, 0), 1) - min(max(u, 0), 1)) + at_kinks

    return curve(HardSigmoid(slope, shift), shape, twin, rounding)


def exponential(shape: Shape) -> Case:
    def twin(x: Array, _: Parameters) -> Array:
        return elementwise_loops.each(x, EXP if x.dtype == object else math.exp)

    def rounding(x: Any, dx: Any) -> Any:
        """3 for exp and expm1, 1/2 for the product; up, exp takes x + dx, which is rounded once."""
        return mpmath.exp(x) * abs(mpmath.expm1(dx)) * (7 + (abs(x + dx) / 2 if dx > 0 else 0))

    return curve(Exp(), shape, twin, rounding)


def positive_curve(shape: Shape, layer: Layer, function: Any, rounding: Callable[[Any, Any], Any], shift: float) -> Case:
    """A function of positive numbers, of x + shift; without a shift, for `check_tails`."""

    def twin(x: Array, _: Parameters) -> Array:
        precise, plain = function
        return elementwise_loops.each(x + shift, precise if x.dtype == object else plain)

    def shifted(x: Any, dx: Any) -> Any:
        """And 1 more, because x + shift is rounded."""
        return rounding(x + shift, dx) * 7 / 6

    def sizes(x: Array, _: Parameters) -> Array:
        return np.abs(twin(x, {})) + 1

    if not shift:
        return curve(layer, shape, twin, rounding)
    return curve(Shifted(layer, shift), shape, twin, shifted, sizes)


def logarithm(shape: Shape, shift: float = 256.0) -> Case:
    def rounding(x: Any, dx: Any) -> Any:
        """3 for log1p, or log; what the quotient is off by, 1/2, counts at most one and a half times."""
        return 6 * abs(mpmath.log1p(dx / x))

    return positive_curve(shape, Log(), (mpmath.log, math.log), rounding, shift)


def square_root(shape: Shape, shift: float = 256.0) -> Case:
    def rounding(x: Any, dx: Any) -> Any:
        """1/2 for x + dx, of which a root takes half, for each root, the sum and the quotient; all are positive."""
        return 3 * abs(dx) / (mpmath.sqrt(x + dx) + mpmath.sqrt(x))

    return positive_curve(shape, Sqrt(), (mpmath.sqrt, math.sqrt), rounding, shift)


def affine(shape: Shape, of_scale: Shape, of_shift: Shape) -> Case:
    rng = np.random.default_rng(8)
    layer = Affine(rng.standard_normal(of_scale), rng.standard_normal(of_shift))
    scale, shift = (np.broadcast_to(array, shape[1:]) for array in (layer.scale, layer.shift))
    return Case(
        layer,
        shape,
        lambda x, _: elementwise_loops.affine(x, scale, shift),
        3,
        lambda _, dx: 2 * np.abs(scale * dx),
        lambda x, _: np.abs(scale * x) + np.abs(shift) + 0 * x,
    )


# --- along an axis ------------------------------------------------------------------------------------------------------------


def log_probability_steps(x: Any, dx: Any) -> tuple[list[Any], list[Any]]:
    """The differences d of log p of one row, and what rounding does to them: equations (1) and (2) of layers/probabilities.py.

    p_k is right to `of_p`: what x - max, exp, K additions and a quotient are off by. In (1), sums of K numbers p_k E_k and p_k.
    In (2), d_r and dx_i - dx_r; where d_r is large, two logarithms, and x + dx, which is rounded once. Near a tie, the reference
    may be any.
    """
    K = len(x)
    after = [a + b for a, b in zip(x, dx, strict=True)]
    top, top_after = max(x), max(after)
    largest = max(map(abs, after))
    p = [EXP(each - top) for each in x]
    p = [each / sum(p) for each in p]
    of_p = [K + 6 + top - each for each in x]
    ties = [k for k in range(K) if top_after - after[k] <= 1e-5 * (1 + largest)]
    first = next(k for k in range(K) if x[k] == top)

    def by(r: int) -> tuple[Any, Any, list[Any]]:
        s = [each - dx[r] for each in dx]
        terms = [p_k * EXPM1(s_k) for p_k, s_k in zip(p, s, strict=True)]
        T = sum(terms)
        return T, LOG1P(T), s

    def error_of_reference(r: int) -> Any:
        T, d, s = by(r)
        error = sum(p_k * abs(EXPM1(s_k)) * (e + K + 8) for p_k, s_k, e in zip(p, s, of_p, strict=True)) / (1 + T)
        if T < -0.4:
            error = sum(p_k * EXP(s_k) * (e + K + 8) for p_k, s_k, e in zip(p, s, of_p, strict=True)) / (1 + T) + abs(d)
        if abs(d) > 2.9:
            error = 5 * (abs(LOG(p[r])) + abs(LOG(p[r]) - d)) + 2 * K + 2 * largest
        return error + 5 * abs(d)

    d, off = [], [mpmath.mpf(0)] * K
    for r in ties:
        T, log_S, s = by(r)
        d = [s_k - log_S for s_k in s]
        E = [EXPM1(s_k) for s_k in s]
        close = max(map(abs, s)) <= 1
        for i in range(K):
            others = [k for k in range(K) if k != i]
            if close:
                d[i] = -LOG1P(sum(p[k] * EXPM1(s[k] - s[i]) for k in others))
                error = sum(p[k] * (abs(E[k]) + abs(E[i])) * (of_p[k] + K + 8) for k in others) / (1 + T) + 5 * abs(d[i])
            else:
                near = first if abs(dx[i] - dx[first]) < abs(s[i]) else r
                error = error_of_reference(near) + 2 * abs(dx[i] - dx[near]) + abs(d[i])
            off[i] = max(off[i], error)
    return d, off


def softmax_rounding(x: Array, dx: Array, axis: int, *, log: bool) -> Array:
    """Rounding of delta, in eps; p is multiplied by expm1(d), or p' by -expm1(-d)."""
    rows, moves = (np.moveaxis(each, axis, -1) for each in (x, dx))
    bound = np.empty(rows.shape, object)
    for at in np.ndindex(rows.shape[:-1]):
        row, move = ([mpmath.mpf(each) for each in array[at]] for array in (rows, moves))
        d, off = log_probability_steps(row, move)
        after = [a + b for a, b in zip(row, move, strict=True)]
        for i in range(len(row)):
            p = EXP(row[i] - max(row)) / sum(EXP(each - max(row)) for each in row)
            p_after = p * EXP(d[i])
            e = len(row) + 12 + max(row) - row[i] + max(after) - after[i] + (max(map(abs, after)) if d[i] > 0 else 0)
            through_p = min(p, p_after) * abs(EXPM1(abs(d[i]))) * e + max(p, p_after) * off[i]
            bound[(*at, i)] = off[i] if log else through_p
    return np.moveaxis(bound, -1, axis)


def along_axis(shape: Shape, axis: int = -1, *, log: bool = False) -> Case:
    array_axis = axis % (len(shape) - 1) + 1
    layer = (LogSoftmax if log else Softmax)(axis)

    def twin(x: Array, _: Parameters) -> Array:
        precise = x.dtype == object
        exp, logarithm = (EXP, LOG) if precise else (math.exp, math.log)
        if log:
            return elementwise_loops.log_softmax(x, array_axis, exp=exp, log=logarithm)
        return elementwise_loops.softmax(x, array_axis, exp=exp)

    def sizes(x: Array, _: Parameters) -> Array:
        """Of p: relative to p, x - max and K additions; of log p: those, absolutely."""
        y, largest = twin(x, {}), np.abs(x).max(axis=array_axis, keepdims=True)
        size: Array = np.abs(y) + 1 + largest if log else y * (1 + largest)
        return size

    def rounding(x: Array, dx: Array) -> Array:
        return softmax_rounding(x, dx, array_axis, log=log)

    return Case(layer, shape, twin, shape[array_axis] + 8, rounding, sizes)


# --- layers of two stages -----------------------------------------------------------------------------------------------------


def dropout(shape: Shape, rate: float = 0.4, *, training: bool) -> Case:
    layer = Dropout(rate)
    if not training:
        return Case(layer, shape, lambda x, _: x)
    trained = layer.in_training(shape[0], shape[1:], np.random.default_rng(4))
    return Case(trained, shape, lambda x, _: more_loops.dropout(x, np.asarray(trained.mask), rate), 2)


def batch_norm(shape: Shape, *, training: bool) -> Case:
    rng = np.random.default_rng(5)
    C, values, epsilon = shape[-1], math.prod(shape[:-1]), 1e-3
    W, b, mean = rng.standard_normal((3, C))
    layer = BatchNorm2d(W, b, mean, rng.random(C) + 0.5, epsilon=epsilon, training=training)

    def kept(x: Array) -> tuple[Array, Array]:
        return more_loops.statistics(x) if training else (layer.mean, layer.variance)

    def twin(x: Array, p: Parameters) -> Array:
        sqrt = mpmath.sqrt if x.dtype == object else math.sqrt
        return more_loops.normalise(x, p["W"], p["b"], *kept(x), epsilon, sqrt=sqrt)

    def sizes(x: Array, p: Parameters) -> Array:
        """In inference, |W| r (|x| + |m|) + |b|, in three operations more than W and b have.

        In training, with A = |x| + mean |x|, which is no less than |x - m|: m is right to V eps mean |x|, so x - m to
        (V + 2) eps A, and v to (V + 3) eps v + 2 (V + 2) eps mean(|x - m| A). So r is right, relative to itself, to half of that
        over v + epsilon, which is at most (V + 3)/2 + (V + 2) r rms(A) eps, and 2 eps more. So y is right to 2 V + 8 eps times:
        """
        m, v = kept(x)
        r = (v + epsilon) ** -0.5
        if not training:
            size: Array = p["W"] * r * (np.abs(x) + np.abs(m)) + p["b"]
        else:
            A = about(x)
            size = p["W"] * r * A * (1 + r * mean_of(A * A) ** 0.5) + p["b"]
        return size

    def rounding(x: Array, dx: Array) -> Array:
        """By the same steps, with A = |x| + mean |x| and D = |dx| + mean |dx| in the place of what is less than they."""
        A, D = about(x), about(dx)
        m, c, dc = mean_of(x), x - mean_of(x), dx - mean_of(dx)
        v, v_moved = mean_of((x - m) ** 2), mean_of((c + dc) ** 2)
        off = 3 * values + 10  # eps; for each of v, v' and dv, relative to sums of positive numbers
        s, s_moved = (v + epsilon) ** 0.5, (v_moved + epsilon) ** 0.5
        of_s = off * mean_of(A * A) / (v + epsilon) / 2 + 2
        of_s_moved = off * mean_of((A + D) * (A + D)) / (v_moved + epsilon) / 2 + 2
        dv = np.abs(mean_of(dc * (2 * c + dc)))
        of_dv = off * mean_of(D * (2 * A + D))
        dr, of_dr = (each / (s * s_moved * (s + s_moved)) for each in (dv, of_dv + dv * (2 * of_s + 2 * of_s_moved + 6)))
        first = D * (values + 2 + of_s_moved + 5) / s_moved
        second = A * (values + 5) * dr + A * of_dr
        bound: Array = np.abs(W) * (first + second)
        return bound

    return Case(layer, shape, twin, 2 * values + 8 if training else 4, rounding if training else None, sizes)


def mean_of(x: Array) -> Array:
    """Over all images and pixels of a channel."""
    mean: Array = x.sum(axis=tuple(range(x.ndim - 1))) / math.prod(x.shape[:-1])
    return mean


def about(x: Array) -> Array:
    """A size that no distance from the mean exceeds."""
    size: Array = np.abs(x) + mean_of(np.abs(x))
    return size


def residual(shape: Shape, *, projected: bool = False) -> Case:
    """A block of two convolutions with a ReLU between them; around it the identity, or a convolution and an average pool."""
    rng = np.random.default_rng(6)
    C, O = shape[-1], 3 if projected else shape[-1]
    block: list[Layer] = [
        Conv2d(rng.standard_normal((3, 2, C, 2)), rng.standard_normal(2), padding=(1, 0)),
        ReLU(),
        Conv2d(rng.standard_normal((1, 2, 2, O)), rng.standard_normal(O), padding=(0, 0 if projected else 1)),
    ]
    projection: list[Layer] = [Conv2d(rng.standard_normal((1, 1, C, O)), rng.standard_normal(O)), AvgPool2d((1, 3), 1)]
    shortcut = projection if projected else []

    def twin(x: Array, p: Parameters) -> Array:
        def through(x: Array) -> Array:
            inner = loops.relu(loops.conv2d(x, p["block.0.W"], p["block.0.b"], padding=(1, 0)))
            return loops.conv2d(inner, p["block.2.W"], p["block.2.b"], padding=(0, 0 if projected else 1))

        def around(x: Array) -> Array:
            if not projected:
                return x
            return more_loops.avg_pool2d(loops.conv2d(x, p["shortcut.0.W"], p["shortcut.0.b"]), (1, 3), (1, 1))

        return join_loops.add(through(x), around(x))

    return Case(Subnetwork(Residual(block, shortcut)), shape, twin, 6)


# --- joins, of equal parts of the channels ------------------------------------------------------------------------------------


def add(shape: Shape, parts: int = 2) -> Case:
    return Case(Halves(Add(), parts), shape, lambda x, _: join_loops.add(*np.split(x, parts, axis=-1)), parts)


def concat(shape: Shape, parts: int = 2) -> Case:
    return Case(Halves(Concat(), parts), shape, lambda x, _: join_loops.concat(*np.split(x, parts, axis=-1)), parts)


def concat_along(axis: int, images: int, *shapes: Shape) -> Case:
    layer = Parts(Concat(axis), len(shapes), shapes=shapes)
    normal = axis % len(shapes[0])
    row = (images, sum(map(math.prod, shapes)))
    return Case(layer, row, lambda x, _: rearrangement_loops.concat(normal, *layer.split(x)))


def matmul(images: int, a: Shape, b: Shape) -> Case:
    """A sum of K products in each of the two terms of delta; a + da is rounded once."""
    layer, terms = Parts(MatMul(), 2, shapes=(a, b)), a[-1]

    def twin(x: Array, _: Parameters) -> Array:
        return rearrangement_loops.matmul(*layer.split(x))

    def rounding(x: Array, dx: Array) -> Array:
        (x_a, x_b), (dx_a, dx_b) = layer.split(np.abs(x)), layer.split(np.abs(dx))
        bound: Array = (terms + 4) * (rearrangement_loops.matmul(dx_a, x_b) + rearrangement_loops.matmul(x_a + dx_a, dx_b))
        return bound

    return Case(layer, (images, math.prod(a) + math.prod(b)), twin, 2 * terms, rounding, lambda x, _: twin(np.abs(x), {}))


def multiply(shape: Shape, parts: int = 2) -> Case:
    """A product bends its numbers: delta is a sum of `parts` terms, each of as many factors, x + dx among them."""

    def twin(x: Array, _: Parameters) -> Array:
        return join_loops.multiply(*np.split(x, parts, axis=-1))

    def rounding(x: Array, dx: Array) -> Array:
        sizes = np.split(np.abs(x), parts, axis=-1), np.split(np.abs(dx), parts, axis=-1)
        terms = [
            reduce(
                np.multiply,
                [x_j + dx_j if j < k else dx_j if j == k else x_j for j, (x_j, dx_j) in enumerate(zip(*sizes, strict=True))],
            )
            for k in range(parts)
        ]
        bound: Array = 2 * parts * reduce(np.add, terms)
        return bound

    return Case(Halves(Multiply(), parts), shape, twin, 2 * parts, rounding, lambda x, _: twin(np.abs(x), {}))


def subtract(shape: Shape) -> Case:
    layer = Halves(Subtract())

    def sizes(x: Array, _: Parameters) -> Array:
        return join_loops.add(*np.split(np.abs(x), 2, axis=-1))

    def rounding(_: Array, dx: Array) -> Array:
        return sizes(dx, {})

    return Case(layer, shape, lambda x, _: elementwise_loops.subtract(*np.split(x, 2, axis=-1)), 2, rounding, sizes)


def divide(shape: Shape, shift: float = 256.0) -> Case:
    """Of a / b, with b + shift for b. Delta is (da - y db) / (b + db): 1/2 for each of five operations, and for b + shift."""

    def parts(x: Array) -> tuple[Array, Array]:
        a, b = np.split(x, 2, axis=-1)
        return a, b + shift

    def rounding(x: Array, dx: Array) -> Array:
        (a, b), (da, db) = parts(x), np.split(dx, 2, axis=-1)
        bound: Array = 5 * (np.abs(da) + np.abs(a / b * db)) / np.abs(b + db)
        return bound

    def sizes(x: Array, _: Parameters) -> Array:
        a, b = parts(x)
        size: Array = np.abs(a / b)
        return size

    return Case(Halves(Divide(), shift=shift), shape, lambda x, _: elementwise_loops.divide(*parts(x)), 3, rounding, sizes)


CASES: dict[str, Case] = {
    "conv": conv((2, 5, 4, 2), (3, 2), 3),
    "conv, stride 2 x 1, padding 1 x 0": conv((2, 5, 4, 2), (2, 3), 3, (2, 1), (1, 0)),
    "conv, stride 1 x 3, padding 0 x 2": conv((2, 3, 5, 3), (2, 3), 2, (1, 3), (0, 2)),
    "conv, stride 3 x 2, rows left over": conv((3, 6, 4, 1), (2, 1), 2, (3, 2)),
    "conv, padding 2 x 1": conv((2, 3, 4, 1), (2, 3), 2, (1, 1), (2, 1)),
    "conv, 1 x 1 kernel": conv((2, 3, 4, 2), (1, 1), 3),
    "conv, kernel as large as the padded image": conv((2, 3, 4, 2), (5, 4), 3, (1, 1), (1, 0)),
    "conv, one channel, one filter, one image": conv((1, 4, 3, 1), (2, 2), 1),
    "conv, a window's row longer than a short block": conv((2, 2, 3, 9), (1, 2), 2),  # windows.SHORT: another way to copy
    "conv, dilation 2 x 3": conv_apart((2, 5, 7, 2), (3, 2), 3, dilation=(2, 3)),
    "conv, dilation 1 x 2, stride 2 x 1, padding 0 x 1": conv_apart((1, 4, 4, 2), (2, 3), 3, (2, 1), (0, 1), (1, 2)),
    "conv, two groups": conv_apart((2, 4, 3, 6), (2, 1), 4, groups=2),
    "conv, three groups, stride 2 x 1, padding 1 x 0": conv_apart((1, 5, 4, 3), (2, 3), 6, (2, 1), (1, 0), groups=3),
    "conv, a group for each channel": conv_apart((2, 4, 3, 3), (3, 2), 3, groups=3),
    "conv, groups of one filter and two channels, dilated": conv_apart((1, 5, 3, 6), (2, 2), 3, dilation=(3, 1), groups=3),
    "relu on images": relu((2, 3, 4, 2)),
    "relu on rows": relu((3, 6)),
    "pool": pool((2, 4, 6, 3), (2, 2), (2, 2)),
    "pool, not square": pool((2, 6, 4, 2), (3, 2), (3, 2)),
    "pool, overlapping": pool((2, 5, 4, 2), (3, 2), (1, 1)),
    "pool, stride larger than the window": pool((2, 7, 5, 2), (2, 1), (3, 2)),
    "pool, padded": pool((2, 5, 3, 2), (3, 2), (2, 1), (1, 0)),
    "pool, padded across only": pool((2, 3, 6, 2), (2, 4), (1, 2), (0, 2)),
    "pool, rows and columns left over": pool((1, 5, 7, 2), (2, 3), (2, 3)),
    "average": average((2, 4, 6, 3), (2, 2), (2, 2)),
    "average, overlapping, not square": average((2, 5, 4, 2), (3, 2), (1, 1)),
    "average, stride larger than the window": average((2, 7, 5, 2), (2, 1), (3, 2)),
    "average, padded": average((2, 5, 3, 2), (3, 2), (2, 1), (1, 0)),
    "average, padded across only": average((2, 3, 6, 2), (2, 4), (1, 2), (0, 2)),
    "average, rows and columns left over": average((1, 5, 7, 2), (2, 3), (2, 3)),
    "average of all": average_of_all((2, 3, 4, 3)),
    "average of one row of one channel": average_of_all((2, 1, 5, 1)),
    "conv, a padding of each side": conv_sided((2, 3, 4, 2), (3, 2), 3, (2, 1), ((2, 1), (0, 3))),
    "conv, a padding of each side, dilated, two groups": conv_sided((2, 4, 5, 4), (2, 3), 4, (1, 2), ((0, 1), (2, 0)), (3, 2), 2),
    "pool, a padding of each side": pool_sided((2, 5, 4, 2), (3, 2), (2, 1), ((2, 1), (0, 1))),
    "pool, dilated": pool_sided((2, 6, 7, 2), (3, 2), (2, 1), ((1, 0), (0, 2)), (2, 3)),
    "pool, dilated, no pixel in two windows": pool_sided((2, 6, 9, 2), (1, 3), (2, 5), dilation=(2, 2)),
    "pool, dilated, pixels between windows in others": pool_sided((2, 5, 6, 2), (1, 2), (1, 2), dilation=(1, 2)),
    "pool, part of a window at the end": pool_sided((2, 5, 6, 2), (2, 3), (2, 2), ceil=True),
    "pool, part of a window behind the padding": pool_sided((1, 4, 6, 2), (3, 2), (2, 3), ((1, 0), (1, 1)), (1, 2), ceil=True),
    "pool, no window that begins behind the image": pool_sided((2, 4, 3, 2), (1, 2), (2, 3), ((0, 0), (1, 1)), ceil=True),
    "average, a padding of each side": average_sided((2, 5, 4, 2), (3, 2), (2, 1), ((2, 1), (0, 1))),
    "average, padding not counted": average_sided((2, 5, 4, 2), (3, 2), (2, 1), ((2, 1), (1, 0)), count=False),
    "average, dilated, padding not counted": average_sided((1, 6, 5, 2), (2, 3), (1, 2), ((1, 2), (1, 0)), (3, 2), count=False),
    "average, part of a window at the end": average_sided((2, 5, 6, 2), (2, 3), (2, 2), ceil=True),
    "average, part of a window behind the padding": average_sided((1, 4, 6, 2), (3, 2), (2, 3), ((1, 0), (1, 1)), ceil=True),
    "average, pixels of part of a window": average_sided((1, 6, 5, 2), (3, 2), (2, 3), ((1, 0), (1, 0)), ceil=True, count=False),
    "average, window larger than the image": average_sided((1, 3, 4, 2), (4, 5), (2, 2), ceil=True),
    "largest of all": largest_of_all((2, 3, 4, 3)),
    "largest of one row of one channel": largest_of_all((2, 1, 5, 1)),
    "leaky relu on images": leaky((2, 3, 4, 2)),
    "leaky relu on rows, slope 1/4": leaky((3, 6), 0.25),
    "leaky relu, slope 0": leaky((3, 6), 0),
    "leaky relu, steeper below": leaky((3, 6), 3),
    "sigmoid on images": sigmoid((2, 3, 4, 2)),
    "sigmoid on rows": sigmoid((3, 6)),
    "tanh on images": tanh((2, 3, 4, 2)),
    "tanh on rows": tanh((3, 6)),
    "gelu on images": gelu((2, 3, 4, 2)),
    "gelu on rows": gelu((3, 6)),
    "gelu of erf on images": gelu_of_erf((2, 3, 4, 2)),
    "gelu of erf on rows": gelu_of_erf((3, 6)),
    "elu on images": elu((2, 3, 4, 2)),
    "elu on rows, alpha 1/4": elu((3, 6), 0.25),
    "elu, alpha 0": elu((3, 6), 0),
    "elu, alpha 3": elu((3, 6), 3),
    "clip on images": clip((2, 3, 4, 2), -0.5, 1.25),
    "clip on rows, below": clip((3, 6), 0, None),
    "clip on rows, above": clip((3, 6), None, 0.5),
    "clip, no bounds": clip((3, 6), None, None),
    "clip, bounds in reverse": clip((3, 6), 1, -0.5),
    "hard sigmoid on images": hard_sigmoid((2, 3, 4, 2)),
    "hard sigmoid on rows, slope 3/8": hard_sigmoid((3, 6), 0.375, 0.625),
    "hard sigmoid on rows, slope 3": hard_sigmoid((3, 6), 3, -0.5),
    "exp on images": exponential((2, 3, 4, 2)),
    "exp on rows": exponential((3, 6)),
    "log on images": logarithm((2, 3, 4, 2)),
    "log on rows": logarithm((3, 6)),
    "square root on images": square_root((2, 3, 4, 2)),
    "square root on rows": square_root((3, 6)),
    "affine on images, by channel": affine((2, 3, 4, 2), (2,), (2,)),
    "affine on images, one number and all numbers": affine((2, 3, 4, 2), (), (3, 4, 2)),
    "affine on images, by row and by column": affine((2, 3, 4, 2), (3, 1, 1), (1, 4, 1)),
    "affine on rows": affine((3, 6), (6,), (1,)),
    "softmax on images": along_axis((2, 3, 4, 3)),
    "softmax on images, over rows": along_axis((2, 3, 4, 2), 0),
    "softmax on images, over columns": along_axis((2, 2, 4, 2), -2),
    "softmax on rows": along_axis((3, 6)),
    "softmax of one number": along_axis((3, 2, 2, 1)),
    "log softmax on images": along_axis((2, 3, 4, 3), log=True),
    "log softmax on images, over rows": along_axis((2, 3, 4, 2), 0, log=True),
    "log softmax on rows": along_axis((3, 6), 0, log=True),
    "flatten on images": flatten((2, 3, 4, 2)),
    "flatten on rows": flatten_rows((3, 6)),
    "linear": linear(3, 6, 4),
    "linear, one output": linear(2, 5, 1),
    "linear, one input": linear(2, 1, 3),
    "linear on rows of images": linear_rows((2, 3, 5), 4),
    "linear on the channels of images": linear_rows((2, 3, 4, 2), 3),
    "reshape images to rows": reshape((2, 3, 4, 2), (-1,), (24,)),
    "reshape images to matrices": reshape((2, 3, 4, 2), (6, -1), (6, 4)),
    "reshape rows to images": reshape((3, 12), (2, 3, 2)),
    "reshape rows to four axes": reshape((2, 12), (2, 1, 3, 2)),
    "transpose to channels first": transpose((2, 3, 4, 2), (2, 0, 1)),
    "transpose matrices": transpose((3, 2, 5), (1, 0)),
    "transpose four axes": transpose((2, 2, 3, 1, 2), (3, 1, 0, 2)),
    "transpose rows": transpose((2, 5), (0,)),
    "pad with zeros": pad((2, 3, 2, 2), ((1, 2), (0, 1), (0, 0))),
    "pad with a negative constant": pad((2, 3, 2), ((0, 1), (2, 1)), value=-1.5),
    "pad rows": pad((3, 4), ((2, 1),), value=0.5),
    "pad with the edge": pad((2, 3, 2, 2), ((1, 2), (2, 0), (1, 1)), "edge"),
    "pad with the mirror image": pad((2, 3, 4, 2), ((2, 1), (0, 3), (1, 0)), "reflect"),
    "pad with the other end": pad((2, 2, 3), ((3, 1), (1, 2)), "wrap"),
    "slice": slice_((2, 5, 4, 3), Slice((1, 0, 0), (4, -1, None)), (1, 0, 0), (3, 3, 3), (1, 1, 1)),
    "slice, steps and channels": slice_(
        (2, 5, 4, 3), Slice((0, -1, 1), (9, None, 2), (2, -2, 1)), (0, 3, 1), (3, 2, 1), (2, -2, 1)
    ),
    "slice of rows, backwards": slice_((3, 7), Slice((-2,), (None,), (-3,)), (5,), (2,), (-3,)),
    "take channels, one twice": take((2, 3, 2, 3), 2, [2, 0, 2, 1]),
    "take rows": take((2, 4, 3), 0, [3, 1]),
    "take of rows of numbers": take((3, 6), 0, [1, 3, 5]),
    "take one channel": take_one((2, 3, 4, 3), 2, 1),
    "take one row": take_one((2, 4, 3), 0, 2),
    "take nested": take_nested((2, 4, 3), 1, [[0, 2], [1, 1], [2, 0]]),
    "expand rows of an image": expand((2, 1, 3, 2), (4, 1, 1), (4, 3, 2)),
    "expand channels": expand((2, 2, 3, 1), (3, 4), (2, 3, 4)),
    "expand rows to matrices": expand((3, 4), (2, 4), (2, 4)),
    "sum over rows and columns": sum_of((2, 3, 4, 2), (0, 1)),
    "sum over channels": sum_of((2, 3, 4, 2), (-1,)),
    "sum over columns, kept": sum_of((2, 3, 4, 2), (1,), keepdims=True),
    "sum over all, kept": sum_of((3, 5), (0,), keepdims=True),
    "mean over rows and columns": mean_over((2, 3, 4, 2), (0, 1)),
    "mean over rows and channels, kept": mean_over((2, 3, 4, 2), (-1, 0), keepdims=True),
    "mean over the first of four axes": mean_over((2, 2, 3, 1, 2), (0,)),
    "dropout": dropout((3, 2, 4, 2), training=False),
    "dropout in training, on images": dropout((3, 2, 4, 2), training=True),
    "dropout in training, on rows": dropout((3, 6), 0.75, training=True),
    "dropout of nothing, in training": dropout((2, 6), 0, training=True),
    "batch norm on images": batch_norm((2, 3, 4, 2), training=False),
    "batch norm on rows": batch_norm((3, 4), training=False),
    "batch norm in training, on images": batch_norm((3, 3, 2, 2), training=True),
    "batch norm in training, on one image": batch_norm((1, 2, 5, 3), training=True),
    "batch norm in training, on rows": batch_norm((7, 4), training=True),
    "residual": residual((2, 3, 4, 2)),
    "residual, one channel": residual((2, 2, 3, 1)),
    "residual with a shortcut": residual((2, 3, 5, 2), projected=True),
    "add on images": add((2, 3, 4, 4)),
    "add three rows": add((3, 6), 3),
    "concat on images": concat((2, 3, 4, 4)),
    "concat three rows": concat((3, 6), 3),
    "concat along rows": concat_along(0, 2, (2, 3, 2), (1, 3, 2), (3, 3, 2)),
    "concat along columns of matrices": concat_along(-1, 3, (2, 3), (2, 1)),
    "concat along the second of four axes": concat_along(1, 2, (2, 1, 3, 2), (2, 2, 3, 2)),
    "matmul": matmul(2, (3, 4), (4, 2)),
    "matmul of many matrices": matmul(2, (2, 2, 3), (2, 3, 4)),
    "matmul, broadcast": matmul(2, (2, 1, 1, 3), (3, 3, 2)),
    "matmul, one matrix for all": matmul(3, (2, 3), (2, 3, 2)),
    "multiply on images": multiply((2, 3, 4, 4)),
    "multiply three rows": multiply((3, 6), 3),
    "subtract on images": subtract((2, 3, 4, 4)),
    "subtract rows": subtract((3, 6)),
    "divide on images": divide((2, 3, 4, 4)),
    "divide rows": divide((3, 6)),
}

CURVES: dict[str, Case] = {  # functions of one number, for `check_tails`
    name: CASES[name]
    for name in (
        *("leaky relu, steeper below", "sigmoid on rows", "tanh on rows", "gelu on rows", "gelu of erf on rows", "exp on rows"),
        *("elu on images", "elu on rows, alpha 1/4", "clip on images", "clip on rows, below", "hard sigmoid on rows, slope 3/8"),
    )
} | {"log": replace(logarithm((3, 6), 0), positive=True), "square root": replace(square_root((3, 6), 0), positive=True)}


def generic(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers away from every kink and tie."""
    return rng.standard_normal(shape)


def kinked(rng: np.random.Generator, shape: Shape) -> Array:
    """Few different numbers, zero among them, so that most windows hold ties and many numbers lie on the kink."""
    return rng.integers(-2, 3, shape) / 2


INPUTS: dict[str, Draw] = {"generic": generic, "on kinks and ties": kinked}
