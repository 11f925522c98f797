"""Random numbers of a training: each of them is a function of (seed, purpose, number).

So the state of the randomness is a number of a step: a training resumes without repeating steps, and batches can be made in
advance. New weights are drawn from the seed alone, which for NumPy is the same as (seed, 0, 0). So no purpose is 0.
"""

import numpy as np

ORDER = 1  # order of the images, by epoch
AUGMENT = 2  # augmentation of a batch, by step
STAGE = 3  # random numbers of layers in training, such as the masks of Dropout, by step
VALIDATION = 4  # choice of the validation set, once
TEST = 5  # choice of the test images of a data set that has none, once
SWEEP = 6  # choice of the combinations of settings in a random search, once


def generator(seed: int, purpose: int, number: int = 0) -> "np.random.Generator":
    """Return the generator for one purpose and number, independent of all others."""
    return np.random.default_rng([seed, purpose, number])
