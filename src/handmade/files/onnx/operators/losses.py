"""Losses as outputs of a graph: SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss. An import leaves them out.

L[n,i] = -w[t] log p[n,t,i],   t = label[n,i]          mean: sum of L / sum of w[t];  labels of ignore_index have the weight 0
"""

from typing import Any

import numpy as np

from handmade.files.onnx.graph import Operation
from handmade.files.onnx.operators.softmax import log_softmax
from handmade.files.onnx.operators.table import value
from handmade.files.onnx.types import Values


def _loss(node: Operation, log_p: Values, labels: Values, weights: Values | None) -> Any:
    """Return the loss of log-probabilities (N, C, ...) for labels (N, ...)."""
    ignored = node.get("ignore_index")
    counted = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    safe = np.where(counted, labels, 0)
    w = np.ones(labels.shape, log_p.dtype) if weights is None else np.take(weights, safe).astype(log_p.dtype)
    w = np.where(counted, w, 0).astype(log_p.dtype)
    each = -w * np.take_along_axis(log_p, np.expand_dims(safe, 1), 1).squeeze(1)
    match node.get("reduction", "mean"):
        case "none":
            return each.astype(log_p.dtype)
        case "sum":
            return np.asarray(each.sum()).astype(log_p.dtype)
    return np.asarray(each.sum() / w.sum()).astype(log_p.dtype)


@value("NegativeLogLikelihoodLoss")
def _nll(node: Operation, x: Values, labels: Values, weights: Values | None = None) -> Any:
    return _loss(node, x, labels, weights)


@value("SoftmaxCrossEntropyLoss")
def _cross_entropy(node: Operation, x: Values, labels: Values, weights: Values | None = None) -> tuple[Values, Values]:
    log_p = log_softmax(x, 1)
    return _loss(node, log_p, labels, weights), log_p
