"""Wrong solutions of the step difference_quotients: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "all numbers are moved at once",
        "all_at_once",
        """\
import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        g[k] = (f(w + h) - f(w)) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        u, v = w.astype(float), w.astype(float)
        u[k] -= h
        v[k] += h
        g[k] = (f(v) - f(u)) / (2 * h)
    return g
""",
    ),
    (
        "one array that stays moved",
        "not_restored",
        """\
import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    v = w.astype(float)
    for k in np.ndindex(w.shape):
        v[k] += h
        g[k] = (f(v) - f(w)) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        u, v = w.astype(float), w.astype(float)
        u[k] -= h
        v[k] += h
        g[k] = (f(v) - f(u)) / (2 * h)
    return g
""",
    ),
    (
        "central divides by h",
        "central_h",
        """\
import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        v = w.astype(float)
        v[k] += h
        g[k] = (f(v) - f(w)) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        u, v = w.astype(float), w.astype(float)
        u[k] -= h
        v[k] += h
        g[k] = (f(v) - f(u)) / h
    return g
""",
    ),
    (
        "only the first axis",
        "rows_moved",
        """\
import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in range(len(w)):
        v = w.astype(float)
        v[k] += h
        g[k] = (f(v) - f(w)) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in range(len(w)):
        u, v = w.astype(float), w.astype(float)
        u[k] -= h
        v[k] += h
        g[k] = (f(v) - f(u)) / (2 * h)
    return g
""",
    ),
    (
        "central as mean of the two differences, wrong sign of the second",
        "message values",
        """\
import numpy as np


def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        v = w.astype(float)
        v[k] += h
        g[k] = (f(v) - f(w)) / h
    return g


def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        u, v = w.astype(float), w.astype(float)
        u[k] -= h
        v[k] += h
        g[k] = ((f(v) - f(w)) / h + (f(u) - f(w)) / h) / 2
    return g
""",
    ),
)
