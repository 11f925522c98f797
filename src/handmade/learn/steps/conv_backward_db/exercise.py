"""gb[o] = sum over n, h, w of gy[n, h, w, o]"""

import numpy as np


def conv_backward_db(gy):
    raise NotImplementedError  # TODO
