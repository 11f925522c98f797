"""Several ways to the same numbers: the gradient of the loss with respect to every weight."""

from handmade.engine.gradients.backprop import backprop, input_gradient
from handmade.engine.gradients.definition import definition
from handmade.engine.gradients.difference import difference

__all__ = ["backprop", "definition", "difference", "input_gradient"]
