"""Wrong solutions of difference_quotients: what the student misunderstood, the verdict of the grader, and the student's file."""

IMPORT = """import numpy as np

"""

ONE = """import numpy as np

def one_sided(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += h
        g[k] = (f(moved) - before) / h
    return g

"""

CENTRAL = """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / (2 * h)
    return g
"""

SOLUTIONS = (
    (
        "The change is not divided by h.",
        "not_divided",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += h
        g[k] = f(moved) - f(w)
    return g

"""
        + CENTRAL,
    ),
    (
        "The central change is divided by h, not by 2 h.",
        "central_h",
        ONE
        + """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / h
    return g
""",
    ),
    (
        "All numbers are moved at once.",
        "all_at_once",
        IMPORT
        + """def one_sided(f, w, h):
    return np.full(w.shape, (f(w + h) - f(w)) / h)

"""
        + CENTRAL,
    ),
    (
        "The number is not moved back before the next one is moved.",
        "not_restored",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    moved = w.astype(float)
    for k in np.ndindex(w.shape):
        moved[k] += h
        g[k] = (f(moved) - before) / h
    return g

"""
        + CENTRAL,
    ),
    (
        "h is added and subtracted again, which is not exact in floating-point numbers.",
        "restored_by_subtracting",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    moved = w.astype(float)
    before = f(w)
    for k in np.ndindex(w.shape):
        moved[k] += h
        g[k] = (f(moved) - before) / h
        moved[k] -= h
    return g

"""
        + CENTRAL,
    ),
    (
        "An array of integers is copied as integers, so h is cut off.",
        "integers_kept",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        moved = w.copy()
        moved[k] = moved[k] + h
        g[k] = (f(moved) - f(w)) / h
    return g

"""
        + CENTRAL,
    ),
    (
        "The caller's array is moved and not copied, but it is put back.",
        "message mutated",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    for k in np.ndindex(w.shape):
        w[k] += h
        g[k] = (f(w) - before) / h
        w[k] -= h
    return g

"""
        + CENTRAL,
    ),
    (
        "The number is moved down, not up.",
        "backward",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] -= h
        g[k] = (f(w) - f(moved)) / h
    return g

"""
        + CENTRAL,
    ),
    (
        "The central quotient is used for both.",
        "central_instead",
        IMPORT
        + """def one_sided(f, w, h):
    return central(f, w, h)

"""
        + CENTRAL,
    ),
    (
        "The one-sided quotient is used for both.",
        "one_sided_instead",
        ONE
        + """def central(f, w, h):
    return one_sided(f, w, h)
""",
    ),
    (
        "w is thought to have one axis, so whole rows are moved.",
        "rows_moved",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in range(len(w)):
        moved = w.astype(float)
        moved[k] += h
        g[k] = (f(moved) - f(w)) / h
    return g

"""
        + CENTRAL,
    ),
    (
        "The gradient gets the type of w, so the slopes of integers are cut off.",
        "integer_slopes",
        IMPORT
        + """def one_sided(f, w, h):
    g = np.zeros_like(w)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += h
        g[k] = (f(moved) - f(w)) / h
    return g

"""
        + CENTRAL,
    ),
    (
        "The brackets are missing: only the second value is divided.",
        "central_second_divided",
        ONE
        + """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = f(above) - f(below) / (2 * h)
    return g
""",
    ),
    (
        "/ 2 * h is thought to divide by 2 h.",
        "precedence",
        ONE
        + """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / 2 * h
    return g
""",
    ),
    (
        "Half of h is used on each side.",
        "half_step",
        ONE
        + """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h / 2
        below[k] -= h / 2
        g[k] = (f(above) - f(below)) / h
    return g
""",
    ),
    (
        "Two names are thought to be two arrays: above and below are the same array.",
        "general.zeros",
        ONE
        + """def central(f, w, h):
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above = below = w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / (2 * h)
    return g
""",
    ),
    (
        "The slopes are returned as a flat list.",
        "flat",
        IMPORT
        + """def one_sided(f, w, h):
    slopes = []
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += h
        slopes.append((f(moved) - f(w)) / h)
    return np.array(slopes)

"""
        + CENTRAL,
    ),
    (
        "h is ignored: a small step of 1e-6 is thought to be always better.",
        "own_step",
        IMPORT
        + """def one_sided(f, w, h):
    eps = 1e-6
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        moved = w.astype(float)
        moved[k] += eps
        g[k] = (f(moved) - f(w)) / eps
    return g

"""
        + CENTRAL,
    ),
)
