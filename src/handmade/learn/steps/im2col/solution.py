"""im2col: X[(n R + h) S + w, (i K_w + j) C + c] = x[n, h s + i, w t + j, c]
        for an output of R rows and S columns
conv2d: y = X @ W.reshape(-1, O) + b, in the shape (N, R, S, O)
"""

import numpy as np


def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, height, width, C = x.shape
    R, S = (height - K_h) // s + 1, (width - K_w) // t + 1
    X = np.zeros((N, R, S, K_h * K_w * C))
    for h in range(R):
        for w in range(S):
            X[:, h, w] = x[:, h * s : h * s + K_h, w * t : w * t + K_w].reshape(N, -1)
    return X.reshape(N * R * S, -1)


def conv2d(x, W, b, stride):
    K_h, K_w, _, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b
    return y.reshape(len(x), R, S, O)
