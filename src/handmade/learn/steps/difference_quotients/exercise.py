"""one_sided: g[k] = (f(w + h e_k) - f(w)) / h
central: g[k] = (f(w + h e_k) - f(w - h e_k)) / (2 h)
"""

import numpy as np


def one_sided(f, w, h):
    raise NotImplementedError  # TODO


def central(f, w, h):
    raise NotImplementedError  # TODO
