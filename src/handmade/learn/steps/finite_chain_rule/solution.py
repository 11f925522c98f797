"""delta_relu: dy = max(x + dx, 0) - max(x, 0)
               = max(dx + min(x, 0), -max(x, 0))
delta_max: dy[n] = (max over k of (x[n, k] + dx[n, k])) - m[n]
                 = max over k of (dx[n, k] - (m[n] - x[n, k]))
           with m[n] = max over k of x[n, k]
"""

import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))


def delta_max(x, dx):
    m = x.max(axis=1, keepdims=True)
    return (dx - (m - x)).max(axis=1)
