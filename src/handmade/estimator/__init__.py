"""Estimator with the contract of scikit-learn: a network that is trained by handmade, for pipelines and searches.

It is imported when `handmade.CNNClassifier` is asked for, and with it scikit-learn.
"""

from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

try:
    import sklearn  # noqa: F401  the question is whether it is there
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise HandmadeError(not_installed("CNNClassifier", "scikit-learn", "sklearn")) from None

from handmade.estimator.classifier import CNNClassifier

__all__ = ["CNNClassifier"]
