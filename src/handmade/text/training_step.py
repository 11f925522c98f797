"""Text of one training step: its numbers, and one weight in full."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from handmade.engine.gradients.arguments import Scheme
from handmade.engine.training import Step
from handmade.text.number_format import fixed, percent


@dataclass(frozen=True)
class Method:
    """Gradient and optimiser of a run, by the names of its settings."""

    gradient: str
    scheme: Scheme
    h: float
    optimiser: str


def layout(step: Step) -> Iterator[Text]:
    """Yield the numbers of a step, and one weight in full."""
    accuracy = "" if step.accuracy is None else f", accuracy of the batch {percent(step.accuracy)}"
    yield Text.assemble((f"step {step.number:,} of {step.steps:,}", "bold"), f": loss {step.loss:.6f}{accuracy}")
    yield Text(f"  gradient norm {step.norm:.4g}, learning rate {step.learning_rate:.4g}, {step.images:,} images")
    if step.validation is not None:
        yield Text(f"  validation accuracy {percent(step.validation.accuracy)}, validation loss {step.validation.loss:.6f}")
    if step.stopped:
        yield Text(f"  last step: stopped by {step.stopped}")
    yield from weight_update(step)


def weight_update(step: Step, method: Method | None = None) -> Iterator[Text]:
    """Yield the update of one weight: its place, the effect of a nudge on the loss, and its change by the optimiser.

    The number of the step selects the weight, among those with a gradient other than 0. Without a method, the gradient is
    shown as it is.
    """
    name, index = _selected(step)
    place = f"{step.before.display_name(name)}[{','.join(map(str, index))}]"
    weight, after = float(step.before.parameters()[name][index]), float(step.network.parameters()[name][index])
    quotient = float(step.gradients[name][index])
    title = Text.assemble((place, "bold"), "  w = ", fixed(weight, 6))
    optimiser = "the optimiser" if method is None else method.optimiser
    update = Text.assemble(f"  {optimiser} moves w by ", fixed(after - weight, 6), " to ", fixed(after, 6))
    if method is None or method.gradient == "backprop":
        yield from (title, Text.assemble(f"  L(w) = {step.loss:.9f}   dL/dw = ", fixed(quotient, 6)), update)
        return
    h = method.h
    if method.scheme == "forward":
        losses = Text(f"  L(w) = {step.loss:.9f}   L(w + h) = {step.loss + h * quotient:.9f}")
        formula = "(L(w + h) - L(w)) / h"
    else:
        losses = Text(f"  L(w) = {step.loss:.9f}   L(w + h) - L(w - h) = ").append(fixed(2 * h * quotient, 9))
        formula = "(L(w + h) - L(w - h)) / 2h"
    yield from (title.append(f"   h = {h:g}"), losses, Text(f"  {formula} = ").append(fixed(quotient, 6)), update)


def _selected(step: Step) -> tuple[str, tuple[int, ...]]:
    """Draw an array, and in it one of the weights with a gradient other than 0."""
    rng = np.random.default_rng(step.number)
    names = [name for name, g in step.gradients.items() if g.any()] or list(step.gradients)
    name = names[rng.integers(len(names))]
    g = step.gradients[name]
    moving = np.flatnonzero(g) if g.any() else np.arange(g.size)
    return name, tuple(int(i) for i in np.unravel_index(moving[rng.integers(len(moving))], g.shape))
