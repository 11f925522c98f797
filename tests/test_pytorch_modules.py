"""Live modules of PyTorch: as networks, back as source code, and their files. Without PyTorch these tests are skipped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import HandmadeError, Network
from handmade.data import mnist
from handmade.engine.arrays import Array
from handmade.files.pytorch import from_module, from_state_dict, module_source, read, to_state_dict

DIGITS = mnist().test.images[:4].astype(np.float32) / 255


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch", reason="PyTorch is not installed: its modules were not converted")
    found.manual_seed(0)
    return found


def lenet(torch: Any) -> Any:
    functional = torch.nn.functional

    class LeNet(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = torch.nn.Conv2d(1, 6, 5, padding=2), torch.nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.drop = torch.nn.Linear(400, 20), torch.nn.Linear(20, 10), torch.nn.Dropout(0.5)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
            x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
            return self.fc2(self.drop(functional.relu(self.fc1(x.view(x.size(0), -1)))))

    return LeNet()


def mobile(torch: Any) -> Any:
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.wide = nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
            self.deep = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
            self.gate, self.narrow = nn.Linear(8, 8), nn.Conv2d(8, 4, 1)

        def forward(self, x: Any) -> Any:
            y = self.deep(self.wide(x))
            y = y * torch.sigmoid(self.gate(y.mean((2, 3))))[:, :, None, None]
            return torch.cat([x + self.narrow(y), nn.functional.avg_pool2d(x, 3, 1, 1)], dim=1)

    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
    module = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), Block(), head)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    return module


def outputs(torch: Any, module: Any, x: Array) -> Array:
    """Return the outputs of a module in inference for images (N, H, W, C)."""
    was = module.training
    module.eval()
    with torch.no_grad():
        found: Array = module(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    module.train(was)
    return found


@pytest.mark.parametrize("make", [lenet, mobile])
def test_a_module_becomes_a_network_and_its_source_a_module(torch: Any, make: Any) -> None:
    module = make(torch)
    network = from_module(module, (1, 28, 28))
    expected = outputs(torch, module, DIGITS)
    np.testing.assert_allclose(network.logits(DIGITS), expected, rtol=1e-4, atol=1e-5)
    assert module.training

    content: dict[str, Any] = {}
    exec(module_source(network), content)  # the source that a user would copy
    again = content["model"]
    arrays = {name: torch.from_numpy(array) for name, array in to_state_dict(network).items()}
    again.load_state_dict(arrays, strict=True)
    np.testing.assert_allclose(outputs(torch, again, DIGITS), expected, rtol=1e-4, atol=1e-5)


def test_the_weights_are_copies(torch: Any) -> None:
    module = lenet(torch)
    network = from_module(module, (1, 28, 28))
    before = network.logits(DIGITS)
    torch.nn.init.zeros_(module.fc2.weight)
    np.testing.assert_array_equal(network.logits(DIGITS), before)


def test_state_dicts_and_checkpoints_are_read_by_the_names_of_the_layers(torch: Any, tmp_path: Path) -> None:
    module, other = lenet(torch), from_module(lenet(torch), (1, 28, 28))
    expected = from_module(module, (1, 28, 28)).parameters()
    behind = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    checkpoint = {"epoch": 3, "model_state_dict": module.state_dict(), "optimiser": {"state": {}}}
    for content in (module.state_dict(), behind, checkpoint):
        torch.save(content, tmp_path / "weights.pth")
        found: Network = from_state_dict(other, read(tmp_path / "weights.pth"))
        for name, array in found.parameters().items():
            np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_files_that_are_no_state_dict_are_refused(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(torch.nn.Linear(2, 3), path)
    with pytest.raises(
        HandmadeError, match=r"holds more than tensors, which could run code\. Try torch\.save\(model\.state_dict"
    ):
        read(path)
    torch.save([1, 2], path)
    with pytest.raises(HandmadeError, match=r"expected a state dict, names and tensors; got"):
        read(path)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(HandmadeError, match=r"^[^\n]*weights\.pth: expected a state dict; the file is damaged[^\n]*$"):
        read(path)


def test_all_parts_without_a_layer_are_named(torch: Any) -> None:
    nn = torch.nn
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LocalResponseNorm(2), nn.ReLU(), nn.PixelShuffle(2), nn.Flatten())
    with pytest.raises(NotImplementedError, match=r"; 2 have none: 1 LocalResponseNorm[^;]*; 3 PixelShuffle") as refused:
        from_module(module, (1, 28, 28))
    assert isinstance(refused.value, HandmadeError)


def test_branches_that_depend_on_the_images_are_refused(torch: Any) -> None:
    class Branch(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    with pytest.raises(HandmadeError, match=r"^module: expected one that torch\.fx can trace, [^\n]*$"):
        from_module(Branch(), (1, 28, 28))
    with pytest.raises(HandmadeError, match=r"^module: expected one that reads images \(N, 3, 28, 28\); got: "):
        from_module(lenet(torch), (3, 28, 28))
    with pytest.raises(HandmadeError, match=r"^module: expected a torch\.nn\.Module"):
        from_module(torch.nn.Linear, (1, 28, 28))
