"""The check of a layer of anybody's own.

check.py          check_layer and check_function
subject.py        a layer made ready to be checked
questions.py      the order of the questions
side_effects.py   arrays written to, results that depend on earlier calls, lost precision; equality.py
slopes.py         one-sided slopes, their noise and their error bars
other_inputs.py   inputs beside the one that is given
gradients.py      the gradients that a layer gives
comparison.py     a gradient beside the numerical one, number by number
agreement.py      the gradient of one array at one input: right or wrong
explanation.py    the finding about a wrong gradient
diagnosis.py      the name of a mistake; mistakes/, the mistakes
report.py         the report
"""
