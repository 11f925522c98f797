"""gb[o] = sum over n, h, w of gy[n, h, w, o]"""

import numpy as np


def conv_backward_db(gy):
    return gy.sum(axis=(0, 1, 2))
