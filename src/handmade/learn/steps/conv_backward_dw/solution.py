"""gW[i, j, c, o] = sum of gy[n, h, w, o] x[n, h s + i - p, w t + j - q, c]
over all n, h, w
"""

import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
