"""Wrong solutions of relu: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "np.max(x, 0) is thought to compare with 0, but 0 is an axis.",
        "axis_zero",
        """import numpy as np

def relu(x):
    return np.max(x, 0)
""",
    ),
    (
        "The negative numbers are overwritten in the caller's array.",
        "message mutated",
        """def relu(x):
    x[x < 0] = 0
    return x
""",
    ),
    (
        "The minus sign is removed.",
        "absolute",
        """import numpy as np

def relu(x):
    return np.abs(x)
""",
    ),
    (
        "The condition is returned, not the numbers.",
        "mask",
        """def relu(x):
    return x > 0
""",
    ),
    (
        "A small slope is kept for negative numbers.",
        "leaky",
        """import numpy as np

def relu(x):
    return np.where(x > 0, x, 0.01 * x)
""",
    ),
    (
        "The derivative is returned: 1 for positive numbers.",
        "mask",
        """import numpy as np

def relu(x):
    return np.where(x > 0, 1.0, 0.0)
""",
    ),
    (
        "Python's max is called with an array.",
        "message ambiguous",
        """def relu(x):
    return max(x, 0)
""",
    ),
    (
        "Larger and smaller are confused.",
        "negative_part",
        """import numpy as np

def relu(x):
    return np.minimum(x, 0)
""",
    ),
    (
        "The negative numbers are removed, so the shape is lost.",
        "zero_removed_too",
        """def relu(x):
    return x[x >= 0]
""",
    ),
    (
        "x is thought to have two axes.",
        "message raised",
        """import numpy as np

def relu(x):
    y = np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] > 0:
                y[i, j] = x[i, j]
    return y
""",
    ),
    (
        "One decision is made for the whole array.",
        "one_decision",
        """import numpy as np

def relu(x):
    if np.sum(x) > 0:
        return x
    return np.zeros_like(x)
""",
    ),
    (
        "Numbers above 1 are cut as well.",
        "clipped",
        """import numpy as np

def relu(x):
    return np.clip(x, 0, 1)
""",
    ),
    (
        "The loop variable is changed, which does not change the array.",
        "unchanged",
        """def relu(x):
    y = x.copy()
    for value in y.flat:
        if value < 0:
            value = 0
    return y
""",
    ),
    (
        "The output is an array of integers.",
        "integer_result",
        """import numpy as np

def relu(x):
    y = np.zeros(x.shape, dtype=int)
    for k in np.ndindex(x.shape):
        y[k] = max(x[k], 0)
    return y
""",
    ),
    (
        "The result is collected in a flat list.",
        "message type",
        """def relu(x):
    return [v if v > 0 else 0 for v in x.flat]
""",
    ),
    (
        "The smooth form, log(1 + exp(x)), is taken for ReLU.",
        "softplus_overflow",
        """import numpy as np

def relu(x):
    return np.log1p(np.exp(x))
""",
    ),
)
