"""Modules of PyTorch as networks, and networks as modules: the outputs of both sides, and how far apart they are at most.

    python benchmarks/torch_modules.py

Needs PyTorch. Every part that a student's module may contain stands in one of these: layers, functions, methods, joins. The other
way, the printed source of random networks is run, loads the exported weights with strict=True, and computes the same.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from handmade.engine.arrays import Array
from handmade.engine.description import describe, restore
from handmade.files.pytorch import from_module, from_state_dict, module_source, to_state_dict
from handmade.network import Network

LARGEST = 1e-4  # error relative to the largest number of the output, in float32


class Module(nn.Module):  # type: ignore[misc]  # PyTorch is of any type here
    """Base class of the modules below."""


class CourseNet(Module):
    """The network of many course notebooks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logarithms of probabilities."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Block(Module):
    """Residual block with a projection."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.down = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block of x plus its projection."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.down(x))


class Inverted(Module):
    """Block of a MobileNet: a wide depthwise convolution between two of 1 x 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 3 * channels, 1, bias=False),
            nn.BatchNorm2d(3 * channels),
            nn.ReLU6(),
            nn.Conv2d(3 * channels, 3 * channels, 3, padding="same", groups=3 * channels, bias=False),
            nn.BatchNorm2d(3 * channels),
            nn.Hardswish(),
            nn.Conv2d(3 * channels, channels, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block of x plus x."""
        return x + self.layers(x)


class Gate(Module):
    """Squeeze and excitation: channels times numbers between 0 and 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, 4), nn.Linear(4, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x, each channel scaled."""
        gate = torch.sigmoid(self.fc2(F.silu(self.fc1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class Inception(Module):
    """Branches side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(3, 2, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return all branches, one after the other."""
        pooled = F.avg_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([self.a(x), F.leaky_relu(self.b(x), 0.2), F.elu(self.c(x)), pooled], dim=1)


class Methods(Module):
    """Methods of tensors, constants, slices."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(3, 1, 1))
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1))
        self.fc = nn.Linear(3 * 5 * 4, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return some numbers."""
        x = (x - self.mean) / 0.5 * self.scale + 1
        left, right = x.chunk(2, dim=3)
        x = left.tanh() - right.sigmoid().clamp(0.1, 0.6)
        x = F.pad(x[:, :, 1:, :], (1, 0, 0, 1), value=0.5).permute(0, 2, 3, 1)
        x = x.reshape(x.size(0), -1)
        return torch.softmax(self.fc(x), -1).log() * 2 - x.pow(2).sum(1, keepdim=True).sqrt()


class Several(Module):
    """Two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.one, self.two = nn.Conv2d(1, 4, 3), nn.Linear(4, 3), nn.Linear(4 * 26 * 26, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two rows."""
        x = F.gelu(self.trunk(x))
        return self.one(F.adaptive_avg_pool2d(x, 1).flatten(1)), self.two(torch.flatten(x, 1))


def modules() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Yield modules with the shape of an image."""
    yield "course", CourseNet(), (1, 28, 28)
    yield "rows", nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)), (1, 28, 28)
    yield "row", nn.Sequential(nn.Linear(12, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2), nn.Softmax(1)), (12,)
    yield "residual", nn.Sequential(Block(1, 4, 2), Block(4, 6, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (1, 12, 10)
    yield "mobile", nn.Sequential(Inverted(3), nn.AdaptiveMaxPool2d((2, 3)), nn.Flatten(), nn.Linear(18, 4)), (3, 8, 6)
    yield "gate", nn.Sequential(nn.Conv2d(1, 6, 3), Gate(6), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (1, 9, 8)
    yield "inception", nn.Sequential(Inception(), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.GELU("tanh")), (3, 8, 7)
    yield "methods", Methods(), (3, 5, 6)
    yield "several", Several(), (1, 28, 28)


def errors_of_modules() -> Iterator[tuple[str, float]]:
    """Yield the largest error of each module as a network."""
    torch.manual_seed(0)
    for name, module, shape in modules():
        for each in module.modules():
            if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d):
                each.running_mean.uniform_(-1, 1)
                each.running_var.uniform_(0.5, 2)
        x = torch.rand((4, *shape))
        was = module.training
        network = from_module(module, shape)
        assert module.training == was
        module.eval()
        with torch.no_grad():
            expected = module(x)
        listed = expected if isinstance(expected, tuple) else (expected,)
        found = list(network.outputs(to_ours(x.numpy())).values())[: len(listed)]  # then perhaps logits before a softmax
        yield name, max(error(to_ours(y.numpy()), ours) for y, ours in zip(listed, found, strict=True))


def errors_of_networks(make: Callable[[int], tuple[Network, Array]], count: int) -> Iterator[float]:
    """Yield the largest error of the printed module of random networks, in float64."""
    for seed in range(count):
        network, x = make(seed)
        space: dict[str, nn.Module] = {}
        exec(module_source(network), space)  # noqa: S102  the source was made here
        model = space["model"].double().eval()
        model.load_state_dict({name: torch.tensor(array) for name, array in to_state_dict(network).items()}, strict=True)
        back = from_state_dict(network, {name: value.numpy() for name, value in model.state_dict().items()})
        assert all((back.parameters()[name] == array).all() for name, array in network.parameters().items())
        with torch.no_grad():
            expected = model(torch.tensor(x.transpose(0, 3, 1, 2)))
        listed = expected if isinstance(expected, tuple) else (expected,)
        yield max(error(to_ours(y.numpy()), ours) for y, ours in zip(listed, network.outputs(x).values(), strict=True))


def random_network(seed: int) -> tuple[Network, Array]:
    """Return a random network in float64, for inference, and images."""
    from random_networks import random_problem  # noqa: PLC0415  beside the tests

    problem = random_problem(seed)
    network = problem.network
    arrays = {name: array.astype(np.float64) for name, array in (network.parameters() | network.statistics()).items()}
    return Network(**restore(describe(network), arrays)), problem.x.astype(np.float64)


def to_ours(array: Array) -> Array:
    """Return images (N, C, H, W) as (N, H, W, C)."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def error(expected: Array, found: Array) -> float:
    """Return the largest difference relative to the largest number."""
    assert expected.shape == found.shape, (expected.shape, found.shape)
    return float(np.abs(expected - found).max() / max(np.abs(expected).max(), 1e-30))


def main() -> None:
    """Print the errors; exit code 1 if one is too large."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    found = dict(errors_of_modules())
    for name, value in found.items():
        print(f"{name:12} {value:.1e}")
    count = 200
    largest = max(errors_of_networks(random_network, count))
    print(f"{count} random networks as modules, float64: {largest:.1e}")
    if max(found.values()) > LARGEST or largest > 1e-9:
        sys.exit("expected smaller errors")


if __name__ == "__main__":
    main()
