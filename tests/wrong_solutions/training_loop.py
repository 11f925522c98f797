"""Wrong solutions of the step training_loop."""

import numpy as np

NAMES = {
    "no_velocity": "no_momentum",
    "ascent": "uphill",
    "weights_first": "old_velocity",
    "exponential_average": "averaged_gradient",
    "look_ahead": "nesterov",
    "momentum_at_gradient": "momentum_of_gradient",
    "minus_momentum": "velocity_subtracted",
    "rate_twice": "learning_rate_twice",
    "rate_forgotten": "no_learning_rate",
    "sum_of_gradients": "no_decay",
    "velocity_in_epoch": "velocity_of_each_epoch",
    "gradients_first": "gradients_of_the_start",
    "sum_of_batches": "whole_batch",
    "mean_of_batches": "mean_batch",
    "no_epochs": "one_epoch",
    "update_after_loop": "last_batch",
    "returns_early": "one_step",
    "changes_w": None,
    "shuffles": None,
    "forgets_to_assign": "unchanged",
    "reversed_batches": None,
}


def no_velocity(gradient, w, batches, epochs, lr, momentum):
    for _ in range(epochs):
        for batch in batches:
            w = w - lr * gradient(w, batch)
    return w


def ascent(gradient, w, batches, epochs, lr, momentum):
    v = 0 * w
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w + lr * v
    return w


def weights_first(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            g = gradient(w, batch)
            w = w - lr * v
            v = momentum * v + g
    return w


def exponential_average(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + (1 - momentum) * gradient(w, batch)
            w = w - lr * v
    return w


def look_ahead(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            g = gradient(w, batch)
            v = momentum * v + g
            w = w - lr * (g + momentum * v)
    return w


def momentum_at_gradient(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = v + momentum * gradient(w, batch)
            w = w - lr * v
    return w


def minus_momentum(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = gradient(w, batch) - momentum * v
            w = w - lr * v
    return w


def rate_twice(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + lr * gradient(w, batch)
            w = w - lr * v
    return w


def rate_forgotten(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - v
    return w


def sum_of_gradients(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v += gradient(w, batch)
            w = w - lr * v
    return w


def velocity_in_epoch(gradient, w, batches, epochs, lr, momentum):
    for _ in range(epochs):
        v = np.zeros(w.shape)
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w


def gradients_first(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        all_g = [gradient(w, batch) for batch in batches]
        for g in all_g:
            v = momentum * v + g
            w = w - lr * v
    return w


def sum_of_batches(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        g = sum(gradient(w, batch) for batch in batches)
        v = momentum * v + g
        w = w - lr * v
    return w


def mean_of_batches(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        g = sum(gradient(w, batch) for batch in batches) / len(batches)
        v = momentum * v + g
        w = w - lr * v
    return w


def no_epochs(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for batch in batches:
        v = momentum * v + gradient(w, batch)
        w = w - lr * v
    return w


def update_after_loop(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            g = gradient(w, batch)
        v = momentum * v + g
        w = w - lr * v
    return w


def returns_early(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for batch in batches:
        v = momentum * v + gradient(w, batch)
        w = w - lr * v
        return w


def changes_w(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w -= lr * v
    return w


def shuffles(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    rng = np.random.default_rng()
    for _ in range(epochs):
        for batch in rng.permutation(batches):
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w


def forgets_to_assign(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w - lr * v
    return w


def reversed_batches(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in reversed(batches):
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
