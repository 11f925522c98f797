"""delta_relu: dy = max(x + dx, 0) - max(x, 0)
               = max(dx + min(x, 0), -max(x, 0))
delta_max: dy[n] = (max over k of (x[n, k] + dx[n, k])) - m[n]
                 = max over k of (dx[n, k] - (m[n] - x[n, k]))
           with m[n] = max over k of x[n, k]
"""

import numpy as np


def delta_relu(x, dx):
    raise NotImplementedError  # TODO


def delta_max(x, dx):
    raise NotImplementedError  # TODO
