"""CNNClassifier: a classifier of scikit-learn whose network is trained by handmade."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from handmade.data.standardisation import standardisation
from handmade.engine.arguments import described, integer, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.probabilities import log_softmax
from handmade.estimator.architecture import in_double_precision, make_network, padding_of
from handmade.estimator.data import check_known, check_same, check_two, make_samples, names_of, rows, shape_of, split, targets
from handmade.estimator.progress import show_epoch
from handmade.estimator.simplex import nearest_probabilities
from handmade.estimator.training import Fit, Samples, batch_size_of, prepare_for, run, settings_of, thread_count
from handmade.network import Network
from handmade.runs.fitting import completed
from handmade.runs.settings import Settings

LARGEST_SEED = 2**31 - 1
AT_ONCE = 500  # samples that are prepared at a time


class CNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Convolutional network as a classifier of scikit-learn.

    Each row of X is an image, row by row, its channels together: `images.reshape(len(images), -1)`. X may also be the images
    themselves, (N, H, W) or (N, H, W, C). Pixels may have any range: they are standardised by the training data.

    Parameters
    ----------
    network : None, str, path, dict, list or Network, default=None
        Layers. None: two convolutions, or one hidden layer of 100 units if a sample is no image. Else a preset ("readme", "seed",
        "deep"); a JSON file of layers, or its content; a model, a run or an ONNX file, or a Network, whose weights are the start;
        or a list of layers. The last Linear of a description gets one unit for each class.
    image_shape : tuple of int, default=None
        Shape of one image, (H, W) or (H, W, C). If left out, a square number of features from 64 on is a square image: 784 is
        28 x 28. Otherwise a sample is no image but a vector. (1, 1, 64) makes a vector of 64 features, too.
    gradient : {"difference", "definition", "backprop"}, default="difference"
        Method that computes gradients: exact finite differences, two losses for each weight (very slow), or backpropagation.
    loss : {"cross-entropy", "mse"}, default="cross-entropy"
        Loss function.
    solver : {"adam", "adamw", "momentum", "nesterov", "rmsprop", "gradient-descent"}, default="adam"
        Optimiser.
    learning_rate_init : float, default=None
        Learning rate at the start; if left out, that of the optimiser: 0.003 for Adam.
    learning_rate : {"linear", "constant", "cosine", "step", "one-cycle"}, default="linear"
        Learning-rate schedule; linear: a straight line down to 0. `partial_fit` keeps the rate constant.
    alpha : float, default=0.0
        Strength of the L2 penalty: alpha / 2 times the sum of w^2, without biases.
    batch_size : int or "auto", default="auto"
        Number of samples in a batch; "auto" is 32, or fewer if there are fewer than 1024 samples.
    max_iter : int, default=20
        Number of epochs.
    early_stopping : bool, default=False
        True to stop when the accuracy on a validation set no longer improves; the best network is kept.
    validation_fraction : float, default=0.1
        Share of the training data in the validation set, for `early_stopping`.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which the training stops, for `early_stopping`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, which multiply the weights of the samples.
    warm_start : bool, default=False
        True if `fit` starts from the network of the last call, with its standardisation.
    random_state : int, RandomState or None, default=None
        Source of the weights, of the order of the samples and of the validation set.
    n_jobs : int, default=None
        Number of threads; None is 1, -1 is one for each core. The result has the same bits with any number.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the network.
    verbose : bool, default=False
        True to print a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray, (classes,)
        Classes, sorted.
    network_ : Network
        Trained network, which can be saved, shown and explained. Its preparation holds the standardisation.
    image_shape_ : tuple of int
        Shape of one image, (H, W, C).
    loss_, loss_curve_ : float, list of float
        Mean loss of the last epoch, and of each epoch.
    n_iter_ : int
        Number of epochs of the last `fit`, or of all calls of `partial_fit`.
    validation_scores_, best_validation_score_ : list of float, float
        Accuracy on the validation set after each epoch, and the largest; None without `early_stopping`.
    n_features_in_, feature_names_in_
        Number and names of the features, as in all estimators.

    Notes
    -----
    The weights of samples and of classes multiply the terms of the loss, scaled to a mean of 1. Samples of weight 0 are left out.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from handmade import CNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> CNNClassifier(random_state=0).fit(X[:1500], y[:1500]).score(X[1500:], y[1500:]) > 0.93
    True
    """

    def __init__(
        self,
        network: Any = None,
        *,
        image_shape: Any = None,
        gradient: str = "difference",
        loss: str = "cross-entropy",
        solver: str = "adam",
        learning_rate_init: float | None = None,
        learning_rate: str = "linear",
        alpha: float = 0.0,
        batch_size: int | str = "auto",
        max_iter: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        dtype: str = "float32",
        verbose: bool = False,
    ) -> None:
        self.network = network
        self.image_shape = image_shape
        self.gradient = gradient
        self.loss = loss
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.dtype = dtype
        self.verbose = verbose

    # --- training -------------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, (N, features), (N, H, W) or (N, H, W, C)
            Images or vectors; finite numbers of any range.
        y : array, (N,)
            Classes: numbers or strings, at least two.
        sample_weight : array, (N,), optional
            Weights of the samples, of at least 0.

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used, or a number becomes infinite in training.
        """
        settings = settings_of(self.get_params(deep=False))
        epochs, patience = integer(self.max_iter, "max_iter", 1), integer(self.n_iter_no_change, "n_iter_no_change", 1)
        again = self.warm_start and hasattr(self, "network_")
        X, given = rows(X)
        X, y = validate_data(self, X, y, dtype="numeric", reset=not again)
        y = targets(y)
        classes = np.unique(y)
        check_two(classes)
        if again:
            check_same(classes, self.classes_, "y, with warm_start")
        self._random = check_random_state(self.random_state)
        seed = int(self._random.randint(LARGEST_SEED))
        samples = make_samples(X, self._shape(given, again=again), y, classes, sample_weight, self.class_weight)
        network = self.network_ if again else self._new_network(samples, classes, seed)
        training, validation = split(samples, self.validation_fraction, seed) if self.early_stopping else (samples, None)
        fitted = self._run(
            *(network, training, settings, epochs, seed),
            validation=validation,
            patience=patience if self.early_stopping else None,
            report=show_epoch if self.verbose else None,
        )
        self._keep(fitted, classes, fitted.losses)
        self.validation_scores_ = fitted.accuracies if self.early_stopping else None
        self.best_validation_score_ = max(fitted.accuracies) if self.early_stopping else None
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on some data, and keep the network and the state of the optimiser for the next call.

        The data of the first call decide the standardisation. The learning rate stays constant.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, (classes,), optional
            Classes of all calls; needed in the first one.

        Raises
        ------
        ValueError
            As for `fit`; or if the classes are missing, or others than before.
        """
        settings = settings_of(self.get_params(deep=False) | {"learning_rate": "constant"})
        if self.early_stopping:
            raise HandmadeError("early_stopping: expected False for partial_fit, which has no validation set, got True")
        if isinstance(self.class_weight, str):
            raise refused("class_weight", "a dict or None for partial_fit, which sees some data", described(self.class_weight))
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise HandmadeError("classes: expected all classes in the first call of partial_fit, got None. Try np.unique(y)")
        known = np.unique(targets(classes)) if first else self.classes_
        check_two(known)
        if classes is not None:
            check_same(np.unique(targets(classes)), known, "classes")
        X, given = rows(X)
        X, y = validate_data(self, X, y, dtype="numeric", reset=first)
        y = targets(y)
        check_known(y, known)
        if first:
            self._random = check_random_state(self.random_state)
        seed = int(self._random.randint(LARGEST_SEED))
        samples = make_samples(X, self._shape(given, again=not first), y, known, sample_weight, self.class_weight)
        network = self._new_network(samples, known, seed) if first else self.network_
        fitted = self._run(network, samples, settings, 1, seed, memory=None if first else self._memory)
        self._keep(fitted, known, fitted.losses if first else [*self.loss_curve_, *fitted.losses])
        if self.verbose:
            show_epoch(self.n_iter_, None, self.loss_)
        return self

    # --- predictions ----------------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each sample, (N,)."""
        found: Array = self._logits(X).argmax(axis=1)
        return np.take(self.classes_, found)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (N, classes): the softmax of the logits.

        With the mean squared error, the outputs are estimates of probabilities themselves; those nearest to them are returned.
        """
        z = self._logits(X).astype(np.float64)
        return nearest_probabilities(z) if self.loss == "mse" else np.exp(log_softmax(z))

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of `predict_proba`, (N, classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _logits(self, X: Any) -> Array:
        check_is_fitted(self)
        X, given = rows(X)
        X = validate_data(self, X, dtype="numeric", reset=False)
        images, network = X.reshape(-1, *self._shape(given, again=True)), in_double_precision(self.network_)
        prepare = prepare_for(network)
        blocks = (prepare(images[first : first + AT_ONCE]) for first in range(0, len(images), AT_ONCE))
        return np.concatenate([network.logits(block) for block in blocks])

    # --- parts ----------------------------------------------------------------------------------------------------------------

    def _shape(self, given: Shape | None, *, again: bool) -> Shape:
        """Return the shape of one image, for X whose images have the shape `given`, or that has none."""
        return shape_of(self.image_shape_ if again else self.image_shape, given, self.n_features_in_)

    def _new_network(self, samples: Samples, classes: Array, seed: int) -> Network:
        """Make the network for some samples, with the standardisation of these."""
        shape: Shape = samples.images.shape[1:]
        self.image_shape_ = shape
        made = make_network(self.network, shape, len(classes), np.random.default_rng(seed), self.dtype)
        preparation = made.preparation or standardisation(samples.images, samples.weights, padding_of(made, shape))
        return completed(made, preparation, names_of(classes))

    def _run(self, network: Network, samples: Samples, settings: Settings, epochs: int, seed: int, **options: Any) -> Fit:
        batch_size, n_threads = batch_size_of(self.batch_size, len(samples.labels)), thread_count(self.n_jobs)
        return run(network, samples, settings, epochs=epochs, batch_size=batch_size, seed=seed, n_threads=n_threads, **options)

    def _keep(self, fitted: Fit, classes: Array, losses: list[float]) -> None:
        """Set the attributes of a fitted estimator."""
        self.network_, self._memory, self.classes_ = fitted.network, fitted.memory, classes
        self.n_iter_, self.loss_curve_, self.loss_ = len(losses), losses, losses[-1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
