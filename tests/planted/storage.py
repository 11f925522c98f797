"""Bugs in layers that keep weights and gradients in places of their own, and gradients that are missing."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, UNSURE, bug, draw, right


class Linear:
    """The equations, for layers that differ in where they keep things."""

    half = 1.0

    def output(self, x: Array, W: Array, b: Any) -> Any:
        return x @ W + b

    def gradients(self, x: Array, gy: Array, W: Array) -> tuple[Array, Array, Array]:
        return gy @ W.T, self.half * (x.T @ gy), gy.sum(axis=0)


# --- lists --------------------------------------------------------------------------------------------------------------------

LISTS: Any = {
    "weights": lambda layer: {"W": layer.params[0], "b": layer.params[1]},
    "gradients": lambda layer: dict(zip("Wb", [*layer.grads, None, None][:2], strict=True)),
}


@right(ROWS, **LISTS)
class InLists(Linear):
    def __init__(self) -> None:
        self.params, self.grads = [draw(5, 4), draw(4)], [np.zeros((5, 4)), np.zeros(4)]

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, *self.params)

    def backward(self, gy: Array) -> Any:
        gx, *self.grads = self.gradients(self.x, gy, self.params[0])
        return gx


@bug(ROWS, "ratio", **LISTS)
class InListsHalved(InLists):
    half = 0.5


@bug(ROWS, "ratio", "batch size", **LISTS)
class InListsBiasAveraged(InLists):
    def gradients(self, x: Array, gy: Array, W: Array) -> tuple[Array, Array, Array]:
        return gy @ W.T, x.T @ gy, gy.mean(axis=0)


@bug(ROWS, "zero", **LISTS)
class InListsNeverWritten(InLists):
    def backward(self, gy: Array) -> Any:
        return self.gradients(self.x, gy, self.params[0])[0]


@bug(ROWS, "missing", verdicts=UNSURE, **LISTS)
class InListsOneForgotten(InLists):
    def backward(self, gy: Array) -> Any:
        gx, gW, _ = self.gradients(self.x, gy, self.params[0])
        self.grads = [gW]
        return gx


@bug(ROWS, "swapped", "shape", "missing", verdicts=UNSURE, **LISTS)
class InListsExchanged(InLists):
    def backward(self, gy: Array) -> Any:
        gx, gW, gb = self.gradients(self.x, gy, self.params[0])
        self.grads = [gb, gW]
        return gx


@bug(ROWS, "state", **LISTS)
class InListsAddedUp(InLists):
    """Nothing sets them to zero."""

    def backward(self, gy: Array) -> Any:
        gx, *new = self.gradients(self.x, gy, self.params[0])
        self.grads = [old + g for old, g in zip(self.grads, new, strict=True)]
        return gx


# --- parameter objects --------------------------------------------------------------------------------------------------------


@dataclass
class Parameter:
    data: Array
    grad: Any = None


OBJECTS: Any = {
    "weights": lambda layer: {"W": layer.weight.data, "b": layer.bias.data},
    "gradients": lambda layer: {"W": layer.weight.grad, "b": layer.bias.grad},
}


@right(ROWS, **OBJECTS)
class InObjects(Linear):
    def __init__(self) -> None:
        self.weight, self.bias = Parameter(draw(5, 4)), Parameter(draw(4))

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.weight.data, self.bias.data)

    def backward(self, gy: Array) -> Any:
        gx, self.weight.grad, self.bias.grad = self.gradients(self.x, gy, self.weight.data)
        return gx


@bug(ROWS, "ratio", **OBJECTS)
class InObjectsHalved(InObjects):
    half = 0.5


@bug(ROWS, "missing", verdicts=UNSURE, **OBJECTS)
class InObjectsOneForgotten(InObjects):
    def backward(self, gy: Array) -> Any:
        gx, self.weight.grad, _ = self.gradients(self.x, gy, self.weight.data)
        return gx


@bug(ROWS, "permuted", **OBJECTS)
class InObjectsRolled(InObjects):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.bias.grad = np.roll(self.bias.grad, 1)
        return gx


@bug(ROWS, "wrong sign", "ratio", **OBJECTS)
class InObjectsDownhill(InObjects):
    half = -1.0


# --- slots, attributes of the class, properties -------------------------------------------------------------------------------

ATTRIBUTES: Any = {
    "weights": lambda layer: {"W": layer.W, "b": layer.b},
    "gradients": lambda layer: {"W": layer.dW, "b": layer.db},
}


@right(ROWS, **ATTRIBUTES)
class InSlots:
    __slots__ = ("W", "b", "dW", "db", "x")

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)
        self.dW, self.db = np.zeros((5, 4)), np.zeros(4)

    def forward(self, x: Array) -> Any:
        self.x = x
        return x @ self.W + self.b

    def backward(self, gy: Array) -> Any:
        self.dW, self.db = self.x.T @ gy, gy.sum(axis=0)
        return gy @ self.W.T


@bug(ROWS, "ratio", **ATTRIBUTES)
class InSlotsDoubled(InSlots):
    __slots__ = ()

    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.dW *= 2
        return gx


@bug(ROWS, "zero", **ATTRIBUTES)
class InSlotsNeverWritten(InSlots):
    __slots__ = ()

    def backward(self, gy: Array) -> Any:
        self.dW = self.x.T @ gy
        return gy @ self.W.T


@right(ROWS, frozenset({"correct", "not tested"}), **ATTRIBUTES)
class BehindProperties(Linear):
    """The arrays have other names, or none."""

    dW: Any
    db: Any

    def __init__(self) -> None:
        self._arrays = (draw(5, 4), draw(4))

    @property
    def W(self) -> Any:
        return self._arrays[0]

    @property
    def b(self) -> Any:
        return self._arrays[1]

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.W, self.b)

    def backward(self, gy: Array) -> Any:
        gx, self.dW, self.db = self.gradients(self.x, gy, self.W)
        return gx


@bug(ROWS, "ratio", "missing", verdicts=UNSURE, **ATTRIBUTES)
class BehindPropertiesHalved(BehindProperties):
    half = 0.5


# --- made in the first forward ------------------------------------------------------------------------------------------------


def built(layer: Any) -> dict[str, Any]:
    layer.build(5)
    return {"W": layer.W, "b": layer.b}


MADE: Any = {"weights": built, "gradients": ATTRIBUTES["gradients"]}


@right(ROWS, **MADE)
class MadeInForward(Linear):
    W: Any = None
    b: Any = None
    dW: Any = None
    db: Any = None

    def build(self, inputs: int) -> None:
        if self.W is None:
            self.W, self.b = draw(inputs, 4), draw(4)

    def forward(self, x: Array) -> Any:
        self.build(x.shape[1])
        self.x = x
        return self.output(x, self.W, self.b)

    def backward(self, gy: Array) -> Any:
        gx, self.dW, self.db = self.gradients(self.x, gy, self.W)
        return gx


@bug(ROWS, "ratio", **MADE)
class MadeInForwardHalved(MadeInForward):
    half = 0.5


@bug(ROWS, "missing", verdicts=UNSURE, **MADE)
class MadeInForwardForgotten(MadeInForward):
    def backward(self, gy: Array) -> Any:
        gx, self.dW, _ = self.gradients(self.x, gy, self.W)
        return gx


# --- numbers ------------------------------------------------------------------------------------------------------------------

NUMBERS: Any = {
    "weights": lambda layer: {"W": layer.W, "bias": layer.bias},
    "gradients": lambda layer: {"W": layer.grads["W"], "bias": layer.grads.get("bias")},
}


@right(ROWS, **NUMBERS)
class BiasIsANumber(Linear):
    def __init__(self) -> None:
        self.W, self.bias = draw(5, 4), 0.3
        self.grads: dict[str, Any] = {}

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.W, self.bias)

    def backward(self, gy: Array) -> Any:
        gx, gW, gb = self.gradients(self.x, gy, self.W)
        self.grads = {"W": gW, "bias": float(gb.sum())}
        return gx


@bug(ROWS, "ratio", **NUMBERS)
class BiasIsANumberAveraged(BiasIsANumber):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.grads["bias"] = float(gy.mean())
        return gx


@bug(ROWS, "wrong sign", "ratio", **NUMBERS)
class BiasIsANumberDownhill(BiasIsANumber):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.grads["bias"] = -self.grads["bias"]
        return gx


@bug(ROWS, "missing", verdicts=UNSURE, **NUMBERS)
class BiasIsANumberForgotten(BiasIsANumber):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        del self.grads["bias"]
        return gx


@bug(ROWS, "not summed", "shape", **NUMBERS)
class BiasIsANumberItsGradientNone(BiasIsANumber):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.grads["bias"] = gy.sum(axis=0)
        return gx


# --- names that do not fit, gradients that are not there ----------------------------------------------------------------------


@right(ROWS)
class InDicts(Linear):
    """Weights in one dict, gradients in another."""

    def __init__(self) -> None:
        self.params = {"W": draw(5, 4), "b": draw(4)}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.params["W"], self.params["b"])

    def backward(self, gy: Array) -> Any:
        gx, gW, gb = self.gradients(self.x, gy, self.params["W"])
        self.grads = {"W": gW, "b": gb}
        return gx


@bug(ROWS, "ratio")
class InDictsHalved(InDicts):
    half = 0.5


@bug(ROWS, "missing", verdicts=UNSURE)
class InDictsBiasForgotten(InDicts):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        del self.grads["b"]
        return gx


@bug(ROWS, "missing", verdicts=UNSURE)
class InDictsAllForgotten(InDicts):
    def backward(self, gy: Array) -> Any:
        return self.gradients(self.x, gy, self.params["W"])[0]


@right(ROWS)
class InDictsReturned(InDicts):
    def backward(self, gy: Array) -> Any:
        return super().backward(gy), self.grads


@right(ROWS)
class BothReturned(Linear):
    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)

    def forward(self, x: Array) -> Any:
        return self.output(x, self.W, self.b)

    def backward(self, x: Array, gy: Array) -> Any:
        gx, gW, gb = self.gradients(x, gy, self.W)
        return gx, {"W": gW, "b": gb}


@bug(ROWS, "missing", verdicts=UNSURE)
class OneReturned(BothReturned):
    """b is added, and its gradient is nowhere."""

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"W": g["W"]}


OTHER_NAMES: Any = {
    "weights": lambda layer: {"weights": layer.weights, "biases": layer.biases},
    "gradients": lambda layer: {"weights": layer.dweights, "biases": layer.db},
}


@right(ROWS, frozenset({"correct", "not tested"}), **OTHER_NAMES)
class GradientOfAnotherName(Linear):
    """The gradient of biases is called db."""

    def __init__(self) -> None:
        self.weights, self.biases = draw(5, 4), draw(4)

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.weights, self.biases)

    def backward(self, gy: Array) -> Any:
        gx, self.dweights, self.db = self.gradients(self.x, gy, self.weights)
        return gx


@bug(ROWS, "ratio", "missing", verdicts=UNSURE, **OTHER_NAMES)
class GradientOfAnotherNameDoubled(GradientOfAnotherName):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.db = 2 * self.db
        return gx


@right(ROWS, weights=lambda layer: {"W": layer.W, "b": layer.b}, gradients=lambda layer: {"W": layer.grad_W, "b": layer.grad_b})
class InGradAttributes(Linear):
    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, self.W, self.b)

    def backward(self, gy: Array) -> Any:
        gx, self.grad_W, self.grad_b = self.gradients(self.x, gy, self.W)
        return gx


@bug(
    ROWS,
    "transposed",
    "shape",
    weights=lambda layer: {"W": layer.W, "b": layer.b},
    gradients=lambda layer: {"W": layer.grad_W, "b": layer.grad_b},
)
class InGradAttributesTransposed(InGradAttributes):
    def backward(self, gy: Array) -> Any:
        gx = super().backward(gy)
        self.grad_W = self.grad_W.T
        return gx


# --- layers within layers -----------------------------------------------------------------------------------------------------


INNER: Any = {
    "weights": lambda layer: {"W": layer.inner.params["W"], "b": layer.inner.params["b"], "scale": layer.scale},
    "gradients": lambda layer: {"W": layer.inner.grads.get("W"), "b": layer.inner.grads.get("b"), "scale": layer.dscale},
}


@right(ROWS, **INNER)
class Around:
    """y = scale * inner(x)."""

    inside: Any = InDicts

    def __init__(self) -> None:
        self.inner, self.scale = self.inside(), 1 + 0.3 * draw(4)

    def forward(self, x: Array) -> Any:
        self.y = self.inner.forward(x)
        return self.scale * self.y

    def backward(self, gy: Array) -> Any:
        self.dscale = (gy * self.y).sum(axis=0)
        return self.inner.backward(gy * self.scale)


@bug(ROWS, "ratio", **INNER)
class AroundAHalvedOne(Around):
    inside = InDictsHalved


@bug(ROWS, "missing", verdicts=UNSURE, **INNER)
class AroundAForgetfulOne(Around):
    inside = InDictsBiasForgotten


@bug(ROWS, "derivative forgotten", **INNER)
class AroundScaleForgotten(Around):
    def backward(self, gy: Array) -> Any:
        self.dscale = (gy * self.y).sum(axis=0)
        return self.inner.backward(gy)


STACK: Any = {
    "weights": lambda stack: {f"{n}.{k}": a for n, layer in enumerate(stack.layers) for k, a in layer.params.items()},
    "gradients": lambda stack: {f"{n}.{k}": a for n, layer in enumerate(stack.layers) for k, a in layer.grads.items()},
}


@dataclass
class Bend:
    params: dict[str, Any] = field(default_factory=dict)
    grads: dict[str, Any] = field(default_factory=dict)

    def forward(self, x: Array) -> Any:
        self.y = np.tanh(x)
        return self.y

    def backward(self, gy: Array) -> Any:
        return gy * (1 - self.y**2)


class Narrow(InDicts):
    def __init__(self) -> None:
        self.params = {"W": draw(4, 2), "b": draw(2)}
        self.grads = {}


@right(ROWS, **STACK)
class Stack:
    """Layers in a list."""

    def __init__(self) -> None:
        self.layers: list[Any] = [InDicts(), Bend(), Narrow()]

    def forward(self, x: Array) -> Any:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gy: Array) -> Any:
        for layer in reversed(self.layers):
            gy = layer.backward(gy)
        return gy


@bug(ROWS, "ratio", **STACK)
class StackFirstHalved(Stack):
    def __init__(self) -> None:
        self.layers = [InDictsHalved(), Bend(), Narrow()]


@bug(ROWS, "derivative forgotten", **STACK)
class StackBendForgotten(Stack):
    def backward(self, gy: Array) -> Any:
        return self.layers[0].backward(self.layers[2].backward(gy))


@bug(ROWS, "zero", "missing", verdicts=UNSURE, **STACK)
class StackFirstSkipped(Stack):
    """No gradient ever reaches its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers[0].grads = {"W": np.zeros((5, 4)), "b": np.zeros(4)}

    def backward(self, gy: Array) -> Any:
        gy = self.layers[1].backward(self.layers[2].backward(gy))
        return gy @ self.layers[0].params["W"].T


