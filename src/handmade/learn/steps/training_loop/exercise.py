"""v <- momentum v + g, w <- w - lr v, with g = gradient(w, batch)
for each batch of each epoch; v begins at 0
"""

import numpy as np


def train(gradient, w, batches, epochs, lr, momentum):
    raise NotImplementedError  # TODO
