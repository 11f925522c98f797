"""CNNClassifier: scikit-learn's own checks, and images, weights, pipelines and searches as people use them."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Array

pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra sklearn)")

import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from handmade import CNNClassifier
from handmade.data.standardisation import standardisation
from handmade.estimator.architecture import as_image_shape, default_layers
from handmade.estimator.simplex import nearest_probabilities

# --- scikit-learn's checks ----------------------------------------------------------------------------------------------------

# One batch of all samples, in float64: then a sample of weight two is exactly a sample that is there twice.
WHOLE = CNNClassifier(max_iter=4, batch_size=1000, learning_rate_init=0.1, dtype="float64", gradient="backprop")
# As users have it, but for fewer epochs; mini-batches of repeated samples are other batches than those of weighted ones.
BATCHES = CNNClassifier(max_iter=4, batch_size=64, learning_rate_init=0.03)
DEFAULT = CNNClassifier()
OTHER_BATCHES = {
    "check_sample_weight_equivalence_on_dense_data": "repeated samples fall into other mini-batches than weighted samples do"
}


def expected_failures(estimator: Any) -> dict[str, str]:
    return {} if estimator.batch_size == WHOLE.batch_size else OTHER_BATCHES


@parametrize_with_checks([WHOLE], expected_failed_checks=expected_failures)  # type: ignore[untyped-decorator]  # as scikit-learn is
def test_scikit_learn_accepts_it(estimator: Any, check: Any) -> None:
    check(estimator)


def by_default(number: int, check: Any) -> bool:
    """Every fourth check, and the one that may fail; but not the one that trains for 1000 epochs, ten seconds by differences."""
    name = check.func.__name__
    return bool(name != "check_class_weight_classifiers" and (number % 4 == 0 or name in OTHER_BATCHES))


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(
            *(estimator, check),
            marks=[] if estimator is BATCHES and by_default(number, check) else pytest.mark.long,
            id=f"{'batches' if estimator is BATCHES else 'default'}-{check.func.__name__}-{number}",
        )
        for estimator in (BATCHES, DEFAULT)
        for number, (_, check) in enumerate(estimator_checks_generator(estimator))
    ],
)
def test_scikit_learn_accepts_mini_batches_and_differences(estimator: Any, check: Any) -> None:
    if check.func.__name__ in OTHER_BATCHES:
        with pytest.raises(AssertionError, match="not equivalent to fitting with removed or repeated"):
            check(clone(estimator))
        return
    check(clone(estimator))


@pytest.mark.long
def test_scikit_learn_accepts_it_with_arrays_of_other_libraries() -> None:
    """One check is skipped unless an environment variable is set before SciPy is imported."""
    code = (
        "from sklearn.utils.estimator_checks import check_estimator\nfrom handmade import CNNClassifier\n"
        f"done = check_estimator({WHOLE!r}, on_fail=None, on_skip=None)\n"
        "print([each['status'] for each in done if each['check_name'] == 'check_array_api_input'])"
    )
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "['passed']\n"


def test_there_are_as_many_checks_as_there_should_be() -> None:
    for estimator in (WHOLE, BATCHES, DEFAULT):
        assert len(list(estimator_checks_generator(estimator))) >= 60
        assert len(expected_failures(estimator)) <= 1
    tags = CNNClassifier().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    weakened = (tags.no_validation, tags._skip_test, tags.non_deterministic, tags.classifier_tags.poor_score)
    assert not any(weakened)


# --- images -------------------------------------------------------------------------------------------------------------------


def digits(samples: int = 400) -> tuple[Array, Array]:
    X, y = load_digits(return_X_y=True)
    return X[:samples], y[:samples]


def quick(**parameters: Any) -> Any:
    """An estimator that learns digits in a fraction of a second."""
    return CNNClassifier(**{"gradient": "backprop", "max_iter": 6, "learning_rate_init": 0.01, "random_state": 0, **parameters})


def test_digits_are_learned() -> None:
    X, y = load_digits(return_X_y=True)
    a, b, c, d = train_test_split(X, y, stratify=y, test_size=0.2, random_state=0)
    assert CNNClassifier(gradient="backprop", random_state=0).fit(a, c).score(b, d) >= 0.97


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_digits_are_learned_by_differences_with_defaults(seed: int) -> None:
    X, y = load_digits(return_X_y=True)
    a, b, c, d = train_test_split(X, y, stratify=y, test_size=0.2, random_state=seed)
    assert CNNClassifier(random_state=seed).fit(a, c).score(b, d) >= 0.97


def test_rows_and_images_are_the_same() -> None:
    X, y = digits(100)
    images = X.reshape(-1, 8, 8)
    wanted = quick(max_iter=1).fit(X, y).predict_proba(X)
    for given in (images, images[..., None]):
        est = quick(max_iter=1).fit(given, y)
        assert est.image_shape_ == (8, 8, 1)
        for asked in (X, images, images[..., None]):
            np.testing.assert_array_equal(est.predict_proba(asked), wanted)
    with pytest.raises(ValueError, match="image_shape: expected the shape of an image of X"):
        est.predict(X.reshape(-1, 16, 4))


def test_colour_images_and_other_sizes_are_learned() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    X = rng.normal(0, 1, (120, 5, 9, 3)) + 2 * np.eye(3)[y][:, None, None]  # one channel is brighter
    est = quick().fit(X, y)
    assert est.image_shape_ == (5, 9, 3)
    assert est.network_.input_shape == (5, 9, 3)
    assert est.score(X.reshape(120, -1), y) > 0.95
    assert quick(image_shape=(5, 9, 3)).fit(X.reshape(120, -1), y).score(X, y) > 0.95


@pytest.mark.parametrize(
    ("features", "shape"),
    [(1, (1, 1, 1)), (9, (1, 1, 9)), (49, (1, 1, 49)), (64, (8, 8, 1)), (65, (1, 1, 65)), (784, (28, 28, 1))],
)
def test_square_images_are_inferred(features: int, shape: tuple[int, ...]) -> None:
    assert as_image_shape(None, features) == shape


@pytest.mark.parametrize("shape", [(1, 2), (1, 7), (2, 2), (3, 3), (4, 5), (7, 1), (28, 28)])
def test_default_layers_fit_images_of_any_size(shape: tuple[int, int]) -> None:
    layers = [*default_layers((*shape, 2)), {"layer": "Linear", "units": 3}]
    network = handmade.networks.described({"input": [*shape, 2], "layers": layers}, 0)
    assert network.classes == 3


def test_a_vector_may_have_a_square_number_of_features() -> None:
    X, y = digits(100)
    est = quick(max_iter=1, image_shape=(1, 1, 64)).fit(X, y)
    assert [node.layer.kind for node in est.network_.nodes] == ["Flatten", "Linear", "ReLU", "Linear"]


# --- scaling ------------------------------------------------------------------------------------------------------------------


def test_pixels_may_have_any_range() -> None:
    X, y = digits(200)
    wanted = quick(max_iter=2).fit(X, y).predict_proba(X)
    for other in (X / 16, X * 255 / 16, 1000 - 3 * X, X.astype(np.uint8), 1e200 * X, 1e-20 * X):
        found = quick(max_iter=2).fit(other, y).predict_proba(other)
        if other[0, 0] == 1000:  # negatives are other images
            assert quick().fit(other, y).score(other, y) > 0.9
        else:
            np.testing.assert_allclose(found, wanted, atol=1e-3)  # float32, through 14 steps


def test_the_standardisation_is_mean_and_deviation_of_each_channel() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal([3, -1e5, 7], [1, 30, 0], (2500, 2, 3, 3))  # the last channel is constant
    a = rng.integers(0, 3, 2500).astype(float)
    made = standardisation(images, a, 1)
    x = made(images, np.float64)[:, 1:-1, 1:-1]
    repeated = np.repeat(x, a.astype(int), axis=0)
    np.testing.assert_allclose(repeated.mean(axis=(0, 1, 2)), 0, atol=1e-9)  # 1e5 / 30 digits are lost in the mean
    np.testing.assert_allclose(repeated.std(axis=(0, 1, 2)), [1, 1, 0], atol=1e-9)
    assert not x[..., 2].any()


def test_the_saved_network_holds_the_scaling(tmp_path: Path) -> None:
    X, y = digits()
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    est = quick(max_iter=3).fit(X, names[y])
    est.network_.save(tmp_path / "digits.safetensors")

    network = handmade.load(tmp_path / "digits.safetensors")

    assert network.preparation is not None
    taken = network.predict(network.preparation(X.reshape(-1, 8, 8)))
    assert [network.class_name(k) for k in taken] == est.predict(X).tolist()
    assert network.class_names == tuple(sorted(names))


# --- networks -----------------------------------------------------------------------------------------------------------------

LAYERS = [
    {"layer": "Conv2d", "filters": 4, "kernel": 3},
    {"layer": "ReLU"},
    {"layer": "Flatten"},
    {"layer": "Linear", "units": 10},
]


def test_a_network_may_be_given_in_many_ways(tmp_path: Path) -> None:
    X, y = digits(200)
    y %= 3  # descriptions are adapted to three classes
    file = tmp_path / "network.json"
    file.write_text('{"layers": [{"layer": "Flatten"}, {"layer": "Linear", "units": 10}]}')
    rng = np.random.default_rng(0)
    objects = [handmade.Flatten(), handmade.Linear.init(rng, 64, 3)]
    trained = quick(network="readme", max_iter=3).fit(X, y)
    trained.network_.save(tmp_path / "model.safetensors")
    for network in ("readme", str(file), file, LAYERS, {"layers": LAYERS}, {"input": [8, 8, 1], "layers": LAYERS}, objects):
        est = clone(quick(network=network, max_iter=1)).fit(X, y)
        assert est.network_.classes == 3
        assert est.predict(X).shape == (200,)
    for start in (tmp_path / "model.safetensors", trained.network_):
        est = clone(quick(network=start, max_iter=1, learning_rate_init=1e-9)).fit(X, y)
        np.testing.assert_allclose(est.predict_proba(X), trained.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "redme"}, r"network: expected readme or seed or deep or cifar, or a JSON file"),
        ({"network": 7}, r"network: expected None, one of readme, seed, deep, cifar, a path, layers or a Network; got 7"),
        ({"network": {"input": [9, 9, 1], "layers": LAYERS}}, r"network: expected an input \(8, 8, 1\).*reads \(9, 9, 1\)"),
        ({"network": [{"layer": "Flatten"}]}, r"network: expected a network with weights"),
        ({"network": [handmade.Flatten(), handmade.Linear(np.ones((64, 4)), np.ones(4))]}, r"expected 10 logits.*got 4"),
        ({"image_shape": (7, 9)}, r"image_shape: expected the shape of 64 numbers, as X has features, got \(7, 9\)"),
        ({"image_shape": (64,)}, r"image_shape: expected \(height, width\) or"),
        ({"gradient": "newton"}, r"gradient: expected"),
        ({"loss": "hinge"}, r"loss: expected"),
        ({"solver": "lbfgs"}, r"solver: expected"),
        ({"learning_rate_init": -1}, r"^learning_rate_init: expected"),
        ({"learning_rate_init": "fast"}, r"^learning_rate_init: expected"),
        ({"learning_rate": "adaptive"}, r"^learning_rate: expected"),
        ({"alpha": -1}, r"alpha: expected a number of at least 0, got -1"),
        ({"batch_size": 0}, r"batch_size: expected"),
        ({"max_iter": 0}, r"max_iter: expected"),
        ({"n_jobs": 0}, r"n_jobs: expected"),
        ({"dtype": "int8"}, r"dtype: expected"),
        ({"early_stopping": True, "validation_fraction": 1.5}, r"validation_fraction: expected a number between 0 and 1"),
        ({"early_stopping": True, "n_iter_no_change": 0}, r"n_iter_no_change: expected"),
        (
            {"class_weight": {0: 0.0, **dict.fromkeys(range(1, 10), 0)}},
            r"expected finite weights of at least 0, one of them above",
        ),
        ({"solver": "gradient-descent", "learning_rate_init": 1e30}, r"try a smaller learning_rate_init"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused_in_one_line(parameters: dict[str, Any], message: str) -> None:
    X, y = digits(60)
    with pytest.raises(ValueError, match=message) as caught:
        quick(**parameters).fit(X, y)
    assert "\n" not in str(caught.value)


# --- weights ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", ["difference", "definition", "backprop"])
@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_weights_decide_between_classes_that_contradict(gradient: str, loss: str) -> None:
    X = np.repeat(np.eye(2), 20, axis=0)
    y = np.tile([0, 1], 20)  # each place has as many of both classes
    net = [{"layer": "Flatten"}, {"layer": "Linear", "units": 2}]
    est = quick(network={"input": [1, 1, 2], "layers": net}, gradient=gradient, loss=loss, max_iter=20, learning_rate_init=0.1)
    first = clone(est).fit(X, y, sample_weight=np.where(y == 0, 3, 1))
    assert first.predict_proba(X)[:, 0] == pytest.approx(0.75, abs=0.05)  # the share of the weight
    assert clone(est).set_params(class_weight={0: 1, 1: 3}).fit(X, y).predict(X).tolist() == [1] * 40
    np.testing.assert_array_equal(
        clone(est).set_params(class_weight={0: 1, 1: 3}).fit(X, y).predict_proba(X),
        clone(est).fit(X, y, sample_weight=np.where(y == 0, 1, 3)).predict_proba(X),
    )


def test_only_the_ratio_of_weights_counts_and_none_is_as_a_removed_sample() -> None:
    X, y = digits(120)
    a = np.arange(120) % 3
    wanted = quick(max_iter=2).fit(X, y, sample_weight=a).predict_proba(X)
    np.testing.assert_allclose(quick(max_iter=2).fit(X, y, sample_weight=4 * a).predict_proba(X), wanted, rtol=1e-12)
    removed = quick(max_iter=2).fit(X[a > 0], y[a > 0], sample_weight=a[a > 0])
    np.testing.assert_allclose(removed.predict_proba(X), wanted, rtol=1e-12)
    plain = quick(max_iter=2).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(quick(max_iter=2).fit(X, y, sample_weight=np.full(120, 5)).predict_proba(X), plain)
    assert np.abs(plain - wanted).max() > 1e-3


# --- learning in parts --------------------------------------------------------------------------------------------------------


def test_a_warm_start_continues_and_a_cold_one_does_not() -> None:
    X, y = digits()
    est = quick(max_iter=4, warm_start=True).fit(X, y)
    before, names = est.loss_, est.network_.preparation
    est.fit(X, y)
    assert est.loss_ < 0.7 * before
    assert est.network_.preparation == names
    with pytest.raises(ValueError, match="with warm_start: expected the classes"):
        est.fit(X, y % 3)
    cold = quick(max_iter=4).fit(X, y)
    np.testing.assert_array_equal(cold.fit(X, y).loss_, before)


def test_partial_fit_learns_a_stream() -> None:
    X, y = digits(600)
    est = quick()
    for _ in range(4):
        for first in range(0, 600, 200):
            est.partial_fit(X[first : first + 200], y[first : first + 200], classes=range(10))
    assert est.n_iter_ == len(est.loss_curve_) == 12
    assert est.score(X, y) > 0.95
    again = pickle.loads(pickle.dumps(est))
    for each in (est, again):
        each.partial_fit(X[:100], y[:100])
    np.testing.assert_array_equal(est.predict_proba(X), again.predict_proba(X))


def test_partial_fit_says_what_it_needs() -> None:
    X, y = digits(60)
    with pytest.raises(ValueError, match=r"classes: expected all classes in the first call .* Try np.unique\(y\)"):
        quick().partial_fit(X, y)
    est = quick().partial_fit(X, y, classes=range(10))
    for y_, classes, message in ((y, [0, 1], "classes: expected the classes"), (y + 5, None, r"y: expected classes among \[0")):
        with pytest.raises(ValueError, match=message):
            est.partial_fit(X, y_, classes=classes)
    with pytest.raises(ValueError, match="early_stopping: expected False"):
        quick(early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="class_weight: expected a dict or None"):
        quick(class_weight="balanced").partial_fit(X, y, classes=range(10))


def test_early_stopping_keeps_the_best_network() -> None:
    X, y = digits(300)
    est = quick(early_stopping=True, n_iter_no_change=2, max_iter=60, validation_fraction=0.2).fit(X, y)
    scores = est.validation_scores_
    assert est.n_iter_ == len(scores) == len(est.loss_curve_) < 60
    assert est.best_validation_score_ == max(scores)
    assert len(scores) - 1 - int(np.argmax(scores)) <= 2
    assert quick(max_iter=1).fit(X, y).validation_scores_ is None


def test_verbose_prints_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = digits(100)
    est = quick(max_iter=3, verbose=True, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d.]+ ?%?$", "", line).rstrip() for line in lines] == [
        f"epoch {n} of 3: loss {loss:.6f}, validation accuracy" for n, loss in enumerate(est.loss_curve_, 1)
    ]
    quick(verbose=True).partial_fit(X, y, classes=range(10))
    assert capsys.readouterr().out.startswith("epoch 1: loss ")


def test_the_result_follows_from_random_state_and_not_from_threads() -> None:
    X, y = digits(150)
    one, other = (quick(max_iter=2, n_jobs=n).fit(X, y).predict_proba(X) for n in (None, 2))
    np.testing.assert_array_equal(one, other)
    assert np.abs(one - quick(max_iter=2, random_state=1).fit(X, y).predict_proba(X)).max() > 1e-3


# --- probabilities ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_probabilities_are_probabilities(loss: str) -> None:
    X, y = digits(200)
    est = quick(loss=loss).fit(X, y)
    p = est.predict_proba(X)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(est.classes_[p.argmax(axis=1)], est.predict(X))
    np.testing.assert_allclose(np.exp(est.predict_log_proba(X)), p, rtol=1e-12)


def test_the_nearest_probabilities_are_nearest() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0.2, 0.5, (20, 4))
    p = nearest_probabilities(z)
    q = rng.dirichlet(np.ones(4), (500, 1))
    assert (((p - z) ** 2).sum(axis=1) <= ((q - z) ** 2).sum(axis=2) + 1e-12).all()
    np.testing.assert_allclose(nearest_probabilities(p), p, atol=1e-15)
    np.testing.assert_array_equal(nearest_probabilities(np.array([[-5.0, -4, -9]])), [[0, 1, 0]])


# --- the rest of scikit-learn -------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_search_in_a_pipeline_runs_in_two_processes() -> None:
    X, y = digits(120)
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(), quick(max_iter=2)),
        {"cnnclassifier__learning_rate_init": [1e-6, 0.01], "cnnclassifier__gradient": ["backprop"]},
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    assert search.best_params_["cnnclassifier__learning_rate_init"] == 0.01


def test_weights_are_routed_through_a_cross_validation() -> None:
    X, y = digits(120)
    with sklearn.config_context(enable_metadata_routing=True):
        est = quick(max_iter=2).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weighted = cross_validate(est, X, y, cv=2, params={"sample_weight": np.where(y < 5, 1, 0)}, return_estimator=True)
    assert all((each.predict(X) < 5).all() for each in weighted["estimator"])  # the others had no weight


def test_a_transformer_may_set_its_output() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed; set_output needs it or polars")
    X, y = load_iris(return_X_y=True, as_frame=True)
    est = make_pipeline(StandardScaler(), quick(max_iter=20)).set_output(transform="pandas").fit(X, y)
    assert list(est[-1].feature_names_in_) == list(X.columns)


def test_it_survives_a_pickle_and_a_clone() -> None:
    X, y = make_blobs(60, centers=3, random_state=0)
    est = quick().fit(X, y)
    again = pickle.loads(pickle.dumps(est))
    np.testing.assert_array_equal(again.predict_proba(X), est.predict_proba(X))
    assert not hasattr(clone(est), "network_")
    assert clone(est).get_params() == est.get_params()


def test_it_shows_itself_as_estimators_do() -> None:
    assert repr(quick(max_iter=2)) == (
        "CNNClassifier(gradient='backprop', learning_rate_init=0.01, max_iter=2,\n              random_state=0)"
    )
    assert "CNNClassifier" in quick()._repr_html_()


def test_scikit_learn_is_imported_only_when_the_class_is_asked_for() -> None:
    code = (
        "import sys, handmade\n"
        "assert 'CNNClassifier' in dir(handmade)\n"
        "print('sklearn' in sys.modules)\n"
        "sys.modules['sklearn'] = None\n"  # as if it were not installed
        "try:\n    handmade.CNNClassifier\nexcept handmade.HandmadeError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, message = done.stdout.splitlines()
    assert loaded == "False"
    assert re.match(
        r"CNNClassifier: expected scikit-learn, which is not installed. Try .*(scikit-learn|handmade\[sklearn\])", message
    )


def test_a_single_class_and_an_empty_weight_are_refused() -> None:
    X, y = digits(30)
    with pytest.raises(HandmadeError, match="y: expected at least two classes, got one class"):
        quick().fit(X, np.zeros(30))
    with pytest.raises(ValueError, match="at least one non-zero number"):  # words of scikit-learn
        quick().fit(X, y, sample_weight=np.zeros(30))
    with pytest.raises(ValueError, match=r"0 sample"):
        quick().fit(X[:0], y[:0])
