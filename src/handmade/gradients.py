"""Gradients, for users: three ways to them, `input_gradient` for the pixels; `check...` tells who is right.

`error_against_h` measures how the step size spoils a quotient, and how it does not spoil an exact one.
"""

from typing import TYPE_CHECKING, Any

from handmade.engine.gradients import backprop, definition, difference, input_gradient

if TYPE_CHECKING:
    from handmade.engine.check import LayerReport, check, error_against_h
    from handmade.frameworks.checks import check_function, check_layer

__all__ = [
    "LayerReport",
    "backprop",
    "check",
    "check_function",
    "check_layer",
    "definition",
    "difference",
    "error_against_h",
    "input_gradient",
]


def __getattr__(name: str) -> Any:
    """Load the checkers for those who check: they are half of what there is to load."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in {"check_function", "check_layer"}:
        from handmade.frameworks import checks  # noqa: PLC0415  see above

        return getattr(checks, name)
    from handmade.engine import check  # noqa: PLC0415  see above

    return getattr(check, name)
