"""Wrong solutions of finite_chain_rule: what the student misunderstood, the verdict of the grader, and the student's file."""

RELU = """import numpy as np

def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))

"""

MAX = """def delta_max(x, dx):
    lead = x.max(axis=1, keepdims=True) - x
    return (dx - lead).max(axis=1)
"""

SOLUTIONS = (
    (
        "Two results are subtracted, so a tiny change is lost by rounding.",
        "subtracted",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(x + dx, 0) - np.maximum(x, 0)

"""
        + MAX,
    ),
    (
        "The derivative is used: dx where x is positive.",
        "slope_before",
        """import numpy as np

def delta_relu(x, dx):
    return np.where(x > 0, dx, 0)

"""
        + MAX,
    ),
    (
        "ReLU of the change is taken.",
        "relu_of_dx",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(dx, 0)

"""
        + MAX,
    ),
    (
        "dx is passed wherever x + dx is positive, also when x began below 0.",
        "slope_after",
        """import numpy as np

def delta_relu(x, dx):
    return np.where(x + dx > 0, dx, 0)

"""
        + MAX,
    ),
    (
        "Larger and smaller are exchanged in the formula.",
        "limits_swapped",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(dx + np.maximum(x, 0), -np.minimum(x, 0))

"""
        + MAX,
    ),
    (
        "The change is never allowed to be negative: max(..., 0).",
        "limit_at_zero",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), 0)

"""
        + MAX,
    ),
    (
        "The minus sign of the second part is forgotten.",
        "wrong_limit",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), np.maximum(x, 0))

"""
        + MAX,
    ),
    (
        "Of the four cases, the fall from positive to negative is given as 0.",
        "fall_left_out",
        """import numpy as np

def delta_relu(x, dx):
    dy = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        new = x[k] + dx[k]
        if x[k] > 0 and new > 0:
            dy[k] = dx[k]
        elif x[k] <= 0 and new > 0:
            dy[k] = new
    return dy

"""
        + MAX,
    ),
    (
        "The new value is returned, not the change.",
        "new_value",
        """import numpy as np

def delta_relu(x, dx):
    return np.maximum(x + dx, 0)

"""
        + MAX,
    ),
    (
        "Two maxima are subtracted, so a tiny change is lost by rounding.",
        "max_subtracted",
        RELU
        + """def delta_max(x, dx):
    return (x + dx).max(axis=1) - x.max(axis=1)
""",
    ),
    (
        "The winner is thought to stay the same: its change is returned.",
        "winner_fixed",
        RELU
        + """def delta_max(x, dx):
    return dx[np.arange(len(x)), x.argmax(axis=1)]
""",
    ),
    (
        "The largest change is returned, without the leads.",
        "largest_change",
        RELU
        + """def delta_max(x, dx):
    return dx.max(axis=1)
""",
    ),
    (
        "The maximum is taken down the columns.",
        "down_columns",
        RELU
        + """def delta_max(x, dx):
    m = x.max(axis=0)
    return (dx - (m - x)).max(axis=0)
""",
    ),
    (
        "The largest number of the whole array is taken for every row.",
        "lead_of_all",
        RELU
        + """def delta_max(x, dx):
    return np.max(dx - (x.max() - x), axis=1)
""",
    ),
    (
        "The lead is added, not subtracted.",
        "lead_added",
        RELU
        + """def delta_max(x, dx):
    m = x.max(axis=1, keepdims=True)
    return (dx + (m - x)).max(axis=1)
""",
    ),
    (
        "The axis of the maximum is not kept, so m is subtracted from the columns.",
        "axis_not_kept",
        RELU
        + """def delta_max(x, dx):
    m = x.max(axis=1)
    return (dx - (m - x)).max(axis=1)
""",
    ),
    (
        "The change of the new winner is returned, without its lead.",
        "new_winner",
        RELU
        + """def delta_max(x, dx):
    k = (x + dx).argmax(axis=1)
    return dx[np.arange(len(x)), k]
""",
    ),
    (
        "A second axis is kept in the result.",
        "axis_kept",
        RELU
        + """def delta_max(x, dx):
    m = x.max(axis=1, keepdims=True)
    return (dx - (m - x)).max(axis=1, keepdims=True)
""",
    ),
    (
        "The search begins with 0, so the change is never negative.",
        "never_below_zero",
        RELU
        + """def delta_max(x, dx):
    dy = np.zeros(len(x))
    for n in range(len(x)):
        m = max(x[n])
        for k in range(x.shape[1]):
            if dx[n, k] - (m - x[n, k]) > dy[n]:
                dy[n] = dx[n, k] - (m - x[n, k])
    return dy
""",
    ),
    (
        "The result is computed in dx itself, which changes the caller's array.",
        "message mutated",
        RELU
        + """def delta_max(x, dx):
    dx -= x.max(axis=1, keepdims=True) - x
    return dx.max(axis=1)
""",
    ),
)
