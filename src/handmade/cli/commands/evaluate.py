"""`handmade evaluate`: accuracy on the test images, and the confusion matrix."""

from pathlib import Path

from handmade.cli.commands.options import Json, Seed, Target
from handmade.runs.data_source import MNIST, DataSource


def evaluate(model: Target, *, data: DataSource = MNIST, seed: Seed = 0, json: Json = False) -> None:
    """Measure accuracy on the test images."""
    from handmade.cli import data_sets
    from handmade.cli.console import print_json, results
    from handmade.cli.targets import network_of
    from handmade.data import prepare_for
    from handmade.engine import evaluation
    from handmade.runs.fitting import fitted
    from handmade.text.evaluation import layout

    images = data_sets.read(data)
    network = network_of(model, seed, images)
    test = fitted(network, images, str(data)).test
    found = evaluation.evaluate(network, test.images, test.labels, prepare_for(network))
    if json:
        print_json(
            {
                "model": model,
                "test_accuracy": found.accuracy,
                "test_loss": found.loss,
                "images": found.images,
                "weights": network.size,
                "classes": [network.class_name(k) for k in range(network.classes)],
                "confusion": found.confusion.tolist(),
            }
        )
        return
    results.print(f"{model}: {network.size:,} weights{_best_beside(Path(model))}", markup=False)
    results.print(*layout(found, "Test accuracy"), sep="\n")


def _best_beside(path: Path) -> str:
    """Return a note for a run with two models; empty if there is one."""
    from handmade.runs.record import BEST

    best = path / BEST
    return f", after the last step; the best by validation accuracy is {best}" if best.exists() else ""
