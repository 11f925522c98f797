"""gx[n, h s + i - p, w t + j - q, c] += gy[n, h, w, o] W[i, j, c, o]
for all n, h, w, o, i, j, c
"""

import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    N, height, width, C = shape
    (s, t), (p, q) = stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, height + 2 * p, width + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + height, q : q + width]
