"""Wrong solutions of the step training_loop: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "velocity begins again in each epoch",
        "velocity_of_each_epoch",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    pass
    for _ in range(epochs):
        v = 0
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "learning rate inside the velocity twice",
        "learning_rate_twice",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    for _ in range(epochs):
        pass
        for batch in batches:
            v = momentum * v + lr * gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "exponential mean: (1 - momentum) g",
        "averaged_gradient",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    for _ in range(epochs):
        pass
        for batch in batches:
            v = momentum * v + (1 - momentum) * gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "gradient at the weights of the beginning of the epoch",
        "gradients_of_the_start",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    for _ in range(epochs):
        start = w
        for batch in batches:
            v = momentum * v + gradient(start, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "weights plus velocity",
        "uphill",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    for _ in range(epochs):
        pass
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w + lr * v
    return w
""",
    ),
    (
        "one gradient of all batches for an epoch",
        "whole_batch",
        """\
def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    for _ in range(epochs):
        g = sum(gradient(w, batch) for batch in batches)
        v = momentum * v + g
        w = w - lr * v
    return w
""",
    ),
    (
        "batches shuffled",
        "message values",
        """\
import random


def train(gradient, w, batches, epochs, lr, momentum):
    v = 0
    random.seed(1)
    batches = list(batches)
    for _ in range(epochs):
        random.shuffle(batches)
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
)
