"""Normal distribution, to the last digits: its density, its distribution function, and exact differences of that.

    density   f(x) = exp(-x^2 / 2) / sqrt(2 pi)
    normal    F(x) = erfc(-x / sqrt(2)) / 2
    step      F(b) - F(a) = s f(m) sum over k of He_2k(m) (s/2)^2k / (2k + 1)!,   s = b - a,   m = a + s/2        (1)

erf and exp(y^2) erfc(y) are Cody's rational approximations, a quotient of two polynomials in each of three intervals of y. In
exp(-x^2/2), x is split into h + l with an h of few digits, so that h^2 is exact: exp(-h^2/2) exp(-l (x + h) / 2).

(1) is the integral of f around m: its power series in s, with the Hermite polynomials He. It is used for |s| max(1, |m|) <= 1,
where twelve terms reach 1e-17. For a longer step, F(b) and F(a) differ so much that subtracting them costs at most a factor of 3;
they are taken from the tail on the side of m, which is small and keeps its digits.

Cody (1969), "Rational Chebyshev Approximations for the Error Function", Mathematics of Computation 23.
"""

import math
from collections.abc import Callable

import numpy as np

from handmade.engine.arrays import Array

ERF = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # erf(y) / y, of y^2, up to NEAR
MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2),
        *(8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)  # exp(y^2) erfc(y), of y, up to FAR
TAIL = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)  # (1 / sqrt(pi) - y exp(y^2) erfc(y)) y^2, of 1 / y^2
NEAR, FAR = 0.46875, 4.0
LARGEST = {4: 16.0, 8: 64.0}  # x, by bytes of a number: beyond it the density is 0
DIGITS = {4: 2.0**8, 8: 2.0**20}  # h is a multiple of 1 / this
HALF = math.sqrt(0.5)
PEAK = 1 / math.sqrt(2 * math.pi)  # f(0)
TERMS = 12  # of (1)
BLOCK = 8192  # numbers at once: their intermediate results stay in the cache


def density(x: Array) -> Array:
    """Return f(x)."""
    return PEAK * _bell(x)


def normal(x: Array) -> Array:
    """Return F(x), the probability of a number below x."""
    return _in_blocks(_normal, x)


def normal_step(a: Array, b: Array, step: Array) -> Array:
    """Return F(b) - F(a) for a step b - a that is known more accurately than by subtraction."""
    return _in_blocks(_normal_step, *np.broadcast_arrays(a, b, step))


def _in_blocks(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return a function of arrays of one shape, element by element."""
    if arrays[0].size <= BLOCK:
        return function(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    y = np.empty(arrays[0].size, np.result_type(*arrays))
    for first in range(0, y.size, BLOCK):
        y[first : first + BLOCK] = function(*(array[first : first + BLOCK] for array in flat))
    return y.reshape(arrays[0].shape)


def _normal(x: Array) -> Array:
    y = np.abs(x) * HALF
    scaled = _quotient(MIDDLE, np.clip(y, NEAR, FAR))  # exp(y^2) erfc(y)
    if not (y <= FAR).all():
        scaled = np.where(y <= FAR, scaled, _far(np.maximum(y, FAR)))
    tail = 0.5 * _bell(x) * scaled
    z = np.minimum(y, NEAR)
    center = 0.5 + 0.5 * (x * HALF * _quotient(ERF, z * z))
    F: Array = np.where(y <= NEAR, center, np.where(x < 0, tail, 1 - tail))
    return F


def _normal_step(a: Array, b: Array, step: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # an infinite step
        half = step / 2
        m = a + half
        right = m > 0
        apart = normal(np.where(right, -a, b)) - normal(np.where(right, -b, a))
        close = np.abs(step) * np.maximum(np.abs(m), 1) <= 1
        u, v = np.where(close, m * half, 0), np.where(close, half * half, 0)
        before, now = np.ones_like(u), u  # He_n(m) (s/2)^n / n! for n = 0 and 1
        total = np.ones_like(u)
        for n in range(1, 2 * TERMS - 2, 2):
            before, now = now, (u * now - v * before) / (n + 1)
            total += now / (n + 2)
            before, now = now, (u * now - v * before) / (n + 2)
        dF: Array = np.where(close, step * density(m) * total, apart)
    return dF


def _quotient(of: tuple[tuple[float, ...], tuple[float, ...]], y: Array) -> Array:
    """Return the quotient of two polynomials, whose coefficients begin with the highest power."""
    upper, lower = of
    numerator, denominator = upper[0] * y, lower[0] * y
    for p, q in zip(upper[1:-1], lower[1:-1], strict=True):
        numerator, denominator = (numerator + p) * y, (denominator + q) * y
    return (numerator + upper[-1]) / (denominator + lower[-1])


def _far(y: Array) -> Array:
    """Return exp(y^2) erfc(y) for y of at least FAR."""
    with np.errstate(under="ignore"):
        z = (1 / y) ** 2  # y * y could overflow
        return (1 / math.sqrt(math.pi) - z * _quotient(TAIL, z)) / y


def _bell(x: Array) -> Array:
    """Return exp(-x^2 / 2)."""
    size = min(x.dtype.itemsize, 8)
    t = np.minimum(np.abs(x), LARGEST[size])
    h = np.rint(t * DIGITS[size]) / DIGITS[size]
    with np.errstate(under="ignore"):
        bell: Array = np.exp(-0.5 * h * h) * np.exp(-0.5 * (t - h) * (t + h))
    return bell
