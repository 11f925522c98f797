"""The frameworks beside us: which of them are here, and what they want of a network's arrays.

PyTorch and ONNX keep images as (N, C, H, W), filters as (O, C, K_h, K_w) and linear weights as (out, in), and so does what goes
to them and comes back here. A Linear behind a Flatten reads its rows channel by channel there, and pixel by pixel with us. JAX
may have its arrays as we do.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Flatten, Linear
from handmade.engine.network import Network

PEERS = {"PyTorch": ("torch",), "onnxruntime": ("onnxruntime", "onnx"), "JAX": ("jax",)}  # and the modules that each needs


def present(peer: str) -> bool:
    """Return True if everything that a peer needs can be imported."""
    return all(find_spec(module) for module in PEERS[peer])


def images_first(x: Array) -> Array:
    """(N, H, W, C) -> (N, C, H, W); rows stay as they are."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def images_last(x: Array) -> Array:
    """And back."""
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


@dataclass(frozen=True)
class Convention:
    """The place of one array of a network on the other side.

    Attributes
    ----------
    image : tuple of int or None
        For a Linear behind a Flatten, the image (H, W, C) that was flattened.
    """

    image: Shape | None = None

    def out(self, array: Array) -> Array:
        """Theirs, from ours."""
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2 and self.image:
            array = array.reshape(*self.image, -1).transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
        elif array.ndim == 2:
            array = array.T
        return np.ascontiguousarray(array)

    def back(self, array: Array) -> Array:
        """Ours, from theirs."""
        if array.ndim == 4:
            return array.transpose(2, 3, 1, 0)
        if array.ndim == 2 and self.image:
            H, W, C = self.image
            return array.reshape(-1, C, H, W).transpose(2, 3, 1, 0).reshape(H * W * C, -1)
        return array.T if array.ndim == 2 else array


def conventions(network: Network) -> dict[str, Convention]:
    """For every array of a network."""
    image: Shape | None = None
    found = {}
    for i, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=False)):
        for name in network.parameters():
            if name.startswith(f"{i}."):
                found[name] = Convention(image if isinstance(layer, Linear) else None)
        if isinstance(layer, Flatten):
            image = shape
        elif isinstance(layer, Linear):
            image = None
    return found
