"""y = max(x, 0)"""

import numpy as np


def relu(x):
    return np.maximum(x, 0)
