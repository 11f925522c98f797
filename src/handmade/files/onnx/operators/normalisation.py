"""BatchNormalization and Dropout.

    y = scale (x - mean) / sqrt(variance + epsilon) + b          channel by channel

In ONNX, momentum is the weight of the old statistics, and the running variance divides by n; here and in PyTorch it is the weight
of the new ones, 1 - momentum, and the running variance divides by n - 1. In inference there is no difference.
"""

from typing import Any

import numpy as np

from handmade.engine.errors import HandmadeError
from handmade.engine.layers import BatchNorm2d, Dropout
from handmade.engine.layers.dropout import HIGHEST
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, view
from handmade.files.onnx.operators.elementwise import floating
from handmade.files.onnx.operators.table import Tensor, known, layers, value
from handmade.files.onnx.types import Values


def _trains(node: Operation) -> bool:
    """Return True if the statistics are those of the batch; before opset 7 that was the default."""
    if node.opset < 7:
        return not node.get("is_test", 0)
    return bool(node.get("training_mode", 0))


@value("BatchNormalization")
def _batch_norm(node: Operation, x: Values, scale: Values, b: Values, mean: Values, variance: Values) -> Any:
    if not node.get("spatial", 1):
        raise NoLayer("spatial 0: statistics for each pixel")
    wide = np.result_type(x.dtype, mean.dtype, np.float32)
    u, old = x.astype(wide), (mean.astype(wide), variance.astype(wide))
    axes = (0, *range(2, x.ndim))
    m, v = (u.mean(axis=axes), u.var(axis=axes)) if _trains(node) else old

    def channels(each: Values) -> Values:
        return each.astype(wide).reshape(-1, *[1] * (x.ndim - 2))

    y = (u - channels(m)) / np.sqrt(channels(v) + wide.type(node.get("epsilon", 1e-5))) * channels(scale) + channels(b)
    if not _trains(node) or len(node.outputs) == 1:
        return y.astype(x.dtype)
    keep = node.get("momentum", 0.9)
    running = [(keep * before + (1 - keep) * now).astype(mean.dtype) for before, now in zip(old, (m, v), strict=True)]
    return (y.astype(x.dtype), *running)


@layers("BatchNormalization")
def _batch_norm_layer(
    to: Builder, node: Operation, x: Tensor, scale: Tensor, b: Tensor, mean: Tensor, variance: Tensor
) -> Activation:
    given = floating(x)
    if _trains(node) or not node.get("spatial", 1):
        raise NoLayer("the statistics of the batch, or of each pixel, in inference")
    W, bias, m, v = [to.weights(known(each, "weights")) for each in (scale, b, mean, variance)]
    order = (*range(1, len(given.shape)), 0)  # channels last
    shape = tuple(given.shape[axis] for axis in order)
    if len(shape) not in {1, 3}:
        shape = (1,) * (3 - len(shape)) + shape if len(shape) < 3 else (int(np.prod(shape[:-2])), *shape[-2:])
    try:
        layer = BatchNorm2d(W, bias, m, v, 1 - node.get("momentum", 0.9), node.get("epsilon", 1e-5))
    except HandmadeError as error:
        raise NoLayer(str(error)) from None
    to.note(
        "BatchNormalization: in training, the running variance divides by n - 1, as in PyTorch, and not by n; "
        "momentum is the weight of the new statistics, 1 - ONNX's"
    )
    name = to.emit(node.name, layer, to.arrange(node.name, given, order, shape))
    found = view(name, to.shapes[name], range(len(shape)), given.dtype)
    return to.reshape(node.name, found, tuple(given.shape[axis] for axis in order)).transposed(np.argsort(order).tolist())


@value("Dropout")
def _dropout(node: Operation, x: Values, ratio: Values | None = None, training: Values | None = None) -> tuple[Values, Values]:
    """Return x and a mask of ones; in training (from opset 12), numbers are drawn as ONNX's own cases draw them."""
    rate = 0.5 if ratio is None else float(ratio)
    mask = np.ones(x.shape, bool)
    drops = (training is not None and bool(training)) if node.opset >= 12 else (node.opset < 7 and not node.get("is_test", 0))
    if drops and node.opset < 12:
        raise NoLayer("Dropout in training")
    if not drops or rate == 0:
        return x, mask if node.opset >= 10 else mask.astype(x.dtype)
    mask = np.random.RandomState(node.get("seed")).uniform(0, 1, x.shape) >= rate
    return (x * mask / x.dtype.type(1 - rate)).astype(x.dtype), mask


@layers("Dropout")
def _dropout_layer(to: Builder, node: Operation, x: Tensor, ratio: Tensor = None, training: Tensor = None) -> Activation:
    given = floating(x)
    if len([name for name in node.outputs if name]) > 1:
        raise NoLayer("it also returns its mask")
    trains = known(training, "training mode")
    if (trains is not None and bool(trains)) or (node.opset < 7 and not node.get("is_test", 0)):
        raise NoLayer("Dropout that drops numbers in inference")
    number = known(ratio, "ratio")
    rate = float(node.get("ratio", 0.5) if number is None else number)
    if not 0 < rate <= HIGHEST:
        return given
    return to.apply(node, Dropout(rate), given)
