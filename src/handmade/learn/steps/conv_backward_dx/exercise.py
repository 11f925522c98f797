"""gx[n, h s + i - p, w t + j - q, c] += gy[n, h, w, o] W[i, j, c, o]
for all n, h, w, o, i, j, c
"""

import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    raise NotImplementedError  # TODO
