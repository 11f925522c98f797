"""The steps of the workbook, in their order."""

from functools import cache
from importlib import import_module

from handmade.engine.errors import HandmadeError
from handmade.learn.step import Step

NAMES = (
    "patch_indexing",
    "correlate_patch",
    "conv_one_channel",
    "conv_channels",
    "conv_stride_padding",
    "relu",
    "max_pool",
    "linear",
    "softmax_cross_entropy",
    "difference_quotients",
    "finite_chain_rule",
    "linear_backward",
    "relu_pool_backward",
    "conv_backward_db",
    "conv_backward_dw",
    "conv_backward_dx",
    "im2col",
    "training_loop",
    "find_the_bugs",
)


@cache
def load_step(name: str) -> Step:
    """Import a step and return it."""
    step = import_module(f"handmade.learn.steps.{name}.step").STEP
    assert isinstance(step, Step)
    return step


def place_of(name: str) -> int:
    """Return the number of a step, from 1."""
    return NAMES.index(name) + 1


def full_name(text: str) -> str:
    """Return the name of the step that a text means: a name, a number, or 06_relu.

    Raises
    ------
    HandmadeError
        If there is no such step.
    """
    name = text.removesuffix(".py")
    if name.isascii() and name.isdigit() and len(name) <= 2 and 1 <= int(name) <= len(NAMES):
        return NAMES[int(name) - 1]
    number, _, rest = name.partition("_")
    if number.isdigit():
        name = rest
    if name not in NAMES:
        raise HandmadeError(
            f"step: expected a number from 1 to {len(NAMES)} or a name, got {text!r:.60}. Try: handmade learn list"
        )
    return name


def step_named(text: str) -> Step:
    """Return a step by its name or number; HandmadeError if there is none."""
    return load_step(full_name(text))
