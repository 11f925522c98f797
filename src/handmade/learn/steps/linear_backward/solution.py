"""gx[n, i] = sum over o of gy[n, o] W[i, o]
gW[i, o] = sum over n of x[n, i] gy[n, o]
gb[o] = sum over n of gy[n, o]
"""

import numpy as np


def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy.sum(axis=0)
