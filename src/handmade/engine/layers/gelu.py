"""GELU: y = x g(x), with a gate g(x) that rises from 0 to 1, in two forms.

    "none"    g = F, the distribution function of the normal distribution (layers/normal.py)
    "tanh"    g = (1 + tanh(u)) / 2,   u = sqrt(2/pi) (x + c x^3),   c = 0.044715,   an approximation of F

    forward   y  = x g(x)
    delta     dy = dx g(x + dx) + x (g(x + dx) - g(x))        (1)
    backward  gx = (g(x) + x g'(x)) gy

With v = 2u, the second gate is sigma(v), the sigmoid, which keeps its digits if tanh(u) is nearly -1. Its difference is that of
layers/sigmoid.py, for v' = v(x + dx), with

              v' - v = 2 sqrt(2/pi) dx (1 + c (3 (2x + dx)^2 + dx^2) / 4)

which is dx times a sum of positive numbers. So for x > 0 nothing cancels. For x < 0 the two terms of (1) have opposite signs,
because y falls and rises again. Near its minimum, x = -0.75, they nearly cancel.

Hendrycks & Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from handmade.engine.arguments import check_choice
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.normal import PEAK, density, normal, normal_step
from handmade.engine.layers.sigmoid import sigma, sigma_receipt, sigma_step
from handmade.engine.terms import Term, made, stored

K = 2 * math.sqrt(2 / math.pi)
c = 0.044715


class TanhGate:
    """Gate sigma(v) with v = 2 sqrt(2/pi) (x + c x^3)."""

    label = "sigma(v)"

    @staticmethod
    def value(x: Array) -> Array:
        """Return g(x)."""
        return sigma(_v(x))

    @staticmethod
    def step(x: Array, after: Array, dx: Array) -> Array:
        """Return g(after) - g(x) for after = x + dx."""
        dv = K * dx * (1 + c * (3 * (2 * x + dx) ** 2 + dx**2) / 4)
        return sigma_step(_v(x), _v(after), dv)

    @staticmethod
    def slope(x: Array) -> Array:
        """Return g'(x)."""
        v = _v(x)
        slope: Array = sigma(v) * sigma(-v) * (K * (1 + 3 * c * x**2))
        return slope

    @staticmethod
    def receipt(x: Term) -> Term:
        """Return g(x)."""
        return sigma_receipt(_v_receipt(x))

    @staticmethod
    def slope_receipt(x: Term) -> Term:
        """Return g'(x)."""
        v = _v_receipt(x)
        slope = (Term(K, label="2 sqrt(2/pi)") * (1 + Term(3 * c, label="3 c") * x**2)).named("dv/dx")
        return (sigma_receipt(v) * sigma_receipt(-v) * slope).named("sigma(v) sigma(-v) dv/dx")


class NormalGate:
    """Gate F(x), the distribution function of the normal distribution."""

    label = "F(x)"
    value = staticmethod(normal)
    step = staticmethod(normal_step)
    slope = staticmethod(density)

    @staticmethod
    def receipt(x: Term) -> Term:
        """Return F(x)."""
        erfc = made("erfc", (-x / Term(math.sqrt(2), label="sqrt(2)")).named("-x / sqrt(2)"))
        return (erfc / 2).named("F(x) = erfc(-x / sqrt(2)) / 2")

    @staticmethod
    def slope_receipt(x: Term) -> Term:
        """Return the density f(x)."""
        return (Term(PEAK, label="1 / sqrt(2 pi)") * made("exp", -(x**2) / 2)).named("f(x) = exp(-x^2 / 2) / sqrt(2 pi)")


GATES: dict[str, Any] = {"tanh": TanhGate, "none": NormalGate}


@dataclass(frozen=True, eq=False)
class GELU(Layer):
    """Gaussian error linear unit: x times the probability that a normal number is below x; inputs of any shape.

    Parameters
    ----------
    approximate : str
        "tanh" for the approximation of this probability by a tanh, "none" for the probability itself, by erf. The names are those
        of PyTorch and ONNX, whose default is "none".

    Raises
    ------
    HandmadeError
        If it is neither of them.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("approximate",)

    approximate: str = "tanh"

    def __post_init__(self) -> None:
        check_choice(self.approximate, "approximate", GATES)

    def settings(self) -> dict[str, Any]:
        """Return the settings; those of "tanh" are empty, as before there were two forms."""
        return {} if self.approximate == "tanh" else super().settings()

    def forward(self, x: Array) -> Array:
        y: Array = x * self._gate.value(x)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        after = x + dx
        dy: Array = dx * self._gate.value(after) + x * self._gate.step(x, after, dx)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return (self._gate.value(x) + x * self._gate.slope(x)) * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        gate: Term = self._gate.receipt(before)
        return (before * gate).named(f"x {self._gate.label}")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        before = stored(x[at], "input", *at)
        yield at, (self._gate.receipt(before) + before * self._gate.slope_receipt(before)).named("g(x) + x g'(x)")

    @property
    def _gate(self) -> Any:
        return GATES[self.approximate]


def _v(x: Array) -> Array:
    return K * x * (1 + c * x**2)


def _v_receipt(x: Term) -> Term:
    return (Term(K, label="2 sqrt(2/pi)") * x * (1 + Term(c, label="c") * x**2)).named("v = 2 sqrt(2/pi) x (1 + c x^2)")
