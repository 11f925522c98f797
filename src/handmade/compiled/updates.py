"""Updates of weights in compiled loops: each number is read once and written once, on all cores.

    momentum   v' = mu v + g,   w' = w - lr v'
    nesterov   v' = mu v + g,   w' = w - lr (g + mu v')

Results have the same bits as in engine/optim: no multiplication and addition are fused here.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeAlias

import numpy as np

from handmade.compiled.fused import FLOATS
from handmade.compiled.jit import exact_loops
from handmade.engine.arrays import Array
from handmade.engine.layers import add_rules, rule
from handmade.engine.optim import Momentum, Nesterov, Optimiser, State
from handmade.engine.parallel import parallel_map, thread_executor

NUMBERS_PER_TASK = 2**16

Slice: TypeAlias = tuple[Array, ...]  # the same part of w, v, g, new w, new v


@exact_loops
def momentum(w: Any, v: Any, g: Any, new_w: Any, new_v: Any, mu: Any, lr: Any) -> None:
    """The equations above."""
    for i in range(w.size):
        step = mu * v[i] + g[i]
        new_v[i] = step
        new_w[i] = w[i] - lr * step


@exact_loops
def nesterov(w: Any, v: Any, g: Any, new_w: Any, new_v: Any, mu: Any, lr: Any) -> None:
    """The equations above."""
    for i in range(w.size):
        step = mu * v[i] + g[i]
        new_v[i] = step
        new_w[i] = w[i] - lr * (g[i] + mu * step)


add_rules(Momentum, compiled_update=momentum)
add_rules(Nesterov, compiled_update=nesterov)


def supports(optimiser: Optimiser, parameters: dict[str, Array], gradients: dict[str, Array], state: State) -> bool:
    """Return True if the optimiser has a compiled rule, and each weight, its gradient and its velocity have one dtype."""
    return rule(optimiser, "compiled_update") is not None and all(
        w.dtype in FLOATS and w.dtype == gradients[name].dtype == state[f"v/{name}"].dtype for name, w in parameters.items()
    )


def update(
    optimiser: Optimiser,
    parameters: dict[str, Array],
    gradients: dict[str, Array],
    state: State,
    scale: float,
    executor: Executor | None,
) -> tuple[dict[str, Array], State]:
    """Return the result of `optimiser.step`, for an optimiser with a velocity and a compiled rule."""
    loop: Callable[..., None] = rule(optimiser, "compiled_update")
    made: Any = optimiser
    new, memory = ({name: np.empty_like(w, order="C") for name, w in parameters.items()} for _ in range(2))
    tasks: list[Slice] = []
    for name, w in parameters.items():
        arrays = [
            np.ascontiguousarray(each, w.dtype).reshape(-1)
            for each in (w, state[f"v/{name}"], gradients[name], new[name], memory[name])
        ]
        tasks += [
            tuple(each[first : first + NUMBERS_PER_TASK] for each in arrays) for first in range(0, w.size, NUMBERS_PER_TASK)
        ]

    def work(task: Slice) -> None:
        number = task[0].dtype.type
        loop(*task, number(made.momentum), number(float(scale * made.learning_rate)))

    numbers = sum(w.size for w in parameters.values())
    for _ in parallel_map(thread_executor(executor) if numbers > NUMBERS_PER_TASK else None, work, tasks):
        pass
    return new, {f"v/{name}": v for name, v in memory.items()}
