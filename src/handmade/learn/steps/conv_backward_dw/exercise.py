"""gW[i, j, c, o] = sum over n, h, w of gy[n, h, w, o] x[n, h s + i - p, w t + j - q, c]"""

import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    raise NotImplementedError  # TODO
