"""Write tests/torch_batch_norm.json: BatchNorm2d by PyTorch, in float64, for tests/test_stages.py.

PyTorch is no dependency, not even of the tests. In an environment of its own:

python3 -m venv .torch && .torch/bin/pip install torch==2.13.0 numpy
.torch/bin/python benchmarks/torch_batch_norm.py

Two batches go through one layer in training, the second with the running statistics that the first left; then the second once
more, in inference. PyTorch's images are (N, C, H, W); the table holds ours, (N, H, W, C).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]  # see above
from numpy.typing import NDArray

SHAPE = (3, 2, 4, 2)  # (N, H, W, C)
SETTINGS = [{"momentum": 0.1, "epsilon": 1e-5}, {"momentum": 0.25, "epsilon": 0.5}]


def passed(layer: Any, x: NDArray[np.float64], gy: NDArray[np.float64]) -> dict[str, Any]:
    """Return what one batch gives, and what the layer keeps of it."""
    images = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    layer.zero_grad()
    y = layer(images)
    y.backward(torch.tensor(np.moveaxis(gy, -1, 1).copy()))
    numbers = {
        "y": np.moveaxis(y.detach().numpy(), 1, -1),
        "gx": np.moveaxis(images.grad.numpy(), 1, -1),
        "W": layer.weight.grad.numpy(),
        "b": layer.bias.grad.numpy(),
        "mean": layer.running_mean.numpy(),
        "variance": layer.running_var.numpy(),
    }
    return {name: array.tolist() for name, array in numbers.items()}


def main() -> None:
    """Draw, run, write."""
    rng = np.random.default_rng(0)
    offset = np.array([100.0, 0.0])  # one channel lies far from zero
    x = np.round(rng.standard_normal((2, *SHAPE)) + offset, 3)
    gy = np.round(rng.standard_normal((2, *SHAPE)), 3)
    W, b = np.round(rng.standard_normal((2, SHAPE[-1])), 3)
    runs = []
    for settings in SETTINGS:
        layer = torch.nn.BatchNorm2d(SHAPE[-1], eps=settings["epsilon"], momentum=settings["momentum"], dtype=torch.float64)
        with torch.no_grad():
            layer.weight[:] = torch.tensor(W)
            layer.bias[:] = torch.tensor(b)
        batches = [passed(layer, x[0], gy[0]), passed(layer, x[1], gy[1])]
        layer.eval()
        batches.append(passed(layer, x[1], gy[1]))
        runs.append({"settings": settings, "batches": batches})
    table = {"torch": torch.__version__, "x": x.tolist(), "gy": gy.tolist(), "W": W.tolist(), "b": b.tolist(), "runs": runs}
    path = Path(__file__).parent.parent / "tests" / "torch_batch_norm.json"
    path.write_text(json.dumps(table) + "\n", encoding="utf-8")
    print(f"{path}: {len(runs)} runs of {len(runs[0]['batches'])} batches by PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
