"""softmax: p[n, k] = exp(z[n, k]) / sum over j of exp(z[n, j])
cross_entropy: L = mean over n of -log(p[n, y[n]])
"""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    z = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]
    return losses.mean()
