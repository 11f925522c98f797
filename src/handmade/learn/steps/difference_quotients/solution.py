"""one_sided: g[k] = (f(w + h e_k) - f(w)) / h
central: g[k] = (f(w + h e_k) - f(w - h e_k)) / (2 h)
"""

import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += h
        g[k] = (f(moved) - before) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / (2 * h)
    return g
