"""Wrong solutions of the step relu."""

import numpy as np

NAMES = {
    "absolute_value": "absolute",
    "smaller": "negative_part",
    "minus_x": "negated",
    "ones": "mask",
    "step_at_zero": "mask_with_zero",
    "leaky_relu": "leaky",
    "up_to_one": "clipped",
    "relu6": "clipped_at_six",
    "only_positive": "removed",
    "np_max": "largest",
    "smooth": "softplus_overflow",
    "logistic": "sigmoid",
    "product_with_mask": "times_mask",
    "average_with_absolute": "half_of_sum",
    "in_place": None,
    "only_matrices": None,
    "python_max": None,
    "double_precision": None,
    "reversed_comparison": "negative_part",
    "nothing_done": "unchanged",
    "rounded": "general.truncated",
}


def absolute_value(x):
    return np.where(x < 0, -x, x)


def smaller(x):
    return np.minimum(0, x)


def minus_x(x):
    return np.maximum(0, -x)


def ones(x):
    return (x > 0).astype(float)


def step_at_zero(x):
    return np.where(x < 0, 0.0, 1.0)


def leaky_relu(x):
    return np.maximum(x, 0.01 * x)


def up_to_one(x):
    return np.minimum(np.maximum(x, 0), 1)


def relu6(x):
    return np.minimum(np.maximum(x, 0), 6)


def only_positive(x):
    return np.array([value for value in x.ravel() if value > 0])


def np_max(x):
    return np.max(x)


def smooth(x):
    with np.errstate(all="ignore"):
        return np.log(1 + np.exp(x))


def logistic(x):
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(-x))


def product_with_mask(x):
    with np.errstate(all="ignore"):
        return x * (x > 0)


def average_with_absolute(x):
    with np.errstate(all="ignore"):
        return 0.5 * (x + np.abs(x))


def in_place(x):
    x[x < 0] = 0
    return x


def only_matrices(x):
    y = np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = max(x[i, j], 0)
    return y


def python_max(x):
    return max(x, 0)


def double_precision(x):
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        y[at] = max(x[at], 0)
    return y


def reversed_comparison(x):
    return np.where(x > 0, 0, x)


def nothing_done(x):
    y = x
    for value in y.ravel():
        if value < 0:
            value = 0
    return y


def rounded(x):
    return np.floor(np.maximum(x, 0))
