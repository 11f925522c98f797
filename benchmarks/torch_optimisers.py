"""Write tests/torch_optimisers.json: twelve steps of every optimiser by PyTorch, in float64, for tests/test_optim.py.

PyTorch is no dependency, not even of the tests. In an environment of its own:

python3 -m venv .torch && .torch/bin/pip install torch==2.13.0 numpy
.torch/bin/python benchmarks/torch_optimisers.py

The gradients are drawn, not computed: an optimiser does not care where they come from. In each array one column is of order 1 and
one of order 1e-7, where eps = 1e-8 shows, and the first step of one weight is exactly 0. A `weight_decay` beside the settings is
PyTorch's, for the weights and not for the biases; the tests add it to the gradient as the penalty L2.
"""

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]  # see above
from numpy.typing import NDArray

Arrays: TypeAlias = dict[str, NDArray[np.float64]]

STEPS = 12
FALLING = [1 - step / STEPS for step in range(STEPS)]  # a schedule's factors
RUNS: list[dict[str, Any]] = [
    {"optimiser": "GradientDescent", "settings": {"learning_rate": 0.05}},
    {"optimiser": "GradientDescent", "settings": {"learning_rate": 0.05}, "scales": FALLING, "weight_decay": 0.1},
    {"optimiser": "Momentum", "settings": {"learning_rate": 0.02, "momentum": 0.9}},
    {"optimiser": "Momentum", "settings": {"learning_rate": 0.05, "momentum": 0.5}, "weight_decay": 0.1},
    {"optimiser": "Momentum", "settings": {"learning_rate": 0.02, "momentum": 0.9}, "scales": FALLING},
    {"optimiser": "Nesterov", "settings": {"learning_rate": 0.02, "momentum": 0.9}},
    {"optimiser": "Nesterov", "settings": {"learning_rate": 0.05, "momentum": 0.5}, "scales": FALLING, "weight_decay": 0.1},
    {"optimiser": "RMSProp", "settings": {"learning_rate": 0.01, "decay": 0.9, "eps": 1e-8}},
    {"optimiser": "RMSProp", "settings": {"learning_rate": 0.003, "decay": 0.99, "eps": 1e-3}, "scales": FALLING},
    {"optimiser": "RMSProp", "settings": {"learning_rate": 0.01, "decay": 0.5, "eps": 1e-8}, "weight_decay": 0.1},
    {"optimiser": "Adam", "settings": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}},
    {"optimiser": "Adam", "settings": {"learning_rate": 0.02, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3}, "scales": FALLING},
    {
        "optimiser": "Adam",
        "settings": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
        "weight_decay": 0.1,
    },
    {
        "optimiser": "AdamW",
        "settings": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
    },
    {
        "optimiser": "AdamW",
        "settings": {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.5},
        "scales": FALLING,
    },
]


def optimiser(name: str, settings: dict[str, float], groups: list[dict[str, Any]]) -> Any:
    """PyTorch's optimiser for one of ours."""
    s, optim = settings, torch.optim
    match name:
        case "GradientDescent":
            return optim.SGD(groups, lr=s["learning_rate"])
        case "Momentum":
            return optim.SGD(groups, lr=s["learning_rate"], momentum=s["momentum"])
        case "Nesterov":
            return optim.SGD(groups, lr=s["learning_rate"], momentum=s["momentum"], nesterov=True)
        case "RMSProp":
            return optim.RMSprop(groups, lr=s["learning_rate"], alpha=s["decay"], eps=s["eps"])
    kind = {"Adam": optim.Adam, "AdamW": optim.AdamW}[name]
    return kind(groups, lr=s["learning_rate"], betas=(s["beta1"], s["beta2"]), eps=s["eps"])


def trajectory(run: dict[str, Any], weights: Arrays, gradients: list[Arrays]) -> list[Arrays]:
    """The weights after every step of one run."""
    parameters = {name: torch.tensor(w, requires_grad=True) for name, w in weights.items()}
    settings = run["settings"]
    decay = {name: run.get("weight_decay", 0.0) if name.endswith("W") else 0.0 for name in parameters}
    groups = [
        {"params": [p], "weight_decay": settings.get("weight_decay", decay[name])}  # AdamW's own is for every weight
        for name, p in parameters.items()
    ]
    pytorch = optimiser(run["optimiser"], settings, groups)
    path = []
    for g, scale in zip(gradients, run.get("scales", [1.0] * STEPS), strict=True):
        for group in pytorch.param_groups:
            group["lr"] = scale * settings["learning_rate"]
        for name, p in parameters.items():
            p.grad = torch.tensor(g[name])
        pytorch.step()
        path.append({name: p.detach().numpy().copy() for name, p in parameters.items()})
    return path


def plain(arrays: Arrays) -> dict[str, Any]:
    """Arrays as JSON holds them; a float is written so that reading gives the same float."""
    return {name: array.tolist() for name, array in arrays.items()}


def line(value: Any) -> str:
    """JSON with a long list, one step an entry, spread over lines."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(line(entry) for entry in value) + "\n]"
    if isinstance(value, dict) and any(isinstance(entry, list) and isinstance(entry[0], dict) for entry in value.values()):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {line(entry)}" for key, entry in value.items()) + "\n}"
    return json.dumps(value)


def main() -> None:
    """Draw, run, write."""
    rng = np.random.default_rng(0)
    sizes = np.array([1.0, 1e-7])
    shapes = {"0.W": (2, 2), "0.b": (2,)}
    weights = {name: rng.choice([-1.0, 1.0], shape) * rng.uniform(1, 2, shape) for name, shape in shapes.items()}
    gradients = [{name: sizes * rng.standard_normal(shape) for name, shape in shapes.items()} for _ in range(STEPS)]
    gradients[0]["0.W"][0, 1] = 0.0
    runs = [run | {"path": [plain(w) for w in trajectory(run, weights, gradients)]} for run in RUNS]
    table = {
        "torch": torch.__version__,
        "weights": plain(weights),
        "gradients": [plain(g) for g in gradients],
        "runs": runs,
    }
    path = Path(__file__).parent.parent / "tests" / "torch_optimisers.json"
    path.write_text(line(table) + "\n", encoding="utf-8")
    print(f"{path}: {len(runs)} runs of {STEPS} steps by PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
