"""Everything random in a training is a function of (seed, purpose, number).

So a place in a training is a number: to go on from the middle nothing has to be replayed, and batches can be made ahead. Fresh
weights are drawn from the seed alone, which to NumPy is the same as (seed, 0, 0): no purpose is 0.
"""

import numpy as np

ORDER = 1  # of the images, by epoch
AUGMENT = 2  # how the images of a batch are changed, by step
STAGE = 3  # what layers draw in training, such as the masks of Dropout, by step
VALIDATION = 4  # which images are kept for validation, once


def generator(seed: int, purpose: int, number: int = 0) -> "np.random.Generator":
    """The generator for one purpose and number, independent of all others."""
    return np.random.default_rng([seed, purpose, number])
