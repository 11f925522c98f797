"""gW[i, j, c, o] = sum of gy[n, h, w, o] x[n, h s + i - p, w t + j - q, c]
over all n, h, w
"""

import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    raise NotImplementedError  # TODO
