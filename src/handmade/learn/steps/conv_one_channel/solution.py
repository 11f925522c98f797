"""y[h, w] = sum over i, j of W[i, j] x[h + i, w + j]"""

import numpy as np


def conv2d(x, W):
    K_h, K_w = W.shape
    rows, columns = x.shape[0] - K_h + 1, x.shape[1] - K_w + 1
    y = np.zeros((rows, columns))
    for h in range(rows):
        for w in range(columns):
            y[h, w] = np.sum(W * x[h : h + K_h, w : w + K_w])
    return y
