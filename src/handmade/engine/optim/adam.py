"""Adam: a step of momentum, divided by the recent size of the gradient, both corrected for their start at 0.

    m <- beta1 m + (1 - beta1) g,    m_hat = m / (1 - beta1^t)
    v <- beta2 v + (1 - beta2) g^2,  v_hat = v / (1 - beta2^t)
    w <- w - lr m_hat / (sqrt(v_hat) + eps)

Kingma & Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, algorithm 1; their alpha is lr, their theta is w. eps is
added after the correction, as there and in PyTorch; ONNX adds it before.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, SHARE, check
from handmade.engine.optim.optimiser import State, count, zeros


@dataclass(frozen=True)
class Adam:
    """Adaptive moments; PyTorch's `Adam`.

    Parameters
    ----------
    learning_rate : float
        lr, above 0; about the longest step that a weight takes.
    beta1, beta2 : float
        How much of m and of v is kept, from 0 up to but not including 1.
    eps : float
        Above 0; keeps a weight without gradient from 0 / 0.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        check(self, learning_rate=POSITIVE, beta1=SHARE, beta2=SHARE, eps=POSITIVE)

    def start(self, parameters: dict[str, Array]) -> State:
        return count(0) | zeros("m", parameters) | zeros("v", parameters)

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        lr, beta1, beta2 = float(scale * self.learning_rate), self.beta1, self.beta2
        t = int(state["t"]) + 1
        moved, remembered = {}, count(t)
        for name, w in parameters.items():
            g = gradients[name]
            m = beta1 * state[f"m/{name}"] + (1 - beta1) * g
            v = beta2 * state[f"v/{name}"] + (1 - beta2) * g**2
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            moved[name] = w - lr * m_hat / (np.sqrt(v_hat) + self.eps)
            remembered |= {f"m/{name}": m, f"v/{name}": v}
        return moved, remembered
