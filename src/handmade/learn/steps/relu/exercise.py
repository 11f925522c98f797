"""y = max(x, 0), number by number"""

import numpy as np


def relu(x):
    raise NotImplementedError  # TODO
