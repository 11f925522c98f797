"""Progress of a fit, which scikit-learn's argument `verbose` asks for: one line for each epoch on standard output."""

import sys


def show_epoch(epoch: int, epochs: int | None, loss: float, accuracy: float | None = None) -> None:
    """Print the mean loss of an epoch, and the accuracy on the validation set if there is one."""
    number = f"epoch {epoch}" if epochs is None else f"epoch {epoch} of {epochs}"
    measured = "" if accuracy is None else f", validation accuracy {100 * accuracy:.2f} %"
    sys.stdout.write(f"{number}: loss {loss:.6f}{measured}\n")
    sys.stdout.flush()
