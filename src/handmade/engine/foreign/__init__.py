"""Layers written by users: any object with a forward and a backward, behind one uniform interface.

objects.py      the arrays and numbers that an object holds, by their paths; copies
randomness.py   the random numbers that a forward draws: the same in each call
signatures.py   the role of each parameter of forward and backward
gradients.py    the gradient of each weight, wherever backward stored it
influence.py    the arrays and numbers that influence the output
weights.py      classification of arrays and numbers: weights, statistics or settings
results.py      the result of backward, split into gx and the gradients of weights
calls.py        Foreign: the uniform interface to one object
"""

from handmade.engine.foreign.calls import CallFailed, Foreign
from handmade.engine.foreign.weights import Found, check_methods, find

__all__ = ["CallFailed", "Foreign", "Found", "check_methods", "find"]
