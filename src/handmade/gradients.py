"""Gradients, for users: three ways to them, `input_gradient` for the pixels; `check` and `check_layer` tell who is right.

`error_against_h` measures how the step size spoils a quotient, and how it does not spoil an exact one.
"""

from handmade.engine.check import LayerReport, check, check_layer, error_against_h
from handmade.engine.gradients import backprop, definition, difference, input_gradient

__all__ = ["LayerReport", "backprop", "check", "check_layer", "definition", "difference", "error_against_h", "input_gradient"]
