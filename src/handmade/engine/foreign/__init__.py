"""Objects of other people: any layer with a forward and a backward, found out and called in one way.

objects.py      the arrays and numbers that an object holds, by their paths; copies
randomness.py   the random numbers that a forward draws, the same ones in each call
signatures.py   the role of each parameter of forward and backward
gradients.py    the gradient of each weight, wherever backward left it
moving.py       what moves forward when it is moved
weights.py      which arrays are weights, statistics or settings
results.py      what backward returned, told apart
calls.py        Foreign: one object, called in one way
"""

from handmade.engine.foreign.calls import CallFailed, Foreign
from handmade.engine.foreign.weights import Found, check_methods, find

__all__ = ["CallFailed", "Foreign", "Found", "check_methods", "find"]
