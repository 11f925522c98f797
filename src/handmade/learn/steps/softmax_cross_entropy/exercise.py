"""softmax: p[n, k] = exp(z[n, k]) / sum over j of exp(z[n, j])
cross_entropy: L = mean over n of -log(p[n, y[n]])
"""

import numpy as np


def softmax(z):
    raise NotImplementedError  # TODO


def cross_entropy(z, y):
    raise NotImplementedError  # TODO
