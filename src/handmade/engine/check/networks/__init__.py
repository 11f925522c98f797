"""The check of a network: every gradient against exact quotients.

check.py        backpropagation against one-sided quotients: agree, kink, not tested or bug
report.py       the same, array by array, as data and in words
rounding.py     what rounding may leave of a derivative that is zero
inactive.py     slopes that are all zero: right, or not tested
subtracted.py   slopes behind a layer that subtracts
kinks.py        which unit or window a nudge pushes across a kink
steps.py        the error of a quotient, against its h
"""
