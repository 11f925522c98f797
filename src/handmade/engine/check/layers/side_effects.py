"""Side effects of a layer that make slopes meaningless: overwritten arrays, results of earlier calls, lost precision."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.equality import equal, worst
from handmade.engine.check.layers.report import Finding
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import CallFailed, Foreign

HARMLESS = {"input mutated", "weights mutated", "layout", "buffer"}  # slopes can still be computed
SEEN = 1e-4  # relative: a step that is visible in float32
SHORT = 14  # largest number of bits that may be exact by accident, as in small integers and rounding errors
CLEAR = 100.0  # times the noise: a change that rounding cannot explain
NOISY = 1e5  # times the rounding of float64: still less than the rounding of float32
SIDE = "side effects"


@dataclass
class Trial:
    """A layer and the inputs for its tests.

    Attributes
    ----------
    foreign : Foreign
        Layer. Each call uses a fresh copy, except in tests of several calls in a row.
    x, other : Array
        Input close to the given one, but off the kinks, and another input of that shape.
    y, gy : Array
        Output, and a random upstream gradient.
    noise : Array, the shape of y
        Rounding of the output; set after the test that forward is deterministic.
    floor : dict of str to float
        Rounding of each gradient.
    notes : list of str
        Tests that could not be run.
    """

    foreign: Foreign
    x: Array
    other: Array
    y: Array
    gy: Array
    noise: Array
    floor: dict[str, float]
    notes: list[str] = field(default_factory=list)

    def attempt(self, description: str, test: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """Run a test in which a call may fail; then add a note instead of a finding."""
        try:
            found = list(test())
        except CallFailed as error:
            self.notes.append(f"{description} could not be tested: {error}")
            return
        yield from found


def first_effects(s: Trial) -> Iterator[Finding]:
    """Yield findings about one call of forward; stop where the next test would make no sense."""
    foreign, given = s.foreign.fresh(), s.x.copy()
    before = _copies(foreign.weights)
    y = np.array(foreign.forward(given))
    yield from _written("forward", {"x": (given, s.x)})
    yield from _trained("forward", foreign, before)
    if y.dtype.kind != "f":
        yield Finding("forward", "y", f"forward returns {y.dtype} for an input of {s.x.dtype}: expected floats", "dtype")
    elif not np.all(np.isfinite(y)):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(y))[0])
        count = int(np.sum(~np.isfinite(y)))
        what = f"y[{', '.join(map(str, place))}] is {y[place]}; {count:,} of {y.size:,} numbers are not finite"
        yield Finding("forward", "y", what, "not finite", index=place)
    else:
        yield from _repeats(s)


def forward_effects(s: Trial) -> Iterator[Finding]:
    """Yield findings about other calls of forward: one image, the next call, another memory layout, smaller steps."""
    yield from s.attempt("one image alone", lambda: _alone(s))
    yield from _overwrites(s)
    yield from s.attempt("another memory layout of x", lambda: _reads_any_layout(s))
    yield from _keeps_precision(s)


def backward_effects(s: Trial) -> Iterator[Finding]:
    """Yield findings about backward."""
    foreign, given, given_gy = s.foreign.fresh(), s.x.copy(), s.gy.copy()
    foreign.forward(given)
    given[...] = s.x  # undo changes by forward: these are reported elsewhere
    before = _copies(foreign.weights)
    gx, gradients = foreign.backward(given, given_gy)
    gradients = {name: np.array(g) for name, g in {"x": gx, **gradients}.items() if g is not None}
    written = [*_written("backward", {"x": (given, s.x), "gy": (given_gy, s.gy)}), *_trained("backward", foreign, before)]
    yield from written
    for name, array in gradients.items():
        if array.dtype == np.float32 == (s.x if name == "x" else foreign.weights.get(name, s.x)).dtype:
            single = False  # the dtype of its array
        elif array.dtype == s.y.dtype or s.y.dtype != np.float64:
            single = array.dtype == np.float64 and s.y.dtype == np.float64 and _is_single(array)
        else:
            single = array.dtype == np.float32
            if array.dtype.kind != "f" and not np.array_equal(array, np.round(array)):
                yield Finding(f"gradient of {name}", name, f"its dtype is {array.dtype}: expected floats", "dtype")
        if single:
            yield Finding(
                f"gradient of {name}", name, "it has the precision of float32, though the output has that of float64", "float32"
            )
    if not any(finding.name == "weights mutated" for finding in written):
        yield from _repeats_backwards(s, _run(s.foreign.fresh(), s.x, s.gy))
        yield from s.attempt("another memory layout of gy", lambda: _reads_any_gy(s, gradients))


def _repeats(s: Trial) -> Iterator[Finding]:
    again = np.array(s.foreign.fresh().forward(s.x.copy()))
    later = s.foreign.fresh()
    for x in (s.x, s.other, s.other):
        later.forward(x.copy())
    after = np.array(later.forward(s.x.copy()))
    if not equal(again, s.y):
        yield Finding(
            SIDE,
            "y",
            "forward returns another result for the same x",
            "state",
            "it is random, or depends on the time",
            **worst(again, s.y),
        )
    elif not equal(after, s.y):
        guess = "something is left over from an earlier call"
        yield Finding(
            SIDE, "y", "forward returns another result after a call with another input", "state", guess, **worst(after, s.y)
        )


def _alone(s: Trial) -> Iterator[Finding]:
    """Test one image alone: the batch size may be fixed in the layer."""
    if s.foreign.mixes_batch or s.y.ndim == 0 or len(s.y) != len(s.x) or len(s.x) == 1:
        return
    shape = s.foreign.alone().forward(s.x[:1].copy()).shape
    if shape != (1, *s.y.shape[1:]):
        s.notes.append(
            f"one image alone gives an output of the shape {shape}, not {(1, *s.y.shape[1:])}: is the batch size a constant?"
        )
    yield from ()


def _overwrites(s: Trial) -> Iterator[Finding]:
    """Compare results before and after the next call."""
    layer, given, gy = s.foreign.fresh(), s.x.copy(), s.gy.copy()
    results = {"y": layer.forward(given)}
    gx, _ = layer.backward(given, gy)
    results |= {"x": gx} if gx is not None else {}
    results |= layer.returned()
    before = _copies(results)
    try:
        layer.forward(s.other.copy())
        layer.backward(s.other.copy(), -s.gy)
    except HandmadeError:
        return
    guess = "it is a view of an array that the layer uses again: return a copy"
    for name, held in results.items():
        if not np.array_equal(held, before[name], equal_nan=True) and not any(
            np.shares_memory(held, each) for each in (given, gy)
        ):
            section, what = (SIDE, "the result of forward") if name == "y" else (f"gradient of {name}", "the result of backward")
            yield Finding(section, name, f"{what} is overwritten by the next call", "buffer", guess, **worst(held, before[name]))


def _layouts(array: Array) -> Iterator[Array]:
    if not array.ndim:
        return
    wide = np.full([2 * size for size in array.shape], np.nan, array.dtype)  # elements between must not be read
    view = wide[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    backwards = np.flip(np.ascontiguousarray(np.flip(array)))
    yield from (view, np.asfortranarray(array), backwards)


def _reads_any_layout(s: Trial) -> Iterator[Finding]:
    guess = "the code assumes certain strides or a certain memory order"
    for layout in _layouts(s.x):
        layer = s.foreign.fresh()
        got = np.array(layer.forward(layout))
        if not equal(got, s.y, floor=8 * s.noise):
            what = "forward returns another result for the same x with another memory layout"
            yield Finding(SIDE, "y", what, "layout", guess, **worst(got, s.y))
            return


def _reads_any_gy(s: Trial, first: dict[str, Array]) -> Iterator[Finding]:
    guess = "the code assumes certain strides or a certain memory order"
    for array, layouts in (("x", _layouts(s.x)), ("gy", _layouts(s.gy))):
        for layout in layouts:
            layer = s.foreign.fresh()
            x, gy = (layout, s.gy.copy()) if array == "x" else (s.x.copy(), layout)
            layer.forward(x)
            if not np.array_equal(x, s.x):
                return  # forward writes to it, which is reported elsewhere
            gx, found = layer.backward(x, gy)
            for name, expected in first.items():
                got = gx if name == "x" else found.get(name)
                if got is not None and not equal(np.array(got), expected, floor=s.floor.get(name, 0.0)):
                    what = f"it changes with another memory layout of {array}"
                    yield Finding(f"gradient of {name}", name, what, "layout", guess, **worst(np.array(got), expected))
                    return


def _keeps_precision(s: Trial) -> Iterator[Finding]:
    """Find numbers that are rounded to float32 inside the layer, though the output is float64.

    The noise must be that of float32, and rounding an array, or the output, to float32 must change nothing.
    """
    scale = np.finfo(np.float64).eps * np.maximum(np.abs(s.y), float(np.sqrt(np.mean(s.y**2))))
    if s.y.dtype != np.float64 or s.x.dtype != np.float64 or not np.any(s.noise > NOISY * scale):
        return
    if _is_single(s.y):
        what = "the output has the precision of float32, though x has that of float64"
        yield Finding("precision", "y", what, "float32", "a step of the computation rounds to float32")
        return
    for name, array in {"x": s.x, **_copies(s.foreign.weights)}.items():
        rounded, larger = array.astype(np.float32).astype(np.float64), array * (1 + SEEN)
        y, far = (_output_with(s, name, other) for other in (rounded, larger))
        if (
            not np.array_equal(rounded, array)
            and np.array_equal(y, s.y)
            and np.any(np.abs(far - s.y) > CLEAR * np.maximum(s.noise, NOISY * scale))
        ):
            what = f"{name} is rounded to float32 inside the layer: the eighth digit of {name} does not change the output"
            yield Finding("precision", name, what, "float32", f"a step of the computation rounds {name} to float32")


def _output_with(s: Trial, name: str, array: Array) -> Array:
    layer = s.foreign.fresh()
    if name != "x":
        layer.put(name, array)
    return np.array(layer.forward(array if name == "x" else s.x.copy()))


def _is_single(array: Array) -> bool:
    """Return True if all numbers fit in float32, and this is not by accident."""
    with np.errstate(over="ignore"):
        single = np.array_equal(array, array.astype(np.float32))
    digits = np.frexp(array)[0] * 2.0**SHORT
    return bool(single and int(np.sum(digits != np.round(digits))) >= min(3, array.size))


def _repeats_backwards(s: Trial, first: dict[str, Array]) -> Iterator[Finding]:
    later = s.foreign.fresh()
    runs = [_run(later, x, s.gy) for x in (s.other, s.x, s.other, s.x)]
    earlier = runs[0]
    later = s.foreign.fresh()
    if later.gets_forward_values:  # backward gets a cache, so a later forward must not change its result
        given = s.x.copy()
        later.forward(given)
        saved, unwritten = later.saved, np.array_equal(given, s.x)
        later.forward(s.other.copy())
        later.saved = saved
        gx, gradients = later.backward(given, s.gy.copy())
        runs += [_copies({"x": gx, **gradients} if gx is not None else gradients)] if unwritten else []
    for name, expected in first.items():
        for run in (runs[1], *runs[3:]):
            got, old = run.get(name), earlier.get(name)
            if got is None or not equal(got, expected):
                added = got is not None and old is not None and got.shape == old.shape and equal(got, expected + old)
                guess = (
                    "it accumulates over calls: start from zeros in each call"
                    if added
                    else "something is left over from that call"
                )
                what = "it changes after a call with another input"
                place = worst(got, expected) if got is not None else {}
                yield Finding(f"gradient of {name}", name, what, "state", guess, **place)
                return


def _run(layer: Foreign, x: Array, gy: Array) -> dict[str, Array]:
    _, gx, gradients = layer.both(x, gy)
    return {"x": gx, **gradients} if gx is not None else gradients


def _written(method: str, arrays: dict[str, tuple[Array, Array]]) -> Iterator[Finding]:
    for name, (given, before) in arrays.items():
        if not np.array_equal(given, before, equal_nan=True):
            what = f"{method} writes to {name}, which belongs to the caller"
            guess = "an in-place operation (+=, [...] = or out=) needs a copy first"
            yield Finding(SIDE, name, what, "input mutated", guess, **worst(given, before))


def _trained(method: str, foreign: Foreign, before: dict[str, Array]) -> Iterator[Finding]:
    for name, array in foreign.weights.items():
        if not np.array_equal(array, before[name], equal_nan=True):
            guess = "it updates the weights: that is the task of the optimiser"
            what = f"{method} changes the weights {name}"
            yield Finding(SIDE, name, what, "weights mutated", guess, **worst(array, before[name]))


def _copies(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: np.array(array) for name, array in arrays.items()}
