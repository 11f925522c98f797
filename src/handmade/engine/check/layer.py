"""The laws, run on anybody's layer: manners, the difference, the transpose.

    delta(x, dx) = forward(x + dx) - forward(x),   <gy, slope of forward along d> = <g, d>  for x and every weight array

The upstream gradients gy are random, for a uniform one hides what is transposed, flipped or averaged. A correct layer on a kink
is not accused: there, each output's slope may lie anywhere between its two one-sided ones.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.comparison import Comparison, between, compare, rounding
from handmade.engine.check.diagnosis import diagnose, diagnose_shape
from handmade.engine.check.manners import FORGIVABLE, Subject, backward_manners, equal, forward_manners, worst
from handmade.engine.check.report import Finding, LayerReport
from handmade.engine.check.stranger import Stranger
from handmade.engine.errors import HandmadeError

SAMPLE = 200  # numbers of an array that are nudged one by one; the rest is seen by directions that move all of them
LOCALISED = 2000  # the same, once an array is known to be wrong
SLOPES = 2**22  # numbers that the slopes of one array may take
OFF_THE_KINK = 1e-2  # relative to x
FINER = 1 / 32  # a layer that bends sharply is given a second chance with such steps; a bug has it too, and fails


def check_layer(layer: Any, x: Array, *, rng: "np.random.Generator | None" = None) -> LayerReport:
    """Check a layer of your own, and say in words what is wrong.

    Everything is done to copies, in float64. A few small images are enough, and quick: three of them, higher than wide.

    Parameters
    ----------
    layer : object
        It has ``forward(x)``, and ``backward(x, gy)`` that returns gx, or gx and a dict ``{"W": gW}``. Or, in the usual stateful
        way, ``backward(gy)`` after a forward; then the gradients may also be left in an attribute: a dict ``grads`` or
        ``gradients``, or ``dW`` (``gW``, ``grad_W``) beside ``W``. If there is a ``zero_grad()``, it is called before.
        Weights are what ``parameters()`` returns by name, or else the arrays that the gradients are named after:
        attributes, or entries of a dict that is an attribute. ``delta(x, dx)`` is used if there is one; without it, slopes are
        subtractions, right to some six digits.
    x : Array, (N, ...)
        Inputs, images first. It may lie on kinks and ties; it is also tried a little off them, and with more ties.
    rng : numpy.random.Generator, optional
        Where directions and upstream gradients come from; seeded with 0 if left out.

    Returns
    -------
    LayerReport
        ``.ok``, ``.findings``, and a text.

    Raises
    ------
    HandmadeError
        If the layer has no forward or backward, its weights cannot be found, or x is not made of finite numbers.
    """
    x = np.array(x, np.float64)
    if x.ndim < 2 or x.size == 0 or not np.all(np.isfinite(x)):
        raise HandmadeError(f"check_layer wants finite inputs (N, ...), one image or more; got the shape {x.shape}")
    checks = _Checks(Stranger(layer, x), x, rng or np.random.default_rng(0))
    checks.run()
    return LayerReport(checks.stranger.name, tuple(checks.findings), tuple(checks.notes), checks.compared, checks.kinks)


class _Checks:
    def __init__(self, stranger: Stranger, x: Array, rng: "np.random.Generator") -> None:
        self.stranger, self.x, self.rng = stranger, x, rng
        self.size = float(np.sqrt(np.mean(x**2))) or 1.0
        self.off_kinks = x + OFF_THE_KINK * self.size * rng.standard_normal(x.shape)
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.compared = self.kinks = 0

    def run(self) -> None:
        """Forward before backward, and manners before numbers; what depends on something broken is not asked."""
        x, stranger = self.off_kinks, self.stranger
        other = np.flip(x, 0) + OFF_THE_KINK * self.size
        y = stranger.fresh().forward(x.copy())
        subject = Subject(stranger, x, other, self.rng.standard_normal(y.shape))
        if not self._forgiven(forward_manners(subject)):
            return
        moved = np.concatenate([other[:1], x[1:]])
        if not np.array_equal(stranger.fresh().forward(moved)[1:], y[1:]):
            self.notes.append("images of a batch influence each other; batch normalisation does that by design.")
        if stranger.unseen:
            self.notes.append(f"no gradients were found for {', '.join(stranger.unseen)}: if these are weights, name them.")
        self.difference()
        if self._forgiven(backward_manners(subject)):
            self.transpose()
            self.linear()

    def _forgiven(self, findings: Iterator[Finding]) -> bool:
        """Keep the findings; say whether slopes can be taken all the same."""
        new = list(findings)
        self.findings += new
        return all(finding.name in FORGIVABLE for finding in new)

    def found(self, law: str, array: str, what: str, name: str = "", guess: str = "", **place: Any) -> None:
        self.findings.append(Finding(law, array, what, name, guess, **place))

    # --- the difference ---

    def difference(self) -> None:
        """Delta against the subtraction; a delta that fails is not used for slopes."""
        if not self.stranger.exact:
            self.notes.append("there is no delta: slopes are subtractions, right to some six digits.")
            return
        layer = self.stranger.fresh()
        for x in (self.off_kinks, self.x):
            y = layer.forward(x.copy())
            for size in (1.0, 1e-3):
                dx = size * self.size * self.rng.standard_normal(x.shape)
                after = layer.forward(x + dx)
                got, wanted = np.array(layer.layer.delta(x.copy(), dx.copy())), after - y
                if equal(got, wanted, scale=float(np.abs(y).max() + np.abs(after).max())):
                    continue
                what = "delta(x, dx) is not forward(x + dx) - forward(x)"
                name, guess = "", ""
                if got.shape == y.shape and equal(got - wanted, layer.layer.delta(x.copy(), 0 * dx)):
                    name, guess = "constant in delta", "a constant is added, for dx = 0 too: the bias cancels in a difference"
                elif got.shape != y.shape:
                    name, what = "shape", f"delta has the shape {got.shape}, and forward {y.shape}"
                self.found("difference", "delta", what, name, guess, **worst(got, wanted))
                self.stranger.exact = False
                return
        direction = self.rng.standard_normal(self.x.shape)
        y = layer.forward(self.off_kinks.copy())
        right = self.stranger.slopes(self.off_kinks, "x", direction, y)[0]
        self.stranger.exact = False
        wanted = self.stranger.slopes(self.off_kinks, "x", direction, y)[0]
        if np.any(wanted) and not np.any(right):
            self.notes.append("delta loses a step of 1e-30, as a subtraction does; slopes are right to some six digits.")
        else:
            self.stranger.exact = True

    # --- the transpose ---

    def transpose(self) -> None:
        """Off the kinks every number is compared; then on those of x; then where all is ties."""
        levels = np.unique([*np.quantile(self.x, [0.25, 0.5, 0.75]), *([0.0] if self.x.min() <= 0 <= self.x.max() else [])])
        tied = self.rng.choice(levels, self.x.shape)
        wrong = {finding.array for finding in self.findings if finding.law == "transpose"}
        every = ["x", *self.stranger.weights]
        for x, names in ((self.off_kinks, every), (self.x, every), (tied, ["x"])):
            stranger = self.stranger.fresh()
            y = stranger.forward(x.copy())
            for name in names:
                if name not in wrong and not self._agrees(stranger, x, y, name):
                    wrong.add(name)

    def _agrees(self, stranger: Stranger, x: Array, y: Array, name: str) -> bool:
        gy = self.rng.standard_normal(y.shape)
        got = self._gradient(x, gy, name)
        shape = stranger.array(x, name).shape
        compared = self._compared(stranger, x, gy, name, got, SAMPLE)
        if got.shape != shape:
            what = f"the gradient of {name} has the shape {got.shape}, and {name} itself {shape}"
            self.found("transpose", name, what, *diagnose_shape(compared))
            return False
        self.compared += len(compared.known)
        self.kinks += compared.kinks
        if np.any(compared.off) and not self._passes_finer(stranger, x, gy, name, compared):
            closer = self._compared(stranger, x, gy, name, got, LOCALISED) if len(compared.known) < got.size else compared
            self._explain(closer if np.any(closer.off) else compared)
            return False
        return all(self._agrees_along(stranger, x, y, name, compared, n) for n in range(3))

    def _passes_finer(self, stranger: Stranger, x: Array, gy: Array, name: str, c: Comparison) -> bool:
        finer = stranger.fresh()
        finer.fineness = FINER
        return not np.any(compare(finer, x, gy, name, c.got, c.known).off)

    def _explain(self, c: Comparison) -> None:
        name, guess = diagnose(c)
        if name in {"", "edge"} and not self._is_linear(c.x, c.name):
            name, guess = "not linear", "backward is not linear in gy: twice the gy must give twice the gradient"
        got, wanted = c.got.reshape(-1)[c.known], c.numeric.reshape(-1)[c.known]
        n = int(np.argmax(np.where(c.off, np.abs(got - wanted), -1)))
        index = tuple(int(i) for i in np.unravel_index(c.known[n], c.shape))
        what = f"{int(c.off.sum()):,} of {len(c.known):,} numbers of the gradient of {c.name} are wrong"
        self.found("transpose", c.name, what, name, guess, index=index, got=float(got[n]), wanted=float(wanted[n]))

    def _agrees_along(self, stranger: Stranger, x: Array, y: Array, name: str, c: Comparison, n: int) -> bool:
        """All numbers at once: equally far, where ties stay ties, and at random; each time with another gy."""
        size, sign = self.rng.uniform(0.5, 1, c.shape), self.rng.choice([-1.0, 1.0], c.shape)
        direction = np.ones(c.shape) if n == 0 else size * sign
        gy = self.rng.standard_normal(y.shape)
        got = self._gradient(x, gy, name)
        value = float(np.vdot(got, direction))
        self.compared += 1
        for fineness in (1.0, FINER):
            finer = stranger.fresh()
            finer.fineness = fineness
            right, left = finer.slopes(x, name, direction, y)
            low, high = between(right, left, gy)
            sizes = np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum() + np.abs(got * direction).sum()
            tolerance = rounding(finer, x, y, gy, name, sizes)
            if low - tolerance <= value <= high + tolerance:
                self.kinks += bool(high - low > 1e-3 * (abs(low) + abs(high)) + 10 * tolerance)
                return True
        which = f"all of {name} moved equally" if n == 0 else f"{name} moved at random"
        what = f"the gradient of {name} does not add up: along one direction ({which}) it is wrong"
        self.found("transpose", name, what, *diagnose(c), got=value, wanted=float((low + high) / 2))
        return False

    def linear(self) -> None:
        """No gradient comes out where none goes in, and twice as much where twice as much does."""
        wrong = {finding.array for finding in self.findings}
        shape = self.stranger.fresh().forward(self.off_kinks.copy()).shape
        for name in ["x", *self.stranger.weights]:
            if name in wrong:
                continue
            if np.any(self._gradient(self.off_kinks, np.zeros(shape), name)):
                self.found("transpose", name, f"the gradient of {name} is not zero where gy is", "ignores gy")
            elif not self._is_linear(self.off_kinks, name):
                self.found("transpose", name, f"the gradient of {name} is not linear in gy", "not linear")

    def _is_linear(self, x: Array, name: str) -> bool:
        one, other = self.rng.standard_normal((2, *self.stranger.fresh().forward(x.copy()).shape))
        g_one, g_other, g_both = (self._gradient(x, gy, name) for gy in (one, other, 2 * one - other))
        return equal(g_both, 2 * g_one - g_other)

    def _gradient(self, x: Array, gy: Array, name: str) -> Array:
        _, gx, gradients = self.stranger.fresh().both(x, gy)
        return gx if name == "x" else gradients[name]

    def _compared(self, stranger: Stranger, x: Array, gy: Array, name: str, got: Array, most: int) -> Comparison:
        size = stranger.array(x, name).size
        count = max(1, min(size, most, SLOPES // gy.size))
        return compare(stranger, x, gy, name, got, np.sort(self.rng.choice(size, count, replace=False)))
