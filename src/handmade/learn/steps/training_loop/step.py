"""The training loop: gradient descent with momentum, batch by batch, epoch by epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine.optim.momentum import Momentum
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.functions import curved_gradient, square_gradient
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step

Gradient = Callable[[Array, float], Array]


def right(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Return the weights after training with the engine's optimiser."""
    optimiser = Momentum(lr, momentum)
    weights = {"w": np.array(w, float)}
    state = optimiser.start(weights)
    for _ in range(epochs):
        for batch in batches:
            weights, state = optimiser.step(weights, {"w": gradient(weights["w"], batch)}, state)
    return weights["w"]


def loop(change: Callable[[Array, Array, Array, float, float], tuple[Array, Array]]) -> Callable[..., Any]:
    """Return the mistake of another update, (w, v, g, lr, momentum) -> (w, v)."""

    def formula(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
        v = np.zeros(w.shape)
        for _ in range(epochs):
            for batch in batches:
                w, v = change(w, v, gradient(w, batch), lr, momentum)
        return w

    return formula


def velocity_of_each_epoch(
    gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float
) -> Array:
    """Begin each epoch with the velocity 0."""
    for _ in range(epochs):
        w = right(gradient, w, batches, 1, lr, momentum)
    return w


def gradients_of_the_start(
    gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float
) -> Array:
    """Take all gradients of an epoch at its first weights."""
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for g in [gradient(w, batch) for batch in batches]:
            v = momentum * v + g
            w = w - lr * v
    return w


def whole_batch(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Take one step an epoch, with the sum of all gradients."""
    v = np.zeros(w.shape)
    for _ in range(epochs):
        v = momentum * v + np.sum([gradient(w, batch) for batch in batches], axis=0)
        w = w - lr * v
    return w


def mean_batch(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Take one step an epoch, with the mean of all gradients."""
    v = np.zeros(w.shape)
    for _ in range(epochs):
        v = momentum * v + np.mean([gradient(w, batch) for batch in batches], axis=0)
        w = w - lr * v
    return w


def gradients_of_the_first_weights(
    gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float
) -> Array:
    """Take all gradients once, at the first weights."""
    v, found = np.zeros(w.shape), [gradient(w, batch) for batch in batches]
    for _ in range(epochs):
        for g in found:
            v = momentum * v + g
            w = w - lr * v
    return w


def gradients_ahead(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Take each gradient at the place that the old velocity leads to."""
    v = np.zeros(w.shape)
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w - lr * momentum * v, batch)
            w = w - lr * v
    return w


def loops_swapped(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Use each batch for all epochs before the next one."""
    return right(gradient, w, tuple(batch for batch in batches for _ in range(epochs)), 1, lr, momentum)


def velocity_from_w(gradient: Gradient, w: Array, batches: tuple[float, ...], epochs: int, lr: float, momentum: float) -> Array:
    """Begin with the weights as the velocity."""
    v = w
    for _ in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w


def picture() -> list[Part]:
    """Draw weights after each of four steps, without and with momentum."""
    w, batches = np.array([4.0, -3.0]), (0.0,)
    rows = [np.array([right(square_gradient, w, batches, k, 0.3, mu) for k in range(5)]) for mu in (0.0, 0.8)]
    return [Grid("momentum = 0", rows[0]), Sign("|"), Grid("momentum = 0.8", rows[1])]


W1, W2 = numbers(1, 3), numbers(2, 2, 3)
THREE = (0.5, -1.0, 2.0)

STEP = Step(
    "training_loop",
    (Function("train", "gradient w batches epochs lr momentum", right, "w"),),
    (
        Case("values", (square_gradient, W1, (0.0,), 1, 0.1, 0.0)),
        Case("values", (curved_gradient, W1, (1.5,), 1, 0.2, 0.0)),
        Case("batches", (square_gradient, W1, THREE, 1, 0.1, 0.0)),
        Case("batches", (curved_gradient, W1, THREE, 1, 0.3, 0.0)),
        Case("momentum", (square_gradient, W1, THREE, 1, 0.1, 0.9)),
        Case("momentum", (curved_gradient, W1, (1.0, -2.0), 1, 0.2, 0.5)),
        Case("epochs", (square_gradient, W1, THREE, 3, 0.1, 0.0)),
        Case("epochs", (square_gradient, W1, THREE, 2, 0.1, 0.9)),
        Case("epochs", (curved_gradient, W1, (1.0, -0.5), 4, 0.05, 0.8)),
        Case("epochs", (square_gradient, W1, THREE, 0, 0.1, 0.9)),
        Case("shapes", (curved_gradient, W2, THREE, 2, 0.1, 0.9)),
        Case("integers", (square_gradient, np.array([3, -2, 5]), THREE, 2, 0.1, 0.5)),
        Case("layout", (curved_gradient, Strided(W2), THREE, 2, 0.1, 0.9)),
    ),
    (
        Mistake("no_momentum", loop(lambda w, v, g, lr, mu: (w - lr * g, v))),
        Mistake("uphill", loop(lambda w, v, g, lr, mu: (w + lr * (mu * v + g), mu * v + g))),
        Mistake("old_velocity", loop(lambda w, v, g, lr, mu: (w - lr * v, mu * v + g))),
        Mistake("averaged_gradient", loop(lambda w, v, g, lr, mu: (w - lr * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g))),
        Mistake("nesterov", loop(lambda w, v, g, lr, mu: (w - lr * (mu * (mu * v + g) + g), mu * v + g))),
        Mistake("momentum_of_gradient", loop(lambda w, v, g, lr, mu: (w - lr * (v + mu * g), v + mu * g))),
        Mistake("momentum_of_all", loop(lambda w, v, g, lr, mu: (w - lr * mu * (v + g), mu * (v + g)))),
        Mistake("velocity_subtracted", loop(lambda w, v, g, lr, mu: (w - lr * (g - mu * v), g - mu * v))),
        Mistake("learning_rate_twice", loop(lambda w, v, g, lr, mu: (w - lr * (mu * v + lr * g), mu * v + lr * g))),
        Mistake("no_learning_rate", loop(lambda w, v, g, lr, mu: (w - (mu * v + g), mu * v + g))),
        Mistake("no_decay", loop(lambda w, v, g, lr, mu: (w - lr * (v + g), v + g))),
        Mistake("weights_decay", loop(lambda w, v, g, lr, mu: (mu * w - lr * (mu * v + g), mu * v + g))),
        Mistake("velocity_of_each_epoch", velocity_of_each_epoch),
        Mistake("gradients_of_the_start", gradients_of_the_start),
        Mistake("whole_batch", whole_batch),
        Mistake("mean_batch", mean_batch),
        Mistake("one_epoch", lambda f, w, batches, epochs, lr, mu: right(f, w, batches, 1, lr, mu)),
        Mistake("last_batch", lambda f, w, batches, epochs, lr, mu: right(f, w, batches[-1:], epochs, lr, mu)),
        Mistake("first_batch", lambda f, w, batches, epochs, lr, mu: right(f, w, batches[:1], epochs, lr, mu)),
        Mistake("one_step", lambda f, w, batches, epochs, lr, mu: right(f, w, batches[:1], 1, lr, mu)),
        Mistake("unchanged", lambda f, w, batches, epochs, lr, mu: w),
        Mistake("gradients_of_the_start", gradients_of_the_first_weights),
        Mistake("nesterov", gradients_ahead),
        Mistake("one_epoch", lambda f, w, batches, epochs, lr, mu: right(f, w, batches, min(epochs, 1), lr, mu)),
        Mistake("one_epoch", lambda f, w, batches, epochs, lr, mu: right(f, w, batches, 1, lr, mu) if epochs else None),
        Mistake("one_epoch_less", lambda f, w, batches, epochs, lr, mu: right(f, w, batches, max(epochs - 1, 0), lr, mu)),
        Mistake("loops_swapped", loops_swapped),
        Mistake("velocity_from_w", velocity_from_w),
        Mistake(
            "learning_rate_divided", lambda f, w, batches, epochs, lr, mu: right(f, w, batches, epochs, lr / len(batches), mu)
        ),
    ),
    picture,
)
