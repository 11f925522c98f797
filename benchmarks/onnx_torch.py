"""Small CNNs of PyTorch, exported to ONNX at several opsets and by both exporters, and imported: logits and gradients.

python benchmarks/onnx_torch.py          exits with 1 if one disagrees

It needs `pip install torch==2.13.0 onnx onnxscript`, and perhaps onnxruntime.
Logits are held to PyTorch, and to onnxruntime where it is installed; `check` compares backpropagation, exact differences and the
definition on the imported network; its gradients are held to PyTorch's, array by array, for the arrays that both have.
"""

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from handmade.engine.backend import BACKENDS, use_backend
from handmade.engine.check.networks.check import check
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop, difference
from handmade.files.onnx import read_graph, read_network
from handmade.files.onnx.run import run

OPSETS = (11, 13, 17, 18, 20)
CLOSE = 2e-5  # relative to the largest logit, both in float32
CLOSE_GRADIENTS = 1e-9  # between our own, in float64
TO_TORCH = 1e-3  # between our gradients in float64 and PyTorch's in float32, relative to the largest of an array


class Module(nn.Module):  # type: ignore[misc]  # PyTorch is of any type here
    """Base class of the modules below."""


class Basic(Module):
    """Block of ResNet: two convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.m, self.n = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        same = stride == 1 and before == after
        self.shortcut = nn.Sequential() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x: Any) -> Any:
        """Return relu(block(x) + shortcut(x))."""
        return F.relu(self.n(self.b(F.relu(self.m(self.a(x))))) + self.shortcut(x))


class Squeeze(Module):
    """Squeeze and excitation: a gate for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Any) -> Any:
        """Return x times its gates."""
        return x * F.hardsigmoid(self.b(F.relu(self.a(F.adaptive_avg_pool2d(x, 1)))))


class Inverted(Module):
    """Block of MobileNet: expansion, one filter a channel, projection."""

    def __init__(self, channels: int, act: Callable[[], nn.Module], *, squeeze: bool) -> None:
        super().__init__()
        wide = 2 * channels
        parts = [nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), act()]
        parts += [nn.Conv2d(wide, wide, 3, 1, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), act()]
        parts += [Squeeze(wide)] if squeeze else []
        self.block = nn.Sequential(*parts, nn.Conv2d(wide, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: Any) -> Any:
        """Return x + block(x)."""
        return x + self.block(x)


class Inception(Module):
    """Four branches side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b = (
            nn.Conv2d(channels, 2, 1),
            nn.Sequential(nn.Conv2d(channels, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1)),
        )
        self.c, self.d = nn.Conv2d(channels, 2, 5, padding=2), nn.Conv2d(channels, 1, 1)

    def forward(self, x: Any) -> Any:
        """Return all branches, one after the other."""
        return torch.cat([self.a(x), self.b(x), self.c(x), self.d(F.max_pool2d(x, 3, 1, 1))], 1)


class Shuffle(Module):
    """ShuffleNet: split, one half through a branch, and a shuffle of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels // 2, channels // 2, 3, padding=1), nn.BatchNorm2d(channels // 2), nn.ReLU()
        )

    def forward(self, x: Any) -> Any:
        """Return the shuffled halves."""
        a, b = x.chunk(2, 1)
        y = torch.cat([a, self.branch(b)], 1)
        N, C, H, W = y.shape
        return y.view(N, 2, C // 2, H, W).transpose(1, 2).reshape(N, C, H, W)


class Views(Module):
    """Flatten as notebooks write it: x.view(x.size(0), -1), with dropout and log_softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.fc1, self.fc2 = nn.Linear(4 * 12 * 12, 16), nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        """Return log-probabilities, as the MNIST example of PyTorch."""
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(F.dropout(F.relu(self.fc1(x)), 0.5, self.training)), dim=1)


class Normed(Module):
    """Image normalised inside, GELU, and a mean over rows and columns."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3, 2, padding_mode="zeros"), nn.Linear(4, 10)

    def forward(self, x: Any) -> Any:
        """Return probabilities."""
        x = F.gelu(self.conv((x - 0.1307) / 0.3081))
        return F.softmax(self.fc(F.silu(x).mean((2, 3))), -1)


def stem(*parts: nn.Module, channels: int = 4) -> nn.Module:
    """Return a classifier around some blocks."""
    first = nn.Conv2d(1, channels, 3, 2, 1)
    return nn.Sequential(first, nn.ReLU(), *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))


def models() -> dict[str, nn.Module]:
    """Return the modules by name."""
    lenet = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 32), nn.Tanh(), nn.Linear(32, 10)),
    )
    odd = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, dilation=2, padding=1), nn.PReLU(4), nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
        *(nn.ReflectionPad2d(1), nn.Conv2d(4, 4, (3, 1), (2, 1)), nn.ELU(), nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
        *(nn.Hardtanh(), nn.Flatten(), nn.LazyLinear(10)),
    )
    return {
        "LeNet": lenet,
        "odd windows": odd,
        "MNIST example": Views(),
        "normalised inside": Normed(),
        "ResNet blocks": stem(Basic(4, 4, 1), Basic(4, 6, 2)),
        "MobileNet block, ReLU6": stem(Inverted(4, nn.ReLU6, squeeze=False)),
        "MobileNet block, HardSwish, SE": stem(Inverted(4, nn.Hardswish, squeeze=True)),
        "Inception branch": stem(Inception(4)),
        "ShuffleNet block": stem(Shuffle(4)),
    }


