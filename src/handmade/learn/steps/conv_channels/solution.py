"""y[n, h, w, o] = b[o] + sum of W[i, j, c, o] x[n, h + i, w + j, c]
over all i, j, c
"""

import numpy as np


def conv2d(x, W, b):
    K_h, K_w, _, O = W.shape
    rows, columns = x.shape[1] - K_h + 1, x.shape[2] - K_w + 1
    y = np.zeros((len(x), rows, columns, O))
    for n in range(len(x)):
        for h in range(rows):
            for w in range(columns):
                patch = x[n, h : h + K_h, w : w + K_w]
                for o in range(O):
                    y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * patch)
    return y
