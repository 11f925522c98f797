"""relu_backward: gx = gy where x > 0, else 0
max_pool_backward: gx[n, h s + i, w t + j, c] gets gy[n, h, w, c]
                   for (i, j) = divmod(winner[n, h, w, c], K_w)
"""

import numpy as np


def relu_backward(gy, x):
    return np.where(x > 0, gy, 0.0)


def max_pool_backward(gy, winner, shape, window, stride):
    s, t = stride
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j, c] += gy[n, h, w, c]
    return gx
