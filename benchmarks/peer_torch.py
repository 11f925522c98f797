"""PyTorch's side: the same network from the same weights, with its own best habits.

Its threads, either memory format, one fused SGD, inference without a record of gradients.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network
from peers import Convention, conventions, images_first, images_last

FORMATS = {"PyTorch": torch.contiguous_format, "PyTorch, channels last": torch.channels_last}


def habits(threads: int) -> Iterator[tuple[str, str, int]]:
    """Yield memory formats with all threads, and with one: on few images, or a busy machine, one may be the better."""
    for form in FORMATS:
        yield form, form, threads
        if threads > 1:
            yield f"{form}, 1 thread", form, 1


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch use `count` threads, whatever another library set for all of OpenMP."""
    torch.set_num_threads(count)
    yield


class TorchNetwork:
    """One of our networks in PyTorch.

    Parameters
    ----------
    network : Network
        Of layers that the presets have.
    form : str
        A name in FORMATS.
    learning_rate, momentum : float
        Of the SGD that `step` takes.
    """

    def __init__(self, network: Network, form: str = "PyTorch", learning_rate: float = 0.02, momentum: float = 0.9) -> None:
        self._format = FORMATS[form]
        self._conventions = conventions(network)
        self._names = list(network.parameters())
        self.module = nn.Sequential(*map(_module, network.layers))
        for name, array in network.parameters().items():
            i, _, kind = name.partition(".")
            parameter = getattr(self.module[int(i)], "weight" if kind == "W" else "bias")
            parameter.data = torch.from_numpy(self._conventions[name].out(array).copy())
        self.module = self.module.to(memory_format=self._format)
        self.optimiser = torch.optim.SGD(self.module.parameters(), lr=learning_rate, momentum=momentum, fused=True)

    def images(self, x: Array) -> torch.Tensor:
        """A batch in its layout."""
        return torch.from_numpy(images_first(x)).contiguous(memory_format=self._format)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """One pass that keeps nothing."""
        with torch.inference_mode():
            return self.module(x)

    def step(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """One step of training."""
        self.optimiser.zero_grad()
        nn.functional.cross_entropy(self.module(x), y).backward()
        self.optimiser.step()

    def backprop(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The gradient of every weight, in the order of the network's arrays."""
        L = nn.functional.cross_entropy(self.module(x), y)
        g: tuple[torch.Tensor, ...] = torch.autograd.grad(L, list(self.module.parameters()))
        return g

    def named(self, gradients: tuple[torch.Tensor, ...]) -> dict[str, Array]:
        """The same in our layout."""
        pairs = zip(self._names, gradients, strict=True)
        return {name: self._conventions[name].back(g.numpy()) for name, g in pairs}

    def weights(self) -> dict[str, Array]:
        """The weights as they are now, in our layout."""
        return self.named(tuple(parameter.detach() for parameter in self.module.parameters()))


def labels(y: Array) -> torch.Tensor:
    """Labels, as it wants them."""
    return torch.from_numpy(y.astype(np.int64))


def tensor(array: Array, form: str) -> torch.Tensor:
    """Images or rows of ours as its tensor."""
    found = torch.from_numpy(images_first(array).copy())
    return found.contiguous(memory_format=FORMATS[form]) if found.ndim == 4 else found


def array(found: torch.Tensor) -> Array:
    """Its images or rows as our array."""
    return images_last(found.detach().numpy())


def weights(ours: Array) -> torch.Tensor:
    """Filters or a matrix by themselves, or labels."""
    return torch.from_numpy(Convention().out(ours).copy()) if ours.dtype.kind == "f" else labels(ours)


def _module(layer: Layer) -> nn.Module:
    if isinstance(layer, Conv2d):
        _, _, channels, filters = layer.W.shape
        return nn.Conv2d(channels, filters, layer.kernel, layer.stride, layer.padding)
    if isinstance(layer, Linear):
        return nn.Linear(*layer.W.shape)
    if isinstance(layer, MaxPool2d):
        return nn.MaxPool2d(layer.window, layer.stride, layer.padding)
    return nn.ReLU() if isinstance(layer, ReLU) else nn.Flatten()
