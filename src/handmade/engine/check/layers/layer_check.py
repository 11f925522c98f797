"""Check of a layer, with its parts in their order: side effects, the difference, the gradients, arrays with slopes of zero."""

from collections.abc import Iterator

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers import other_inputs
from handmade.engine.check.layers.agreement import DIRECTIONS, Agreement
from handmade.engine.check.layers.checkable import Checkable
from handmade.engine.check.layers.equality import equal, worst
from handmade.engine.check.layers.explanation import wrong_along, wrong_numbers, wrong_shape
from handmade.engine.check.layers.gradients import Gradients
from handmade.engine.check.layers.report import Finding, LayerReport
from handmade.engine.check.layers.side_effects import HARMLESS, Trial, backward_effects, first_effects, forward_effects
from handmade.engine.check.layers.slopes import at, moved
from handmade.engine.foreign.gradients import searched_names

SAMPLE = 200  # numbers of an array that are nudged one by one; directions that move all numbers test the others
FEW = 40  # the same, at inputs other than the given one
FAR = (1.0, 30.0, 1e4)  # large nudges, relative to the size of an array: they activate dead units


class LayerCheck:
    """Check of one layer.

    Parameters
    ----------
    subject : Checkable
    allowed : float or None
        Allowed relative error; None for the default of the dtype.
    rng : numpy.random.Generator
    """

    def __init__(self, subject: Checkable, allowed: float | None, rng: "np.random.Generator") -> None:
        self.subject, self.allowed, self.rng = subject, allowed, rng
        self.foreign, self.x = subject.foreign, subject.x
        self.gradients = Gradients(self.foreign, rng, {})
        self.findings: list[Finding] = []
        self.notes = list(subject.found.notes)
        self.compared: dict[str, int] = {}
        self.not_compared = dict(subject.found.unknown)
        self.seen: set[str] = set()
        self.needs = list(subject.needs)
        self.kinks = 0

    def run(self) -> LayerReport:
        """Check forward before backward, and side effects before numbers; skip checks that depend on a part that failed."""
        x = other_inputs.off_kinks(self.foreign, self.x, self.rng) if self.subject.continuous else self.x
        y = self.gradients.output(x)
        gy = self.gradients.draw(y) if y.dtype.kind == "f" else np.ones(y.shape)
        other = self._other(x)
        usual = np.random.default_rng(4).standard_normal(x.shape).astype(x.dtype)
        if self.subject.continuous and other_inputs.is_finite(self.foreign, usual):
            self.gradients.output(usual)  # for the size of its outputs
        s = Trial(self.foreign, x, other, y, gy, np.zeros(y.shape), self.gradients.floor)
        if self._harmless(first_effects(s)):
            s.noise = self._roundings(x, y, gy)
            self._note_batch(x, y, other)
            if self._harmless(forward_effects(s)) and self._harmless(backward_effects(s)):
                self._check_gradients(x)
        self.notes += s.notes
        found = self.subject.found
        wrong = {finding.array for finding in self.findings}
        left = {name: why for name, why in self.not_compared.items() if name not in wrong}
        settings = (*found.settings, *found.statistics)
        return LayerReport(
            self.subject.title,
            tuple(self.findings),
            tuple(self.notes),
            self.compared,
            left,
            settings,
            tuple(self.needs),
            self.kinks,
        )

    def _other(self, x: Array) -> Array:
        """Return another input that the layer accepts."""
        other = (np.flip(x, 0) + self.subject.continuous * 0.1 * other_inputs.size_of(x)).astype(x.dtype)
        if other_inputs.is_finite(self.foreign, other):
            return other
        return (x * 1.125).astype(x.dtype) if self.subject.continuous else x

    def _roundings(self, x: Array, y: Array, gy: Array) -> Array:
        """Return the noise of forward, and store its effect on each gradient."""
        noise = np.zeros(y.shape)
        for name in [*(["x"] if self.subject.continuous else []), *self.foreign.places]:
            point = at(self.foreign.fresh(), x, name)
            noise = np.maximum(noise, point.noise)
            size = other_inputs.size_of(point.array) if np.any(point.array) else 1.0
            self.gradients.floor[name] = 64 * float(np.vdot(np.abs(gy), point.noise)) / size + 1e-14
        return noise

    def _harmless(self, findings: Iterator[Finding]) -> bool:
        """Store the findings; return True if slopes can still be computed."""
        new = list(findings)
        self.findings += new
        return all(finding.name in HARMLESS for finding in new)

    def _note_batch(self, x: Array, y: Array, other: Array) -> None:
        if y.ndim == 0 or len(y) != len(x):
            self.needs.append(f"forward must return one output for each of the {len(x)} images; got the shape {y.shape}")
            return
        mixed = np.concatenate([other[:1], x[1:]])
        if other_inputs.is_finite(self.foreign, mixed) and not np.array_equal(self.gradients.output(mixed)[1:], y[1:]):
            self.notes.append("images of a batch influence each other; batch normalisation does that by design.")

    # --- the gradients ---

    def _check_gradients(self, x: Array) -> None:
        names = self._comparable(x)
        if self.foreign.exact and "x" in names:
            self._difference(x)
        for each, arrays, most in self._inputs(x, names):
            for name in arrays:
                if name not in self._wrong():
                    self._agrees(each, name, most)
        for name in [name for name in names if name not in self._wrong()]:
            if not self.gradients.is_zero_without_gy(x, name):
                self._found(name, "it is not zero for gy = 0", "ignores gy", "something is added that does not depend on gy")
            elif not self.gradients.is_linear(x, name):
                self._found(name, "it is not linear in gy", "not linear", "twice the gy must give twice the gradient")
        for name in [name for name in names if name not in self.seen and name not in self._wrong()]:
            self._try_other_inputs(x, name)
        if not names and not self.not_compared:
            self.not_compared["x"] = "there is no gradient to compare"

    def _inputs(self, x: Array, names: list[str]) -> Iterator[tuple[Array, list[str], int]]:
        """Yield inputs, the arrays whose gradients are compared there, and how many numbers of each."""
        yield x, names, SAMPLE
        if not self.subject.continuous:
            return
        yield self.x, names, SAMPLE
        tied = other_inputs.tied(self.foreign, self.x, self.rng)
        wider = other_inputs.wider(self.foreign, self.x, self.rng)
        several = None if self.subject.function else other_inputs.several(self.foreign, x, self.rng)
        only_x = [name for name in names if name == "x"]
        for each, arrays, most in ((tied, only_x, SAMPLE), (wider, names, FEW), (several, names, FEW)):
            if each is not None:
                yield each, arrays, most

    def _wrong(self) -> set[str]:
        return {finding.array for finding in self.findings if finding.section.startswith("gradient")}

    def _comparable(self, x: Array) -> list[str]:
        """Return the arrays whose gradient was found; store the reasons why others cannot be compared."""
        given = self.gradients.all(x, self.gradients.draw(self.gradients.output(x)))
        names = []
        if given["x"] is not None and self.subject.continuous:
            names.append("x")
        elif self.subject.continuous:
            self.not_compared["x"] = "backward returns no gradient of x"
        for name, path in self.foreign.places.items():
            if given.get(name) is not None:
                names.append(name)
            elif name in self.subject.found.declared:
                self._found(name, "backward returns none, though parameters() names this weight", "missing")
            else:
                self.not_compared[name] = f"it changes the output, but no gradient was found under {searched_names(path)}"
        for name in sorted(given.keys() - self.foreign.places.keys() - {"x"}):
            what = "returns more gradients than there are weights" if name.startswith("result[") else f"has a gradient for {name}"
            self.notes.append(f"backward {what}, but no weight was found for it. Name the weights with weights=[...].")
        return names

    def _agrees(self, x: Array, name: str, most: int) -> bool:
        agreement = Agreement(self.gradients, at(self.foreign.fresh(), x, name), self.allowed)
        c = agreement.compared(most)
        if c.got.shape != c.shape:
            self.findings.append(wrong_shape(c))
            return False
        self.compared[name] = self.compared.get(name, 0) + len(c.known)
        self.kinks += int(c.kinked.sum())
        if c.seen:
            self.seen.add(name)
        if agreement.is_wrong(c):
            larger = agreement.with_more_numbers(c)
            self.findings.append(
                wrong_numbers(agreement, larger if np.any(larger.off) else c, continuous=self.subject.continuous)
            )
            return False
        for n in range(DIRECTIONS):
            disagreement, kinked = agreement.along(n)
            self.compared[name] += 1
            self.kinks += kinked
            if disagreement:
                larger = agreement.with_more_numbers(c)
                wrong = agreement.is_wrong(larger)
                continuous = self.subject.continuous
                self.findings.append(
                    wrong_numbers(agreement, larger, continuous=continuous) if wrong else wrong_along(c, disagreement)
                )
                return False
        return True

    def _found(self, array: str, what: str, name: str, guess: str = "") -> None:
        self.findings.append(Finding(f"gradient of {array}", array, what, name, guess))

    # --- the difference ---

    def _difference(self, x: Array) -> None:
        """Compare delta with the subtraction; a delta that fails is not used for slopes."""
        layer = self.foreign.fresh()
        for each in (x, self.x):
            y = np.array(layer.forward(each.copy()))
            for size in (1.0, 1e-3):
                dx = size * other_inputs.size_of(self.x) * self.rng.standard_normal(each.shape)
                after = np.array(layer.forward(each + dx))
                got, expected = layer.delta(each.copy(), dx.copy()), after - y
                if not np.all(np.isfinite(after)) or equal(got, expected, scale=float(np.abs(y).max() + np.abs(after).max())):
                    continue
                what, name, guess = "delta(x, dx) differs from forward(x + dx) - forward(x)", "", ""
                if got.shape == y.shape and equal(got - expected, layer.delta(each.copy(), 0 * dx)):
                    name, guess = "constant in delta", "a constant is added, even for dx = 0: a bias cancels in a difference"
                elif got.shape != y.shape:
                    name, what = "shape", f"delta has the shape {got.shape}: expected that of forward, {y.shape}"
                self.findings.append(Finding("difference", "delta", what, name, guess, **worst(got, expected)))
                self.foreign.exact = False
                return
        point = at(layer, x, "x")
        direction = self.rng.standard_normal(x.shape)
        if np.any(moved(point, point.step * direction) - point.y) and not np.any(point.slopes(direction)[0]):
            self.notes.append("delta is 0 for a step of 1e-30, as a subtraction is; slopes have about six correct digits.")
            self.foreign.exact = False

    # --- arrays with slopes of zero ---

    def _try_other_inputs(self, x: Array, name: str) -> None:
        """Search for inputs at which some slope of an array is not zero; if there are none, try large nudges."""
        count = 0
        for other in other_inputs.scaled(self.foreign, x, self.rng) if self.subject.continuous else ():
            count += 1
            if not self._agrees(other, name, FEW) or name in self.seen:
                return
        if self._moves_far(x, name):
            where = f"x and {count} other inputs" if count else "this x"
            self.not_compared[name] = f"all slopes of {name} are 0 at {where}, or too small for the rounding. Try another x"
        else:
            self.notes.append(f"{name} does not change the output, even with large nudges: a gradient of 0 is right.")

    def _moves_far(self, x: Array, name: str) -> bool:
        point = at(self.foreign.fresh(), x, name)
        size = other_inputs.size_of(point.array)
        scale = float(np.max(np.abs(point.y), initial=0.0))
        for far in FAR:
            for direction in (np.ones(point.array.shape), self.rng.standard_normal(point.array.shape)):
                for sign in (1, -1):
                    change = np.abs(moved(point, sign * far * size * direction) - point.y)
                    if np.any(change > max(1e-5 * scale, 1e-8 * far * size)):
                        return True
        return False
