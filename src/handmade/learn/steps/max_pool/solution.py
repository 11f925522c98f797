"""y[n, h, w, c] = max over i, j of x[n, h s + i, w t + j, c]
winner[n, h, w, c] = i K_w + j, of the first largest number
"""

import numpy as np


def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, height, width, C = x.shape
    rows, columns = (height - K_h) // s + 1, (width - K_w) // t + 1
    y = np.zeros((N, rows, columns, C))
    winner = np.zeros((N, rows, columns, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = patch.argmax()
    return y, winner
