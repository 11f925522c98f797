"""Optimisation: optimisers, learning-rate schedules, penalties, gradient clipping and averages of weights.

All of them are pure functions, one idea in each file.
"""

from handmade.engine.optim.adam import Adam
from handmade.engine.optim.adamw import AdamW
from handmade.engine.optim.argument import as_optimiser
from handmade.engine.optim.clipping import clip_by_norm, clip_by_value, global_norm
from handmade.engine.optim.ema import EMA
from handmade.engine.optim.gradient_descent import GradientDescent
from handmade.engine.optim.momentum import Momentum
from handmade.engine.optim.nesterov import Nesterov
from handmade.engine.optim.optimiser import Optimiser, State
from handmade.engine.optim.penalties import L1, L2, Penalised, Penalty
from handmade.engine.optim.rmsprop import RMSProp
from handmade.engine.optim.schedules import SCHEDULES, Cosine, OneCycle, Schedule, StepDecay, constant, linear, warm_up

__all__ = [
    "EMA",
    "L1",
    "L2",
    "SCHEDULES",
    "Adam",
    "AdamW",
    "Cosine",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "OneCycle",
    "Optimiser",
    "Penalised",
    "Penalty",
    "RMSProp",
    "Schedule",
    "State",
    "StepDecay",
    "as_optimiser",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "global_norm",
    "linear",
    "warm_up",
]