# --- one vector for all weights -----------------------------------------------------------------------------------------------

VECTOR: Any = {"weights": lambda layer: {"theta": layer.theta}, "gradients": lambda layer: {"theta": layer.dtheta}}


@right(ROWS, **VECTOR)
class InOneVector(Linear):
    def __init__(self) -> None:
        self.theta, self.dtheta = draw(24), np.zeros(24)

    def split(self) -> Any:
        return self.theta[:20].reshape(5, 4), self.theta[20:]

    def forward(self, x: Array) -> Any:
        self.x = x
        return self.output(x, *self.split())

    def backward(self, gy: Array) -> Any:
        gx, gW, gb = self.gradients(self.x, gy, self.split()[0])
        self.dtheta = self.join(gW, gb)
        return gx

    def join(self, gW: Array, gb: Array) -> Any:
        return np.concatenate([gW.ravel(), gb])


@bug(ROWS, "permuted", "swapped", **VECTOR)
class InOneVectorBiasFirst(InOneVector):
    def join(self, gW: Array, gb: Array) -> Any:
        return np.concatenate([gb, gW.ravel()])


@bug(ROWS, "transposed", "permuted", **VECTOR)
class InOneVectorTransposed(InOneVector):
    def join(self, gW: Array, gb: Array) -> Any:
        return np.concatenate([gW.T.ravel(), gb])


