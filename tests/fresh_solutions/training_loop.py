"""Wrong solutions of training_loop: what the student misunderstood, and the file that the student wrote."""

SOLUTIONS = (
    (
        "The weights are changed in place, which changes the caller's array.",
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
        """def train(gradient, w, batches, epochs, lr, momentum):
    for epoch in range(epochs):
        for batch in batches:
            w = w - lr * gradient(w, batch)
    return w
""",
    ),
    (
        "The function returns inside of the loop, after the first epoch.",
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
