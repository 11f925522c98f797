"""Correct layers of handmade itself, as equations in another handwriting, or as they are."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cases import conv, flatten, linear, pool, relu
from correct_kind import Cache, Draw, Kind, P
from handmade.engine.arrays import Array
from handmade.engine.layers import GELU, AvgPool2d, BatchNorm2d, GlobalAvgPool2d, LeakyReLU, Sigmoid, Tanh


def ours(d: Draw) -> Kind:
    """Return a layer of handmade: its weights are its parameters, x is of the mode."""
    N, H, W, C = d.images()
    K, s, q = (d.whole(1, 3), d.whole(1, 3)), (d.whole(1, 2), d.whole(1, 2)), (d.whole(0, 1), d.whole(0, 1))
    half = (min(q[0], K[0] // 2), min(q[1], K[1] // 2))
    images = (N, H, W, C)
    gamma, beta, mean = d.rng.standard_normal((3, C))
    makers: list[Callable[[], tuple[Any, tuple[int, ...]]]] = [
        lambda: (conv(images, K, d.whole(1, 3), s, q).layer, images),
        lambda: (pool(images, K, s, half).layer, images),
        lambda: (linear(N, H, W).layer, (N, H)),
        lambda: (relu(images).layer, images),
        lambda: (flatten(images).layer, images),
        lambda: (AvgPool2d(K, s, half), images),
        lambda: (d.one(GELU(), LeakyReLU(0.2), Sigmoid(), Tanh(), GlobalAvgPool2d()), images),
        lambda: (BatchNorm2d(gamma, beta, mean, d.rng.random(C) + 0.5), images),
    ]
    layer, shape = d.one(*makers)()
    parameters: dict[str, Array] = layer.parameters()

    def now(p: P) -> Any:
        return layer.replace({name: getattr(p, name) for name in parameters}) if parameters else layer

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        return now(p).forward(x), x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        gx, own = now(p).backward(x, gy)
        return gx, own

    x = d.x(*shape)
    weights = {name: np.array(a, float) for name, a in parameters.items()}
    reason = (
        "flat there" if d.mode in {"huge", "shifted", "pixels"} and type(layer).__name__ in {"Sigmoid", "Tanh", "GELU"} else ""
    )
    kind = Kind(f"handmade {type(layer).__name__}", x, forward, backward, weights, kinked=True, untested=reason)
    kind.low, kind.ours = False, layer
    return kind


OURS = [ours]