@bug(ROWS, "edge", "one place", **VECTOR)
class InOneVectorBiasForgotten(InOneVector):
    def join(self, gW: Array, gb: Array) -> Any:
        return np.concatenate([gW.ravel(), 0 * gb])


# --- the cache is handed on ---------------------------------------------------------------------------------------------------


@right(ROWS)
class WithACache(Linear):
    """Forward returns its output and what backward needs."""

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)

    def forward(self, x: Array) -> Any:
        return self.output(x, self.W, self.b), (x,)

    def backward(self, gy: Array, cache: Any) -> Any:
        gx, gW, gb = self.gradients(cache[0], gy, self.W)
        return gx, {"W": gW, "b": gb}


@bug(ROWS, "ratio")
class WithACacheHalved(WithACache):
    half = 0.5


@bug(ROWS, "state")
class WithACacheNotRead(WithACache):
    """It reads the last input."""

    def forward(self, x: Array) -> Any:
        self.last = x.copy()
        return super().forward(x)

    def backward(self, gy: Array, cache: Any) -> Any:
        return super().backward(gy, (self.last,))


@right(ROWS)
class Called(Linear):
    """__call__ in the place of forward, and gy first."""

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)

    def __call__(self, x: Array) -> Any:
        return self.output(x, self.W, self.b)

    def backward(self, gy: Array, x: Array) -> Any:
        gx, gW, gb = self.gradients(x, gy, self.W)
        return gx, {"W": gW, "b": gb}


@bug(ROWS, "wrong sign", "ratio")
class CalledDownhill(Called):
    half = -1.0
