"""Training as a stream of records: the loop, its batches, its state, validation, early stopping and a monitor of problems."""

from handmade.engine.training.loop import Diverged, Step, train
from handmade.engine.training.state import TrainingState
from handmade.engine.training.stopping import Best

__all__ = ["Best", "Diverged", "Step", "TrainingState", "train"]
