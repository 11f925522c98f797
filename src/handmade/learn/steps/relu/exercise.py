"""y = max(x, 0)"""

import numpy as np


def relu(x):
    raise NotImplementedError  # TODO
