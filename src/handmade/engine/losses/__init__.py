"""Losses, one file for each, with forward, exact difference and gradient."""

from handmade.engine.layers.registry import add_rules
from handmade.engine.losses.cross_entropy import CrossEntropy
from handmade.engine.losses.loss import Loss
from handmade.engine.losses.mean_squared_error import MeanSquaredError
from handmade.engine.losses.weighted import Weighted, for_images, split_weights

for each in (CrossEntropy, MeanSquaredError):
    add_rules(each, delta_along=each.delta_along, receipt=each.receipt)
    add_rules(each, delta_receipt=each.delta_receipt, gradient_receipt=each.gradient_receipt)

__all__ = ["CrossEntropy", "Loss", "MeanSquaredError", "Weighted", "for_images", "split_weights"]
