"""One kind of correct layer: its equations, its weights, and an input; and the random choices that make one.

The equations are written for any precision, so that they can be checked in long double: `forward(p, x) -> (y, cache)` and
`backward(p, cache, gy) -> (gx, gradients by name)`, where p holds weights and settings as attributes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias, TypeVar

import numpy as np

from handmade.engine.arrays import Array

P: TypeAlias = SimpleNamespace
Cache: TypeAlias = Any
Forward: TypeAlias = Callable[[P, Array], tuple[Array, Cache]]
Backward: TypeAlias = Callable[[P, Cache, Array], tuple[Array | None, dict[str, Any]]]
T = TypeVar("T")

MODES = {
    "generic": 0.36,
    "rounded": 0.15,
    "zeros": 0.08,
    "blank": 0.05,
    "equal images": 0.07,
    "constant rows": 0.05,
    "tiny": 0.08,
    "huge": 0.08,
    "shifted": 0.04,
    "pixels": 0.04,
}


@dataclass
class Kind:
    """One layer as equations, with the input it is tried on."""

    name: str
    x: Array
    forward: Forward
    backward: Backward
    weights: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # held as attributes in some handwritings
    state: dict[str, Array] = field(default_factory=dict)  # running statistics: forward gives p new ones
    kinked: bool = False
    untested: str = ""  # the reason for which the verdict may be "not tested"
    low: bool = True  # works in any precision
    ours: Any = None  # the layer itself, if it is one of handmade
    fixed_batch: bool = False
    random: bool = False  # forward draws anew each time
    truly_zero: tuple[str, ...] = ()  # names of gradients that are zero but for rounding

    def p(self, dtype: Any = None) -> P:
        """Return weights, settings and statistics; floats in a precision, if one is given."""

        def cast(a: Any) -> Any:
            return a.astype(dtype) if dtype and isinstance(a, np.ndarray) and a.dtype.kind == "f" else a

        return SimpleNamespace(**{name: cast(value) for name, value in (self.settings | self.weights | self.state).items()})


class Draw:
    """The random choices of one layer."""

    def __init__(self, rng: np.random.Generator, mode: str | None = None) -> None:
        self.rng = rng
        self.mode = mode or str(rng.choice(list(MODES), p=list(MODES.values())))
        self.weights_are = str(rng.choice(["generic", "rounded", "zero", "small"], p=[0.8, 0.1, 0.06, 0.04]))

    def one(self, *choices: T) -> T:
        """Return one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p: float) -> bool:
        """Return True with probability p."""
        return bool(self.rng.random() < p)

    def x(self, *shape: int) -> Array:
        """Return an input of the mode."""
        rng, x = self.rng, self.rng.standard_normal(shape)
        ways: dict[str, Callable[[], Any]] = {
            "generic": lambda: x,
            "rounded": lambda: np.round(2 * x) / 2,
            "zeros": lambda: np.zeros(shape),
            "blank": lambda: np.where(rng.random(shape) < 0.2, np.abs(np.round(4 * x) / 4), 0.0),
            "equal images": lambda: np.broadcast_to(x[:1], shape).copy(),
            "constant rows": lambda: np.broadcast_to(x[..., :1], shape).copy(),
            "tiny": lambda: x * 10.0 ** rng.uniform(-8, -1),
            "huge": lambda: x * 10.0 ** rng.uniform(1, 8),
            "shifted": lambda: x + 10.0 ** rng.uniform(0, 4),
            "pixels": lambda: rng.integers(0, 256, shape) / self.one(255, 1),
        }
        return np.asarray(ways[self.mode]())

    def w(self, *shape: int) -> Array:
        """Return weights."""
        w = self.rng.standard_normal(shape)
        return {"generic": w, "rounded": np.round(2 * w) / 2, "zero": 0 * w, "small": 1e-5 * w}[self.weights_are]

    def rows(self) -> tuple[int, int]:
        """Return the shape of a small batch of rows."""
        return self.whole(2, 5), self.whole(2, 6)

    def images(self) -> tuple[int, int, int, int]:
        """Return the shape of a small batch of images (N, H, W, C)."""
        return self.whole(2, 3), self.whole(3, 6), self.whole(3, 6), self.whole(1, 3)

    def shape(self) -> tuple[int, ...]:
        """Return the shape of rows, sequences or images."""
        return self.one(self.rows(), (*self.rows(), self.whole(2, 3)), self.images())


Builder: TypeAlias = Callable[[Draw], Kind]


def entries_of(names: Sequence[str], gradients: Sequence[Any]) -> dict[str, Any]:
    """Return gradients by name."""
    return dict(zip(names, gradients, strict=True))


def to_shape(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its array was repeated."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    axes = tuple(axis for axis, n in enumerate(shape) if n == 1 and g.shape[axis] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g
