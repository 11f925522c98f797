"""Check of one layer that a user wrote.

check.py          check_layer and check_function
checkable.py      a layer prepared for the check
layer_check.py    all parts of the check, in their order
side_effects.py   arrays that are overwritten, results that depend on earlier calls, lost precision; equality.py
slopes.py         one-sided slopes, their noise and their error bars
other_inputs.py   inputs other than the given one
gradients.py      the gradients that a layer returns
comparison.py     a gradient compared with the numerical one, number by number
agreement.py      the gradient of one array at one input: right or wrong
explanation.py    the finding about a wrong gradient
diagnosis.py      the name of a mistake; mistakes/, the mistakes
report.py         the report
"""