def prepared(module: nn.Module) -> nn.Module:
    """Return the module in inference, with running statistics as after a training."""
    torch.manual_seed(0)
    module(torch.randn(4, 1, 28, 28))
    module.train()
    for _ in range(3):
        module(torch.randn(16, 1, 28, 28))
    return module.eval()


def exported(module: nn.Module, opset: int, *, new: bool) -> bytes:
    """Return the ONNX file that PyTorch writes, with a symbolic batch."""
    file = io.BytesIO()
    x = torch.randn(2, 1, 28, 28)
    how: dict[str, Any] = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},)} if new else {"dynamo": False}
    if not new:
        how["dynamic_axes"] = {"image": {0: "batch"}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        if new:
            program = torch.onnx.export(module, (x,), input_names=["image"], opset_version=opset, external_data=False, **how)
            assert program is not None
            program.save(file)
        else:
            torch.onnx.export(module, (x,), file, input_names=["image"], opset_version=opset, **how)
    return file.getvalue()


def compare(name: str, module: nn.Module, opset: int, *, new: bool) -> list[str]:
    """Return the problems of one export."""
    data = exported(module, opset, new=new)
    x = torch.rand(4, 1, 28, 28)
    expected = module(x).detach().numpy()
    try:
        imported = read_network(data)
    except HandmadeError as refusal:
        return [f"refused: {refusal}"]
    network, images = imported.network, np.moveaxis(x.numpy(), 1, 3)
    (output,) = imported.outputs.values()
    problems = []
    for backend in BACKENDS:
        with use_backend(backend):
            apart = {
                "network": _apart(network.outputs(images)[output], expected),
                "backend of ONNX": _apart(run(read_graph(data), [x.numpy()]).outputs[0], expected),
            }
        problems += [f"{what}, {backend}: logits differ by {each:.0e}" for what, each in apart.items() if not each < CLOSE]
    with contextlib.suppress(ImportError):
        import onnxruntime  # noqa: PLC0415  not everywhere

        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        error = _apart(network.outputs(images)[output], session.run(None, {"image": x.numpy()})[0])
        problems += [f"onnxruntime: logits differ by {error:.0e}"] if not error < CLOSE else []
    y = np.array([3, 1])
    wide = network.replace(
        {key: array.astype(np.float64) for key, array in (network.parameters() | network.statistics()).items()}
    )
    for backend in BACKENDS:
        with use_backend(backend):
            g, d = (
                backprop(wide, images[:2].astype(np.float64), y)[1],
                difference(wide, images[:2].astype(np.float64), y, h=1e-30)[1],
            )
        worst = max((_apart(g[key], d[key]), key) for key in g)
        problems += [f"{backend}: gradients of {worst[1]} differ by {worst[0]:.0e}"] if not worst[0] < CLOSE_GRADIENTS else []
    report = check(network, images[:2], y, tries=3)
    problems += [each.story() for each in report.arrays if each.verdict == "bug"]
    problems += _to_torch(module, x[:2], y, network, backprop(network, images[:2], y)[1])
    kinds = ", ".join(dict.fromkeys(node.layer.kind for node in network.nodes))
    print(f"{name:32}opset {opset}, {'new' if new else 'old'} exporter: {len(network.nodes)} layers ({kinds})")
    return problems


def _to_torch(module: nn.Module, x: Any, y: Any, network: Any, ours: dict[str, Any]) -> list[str]:
    """Compare gradients with PyTorch's for the Linear layers, whose arrays exporters keep: the last one has the same output."""
    module.zero_grad()
    z = module(x)
    log_p = z.log() if torch.all(z >= 0) and torch.allclose(z.sum(1), torch.ones(len(z))) else F.log_softmax(z, 1)
    F.nll_loss(log_p, torch.tensor(y)).backward()
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    name = next(node.name for node in reversed(network.nodes) if node.layer.kind == "Linear")
    assert last.weight.grad is not None
    assert last.bias.grad is not None
    W = last.weight.grad.numpy().T
    before = _before(network, name)
    if len(before) == 3:  # the rows are in the order of the layer's input: channels last
        H, V, C = before
        W = W.reshape(C, H, V, -1).transpose(1, 2, 0, 3).reshape(W.shape)
    pairs = {"W": W, "b": last.bias.grad.numpy()}
    errors = {key: _apart(ours[f"{name}.{key}"], theirs) for key, theirs in pairs.items()}
    return [f"PyTorch: gradient of {name}.{key} differs by {error:.0e}" for key, error in errors.items() if not error < TO_TORCH]


def _before(network: Any, name: str) -> Any:
    """Return the shape that Flatten before a Linear reads, or else that of its input."""
    nodes = {node.name: node for node in network.nodes}
    source = nodes[name].reads[0]
    return network.shape_of[nodes[source].reads[0] if nodes[source].layer.kind == "Flatten" else source]


def _apart(ours: Any, theirs: Any) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))


def main() -> int:
    """Compare all; 1 if one disagrees."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    failed = 0
    for name, made in models().items():
        module = prepared(made)
        for opset, new in [*((opset, False) for opset in OPSETS), (18, True)]:
            try:
                problems = compare(name, module, opset, new=new)
            except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
                print(f"{name}: PyTorch does not export it at opset {opset}: {str(error)[:100]}")
                continue
            failed += len(problems)
            for problem in problems:
                print(f"    DISAGREES, {name}, opset {opset}: {problem}")
    print("all agree" if not failed else f"{failed} disagree")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
