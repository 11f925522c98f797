"""Wrong solutions of the step finite_chain_rule: of delta_relu, and of delta_max with a right delta_relu."""

import numpy as np

NAMES = {
    "two_relus": "subtracted",
    "derivative": "slope_before",
    "derivative_at_the_end": "slope_after",
    "only_dx": "relu_of_dx",
    "passes_on": "unchanged",
    "without_limit": "no_lower_limit",
    "not_negative": "limit_at_zero",
    "value": "new_value",
    "both_on": "switched_off",
    "four_cases_one_wrong": None,
}
SECOND = {
    "two_maxima": "max_subtracted",
    "old_winner": "winner_fixed",
    "winner_afterwards": "new_winner",
    "biggest_change": "largest_change",
    "plus_lead": "lead_added",
    "one_maximum": "lead_of_all",
    "no_max": "not_reduced",
    "cannot_fall": "never_below_zero",
    "total": "sum_of_changes",
    "mean_of_changes": None,
}


def two_relus(x, dx):
    y = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        y[k] = max(x[k] + dx[k], 0) - max(x[k], 0)
    return y


def derivative(x, dx):
    return dx * (x > 0)


def derivative_at_the_end(x, dx):
    return dx * (x + dx > 0)


def only_dx(x, dx):
    return np.maximum(0, dx)


def passes_on(x, dx):
    return dx


def without_limit(x, dx):
    return dx + np.minimum(x, 0)


def not_negative(x, dx):
    return np.maximum(dx + np.minimum(x, 0), 0)


def value(x, dx):
    return np.maximum(x + dx, 0)


def both_on(x, dx):
    y = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        if x[k] > 0 and x[k] + dx[k] > 0:
            y[k] = dx[k]
    return y


def four_cases_one_wrong(x, dx):
    y = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        if x[k] > 0 and x[k] + dx[k] > 0:
            y[k] = dx[k]
        elif x[k] > 0:
            y[k] = x[k]
        elif x[k] + dx[k] > 0:
            y[k] = x[k] + dx[k]
    return y


def two_maxima(x, dx):
    return np.array([max(a + b) - max(a) for a, b in zip(x, dx, strict=True)])


def old_winner(x, dx):
    return np.array([b[np.argmax(a)] for a, b in zip(x, dx, strict=True)])


def winner_afterwards(x, dx):
    return np.array([b[np.argmax(a + b)] for a, b in zip(x, dx, strict=True)])


def biggest_change(x, dx):
    return np.max(dx, axis=1)


def plus_lead(x, dx):
    return np.array([max(b + (max(a) - a)) for a, b in zip(x, dx, strict=True)])


def one_maximum(x, dx):
    return np.max(dx - (np.max(x) - x), axis=1)


def no_max(x, dx):
    return np.array([b - (max(a) - a) for a, b in zip(x, dx, strict=True)])


def cannot_fall(x, dx):
    y = np.zeros(len(x))
    for n in range(len(x)):
        for k in range(x.shape[1]):
            y[n] = max(y[n], dx[n, k] - (x[n].max() - x[n, k]))
    return y


def total(x, dx):
    return dx.sum(axis=1)


def mean_of_changes(x, dx):
    return dx.mean(axis=1)
