"""y[n, h, w, o] = b[o] + sum of W[i, j, c, o] x[n, h + i, w + j, c]
over all i, j, c
"""

import numpy as np


def conv2d(x, W, b):
    raise NotImplementedError  # TODO
