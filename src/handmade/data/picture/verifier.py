"""Second opinion on a digit: a small network that was trained on digits and on what is no digit.

edges of the image (7, 7, 8) -> Conv2d 48 -> ReLU -> Conv2d 64 -> ReLU -> Flatten -> Linear 48 -> ReLU -> Linear 11 -> softmax

The classes are the ten digits, and none of them.

The network of the user has learned digits only, and may be sure of a letter. The verifier only doubts: the answer is the user's
network's. Its weights, verifier.safetensors, are made by benchmarks/digit_verifier.py with handmade itself.

Source: D. Hendrycks, M. Mazeika, T. Dietterich, "Deep anomaly detection with outlier exposure", ICLR (2019), on learning from
examples of what is to be rejected.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.edges import edges
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.files.network import load_model

FILE = Path(__file__).with_name("verifier.safetensors")
NONE = 10  # class of what is no digit


def opinions(images: NDArray[np.uint8]) -> Array:
    """Return the logarithms of the verifier's probabilities for images (N, 28, 28, 1): (N, 11) float64, the last is no digit."""
    z = _network().logits(edges(images)).astype(np.float64)
    shifted = z - z.max(axis=1, keepdims=True)
    logarithms: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


@cache
def _network() -> Network:
    return load_model(FILE)
