"""relu_backward: gx = gy where x > 0, else 0
max_pool_backward: gx[n, h s + i, w t + j, c] gets gy[n, h, w, c]
                   for (i, j) = divmod(winner[n, h, w, c], K_w)
"""

import numpy as np


def relu_backward(gy, x):
    raise NotImplementedError  # TODO


def max_pool_backward(gy, winner, shape, window, stride):
    raise NotImplementedError  # TODO
