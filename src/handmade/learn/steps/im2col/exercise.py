"""im2col: X[(n R + h) S + w, (i K_w + j) C + c] = x[n, h s + i, w t + j, c]
        for an output of R rows and S columns
conv2d: y = X @ W.reshape(-1, O) + b, in the shape (N, R, S, O)
"""

import numpy as np


def im2col(x, kernel, stride):
    raise NotImplementedError  # TODO


def conv2d(x, W, b, stride):
    raise NotImplementedError  # TODO
