"""Adam: averages of the gradient and of its square, both corrected for their start at 0.

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
        lr, above 0: about the longest step of a weight.
    beta1, beta2 : float
        Decay rates: shares of m and of v that are kept at each step, from 0 up to but not including 1.
    eps : float
        Small number above 0 that avoids 0 / 0 for a weight without gradient.

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
        weights, memory = {}, count(t)
        for name, w in parameters.items():
            g = gradients[name]
            m = beta1 * state[f"m/{name}"] + (1 - beta1) * g
            v = beta2 * state[f"v/{name}"] + (1 - beta2) * g**2
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            weights[name] = w - lr * m_hat / (np.sqrt(v_hat) + self.eps)
            memory |= {f"m/{name}": m, f"v/{name}": v}
        return weights, memory
