"""Check of a network: every gradient is compared with exact quotients.

check.py        backpropagation compared with one-sided quotients: agree, kink, not tested or bug
report.py       the results for each array, as data and as text
rounding.py     largest error that rounding may cause in each derivative
inactive.py     slopes that are all zero: correct, or not tested
subtracted.py   slopes in a network with a layer whose delta is a subtraction
kinks.py        units and windows that a nudge pushes across a kink
steps.py        error of a quotient for each step size h
"""
