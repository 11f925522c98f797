"""Wrong solutions of training_loop: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The weights are changed in place, which changes the caller's array.",
        "message mutated",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros_like(w)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w -= lr * v
    return w
""",
    ),
    (
        "The velocity begins at 0 again in each epoch.",
        "velocity_of_each_epoch",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    for epoch in range(epochs):
        v = np.zeros(w.shape)
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The velocity begins at 0 again in each batch, so there is no momentum.",
        "no_momentum",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    for epoch in range(epochs):
        for batch in batches:
            v = np.zeros(w.shape)
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The step goes uphill.",
        "uphill",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w + lr * v
    return w
""",
    ),
    (
        "All gradients are taken at the first weights.",
        "gradients_of_the_start",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    gradients = [gradient(w, batch) for batch in batches]
    for epoch in range(epochs):
        for g in gradients:
            v = momentum * v + g
            w = w - lr * v
    return w
""",
    ),
    (
        "The batches are visited once: epochs is ignored.",
        "one_epoch",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for batch in batches:
        v = momentum * v + gradient(w, batch)
        w = w - lr * v
    return w
""",
    ),
    (
        "The gradient is weighted with 1 - momentum, as in a moving average.",
        "averaged_gradient",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + (1 - momentum) * gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The gradient is taken where the momentum would lead, as in Nesterov's method.",
        "nesterov",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            g = gradient(w - lr * momentum * v, batch)
            v = momentum * v + g
            w = w - lr * v
    return w
""",
    ),
    (
        "The weights move before the velocity is renewed.",
        "old_velocity",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            g = gradient(w, batch)
            w = w - lr * v
            v = momentum * v + g
    return w
""",
    ),
    (
        "The momentum is ignored.",
        "no_momentum",
        """def train(gradient, w, batches, epochs, lr, momentum):
    for epoch in range(epochs):
        for batch in batches:
            w = w - lr * gradient(w, batch)
    return w
""",
    ),
    (
        "The function returns inside of the loop, after the first epoch.",
        "one_epoch",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
        return w
""",
    ),
    (
        "The learning rate is applied twice, in the velocity and in the step.",
        "learning_rate_twice",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + lr * gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The loops are exchanged: each batch is trained for all epochs before the next one.",
        "loops_swapped",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for batch in batches:
        for epoch in range(epochs):
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "One step is taken in each epoch, with the sum of the gradients of all batches.",
        "whole_batch",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        g = sum(gradient(w, batch) for batch in batches)
        v = momentum * v + g
        w = w - lr * v
    return w
""",
    ),
    (
        "The momentum multiplies the gradient, not the velocity.",
        "momentum_of_gradient",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = v + momentum * gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The velocity lives outside of the function, so the next training begins with it.",
        "message unrepeatable",
        """import numpy as np

velocity = {}

def train(gradient, w, batches, epochs, lr, momentum):
    v = velocity.get(w.shape, np.zeros(w.shape))
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    velocity[w.shape] = v
    return w
""",
    ),
    (
        "One epoch too few: the epochs are counted from 1.",
        "one_epoch_less",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(1, epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "An iterator over the batches is made once, so it is empty from the second epoch on.",
        "one_epoch",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    stream = iter(batches)
    for epoch in range(epochs):
        for batch in stream:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The velocity begins with the weights.",
        "velocity_from_w",
        """def train(gradient, w, batches, epochs, lr, momentum):
    v = w
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v
    return w
""",
    ),
    (
        "The learning rate is divided by the number of batches, to take a mean.",
        "learning_rate_divided",
        """import numpy as np

def train(gradient, w, batches, epochs, lr, momentum):
    v = np.zeros(w.shape)
    for epoch in range(epochs):
        for batch in batches:
            v = momentum * v + gradient(w, batch)
            w = w - lr * v / len(batches)
    return w
""",
    ),
)
