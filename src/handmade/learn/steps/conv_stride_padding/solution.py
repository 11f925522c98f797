"""rows = floor((H + 2 p - K_h) / s) + 1
y[n, h, w, o] = b[o] + sum over i, j, c of
                W[i, j, c, o] x[n, h s + i - p, w t + j - q, c]
"""

import numpy as np


def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1


def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, height, width, C = x.shape
    K_h, K_w, _, O = W.shape
    rows, columns = output_size(height, K_h, s, p), output_size(width, K_w, t, q)
    padded = np.zeros((N, height + 2 * p, width + 2 * q, C))
    padded[:, p : p + height, q : q + width] = x
    y = np.zeros((N, rows, columns, O))
    for n in range(N):
        for h in range(rows):
            for w in range(columns):
                patch = padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
                for o in range(O):
                    y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * patch)
    return y
