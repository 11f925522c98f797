"""rows = floor((H + 2 p - K_h) / s) + 1
y[n, h, w, o] = b[o] + sum over i, j, c of
                W[i, j, c, o] x[n, h s + i - p, w t + j - q, c]
"""

import numpy as np


def output_size(size, window, stride, padding):
    raise NotImplementedError  # TODO


def conv2d(x, W, b, stride, padding):
    raise NotImplementedError  # TODO
