"""Output size and convolution, with stride (s, t) and padding (p, q)

rows of y = floor((H + 2 p - K_h) / s) + 1
y[n, h, w, o] = b[o] + sum over i, j, c of W[i, j, c, o] x[n, h s + i, w t + j, c], where x is surrounded by zeros
"""

import numpy as np


def output_size(size, window, stride, padding):
    raise NotImplementedError  # TODO


def conv2d(x, W, b, stride, padding):
    raise NotImplementedError  # TODO
