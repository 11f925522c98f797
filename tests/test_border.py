"""The public border: what NumPy takes is taken, the rest is refused in one line, and the advice in it works.

Each case is a wrong call. Its message is compared in full, and the code after "Try" is run with the names in scope.
"""

import concurrent.futures
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError, losses, optim
from handmade.data import Augmentation, find_digit, prepare
from handmade.engine.arrays import Array
from handmade.engine.evaluation import evaluate
from handmade.gradients import backprop, check, check_layer, definition, difference, input_gradient
from handmade.network import Network

raw = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 1), dtype=np.uint8)
images = prepare(raw)  # (12, 6, 6, 1)
labels = np.arange(12) % 10
network = Network(
    [handmade.Conv2d.init(0, 1, 2, 3), handmade.ReLU(), handmade.Flatten(), handmade.Linear.init(1, 32, 10)], (6, 6, 1)
)
own = Network(network.layers, (6, 6, 1), preparation=handmade.Preparation(1 / 255, padding=1))
train = partial(handmade.train, gradient=backprop, steps=1, batch_size=4)
SCOPE = {"np": np, "handmade": handmade, "concurrent": concurrent, "network": network, "images": images, "labels": labels}


class Tensor:
    """An array of another library."""

    def __init__(self, array: Array, *, grad: bool = False) -> None:
        self.array, self.grad = array, grad

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.asarray(self.array, dtype)

    def detach(self) -> "Tensor":
        return Tensor(self.array)


def same(result: Any, expected: Any) -> bool:
    """Return True for equal results of gradients, arrays and trainings."""
    if isinstance(expected, tuple):
        return all(same(one, other) for one, other in zip(result, expected, strict=True))
    if isinstance(expected, dict):
        return result.keys() == expected.keys() and all(same(result[name], array) for name, array in expected.items())
    return bool(np.allclose(result, expected, rtol=1e-5, atol=1e-6))


def message_of(call: Callable[[], Any]) -> str:
    with pytest.raises(HandmadeError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 300
    return text


def advice_of(text: str, **names: Any) -> Any:
    """Run the code after "Try"; as the value of an assignment, h=1e-3 is 1e-3."""
    code = re.sub(r"^\w+=(?!=)", "", text.partition(". Try ")[2])
    assert code
    return eval(code, SCOPE | names)


# --- images -------------------------------------------------------------------------------------------------------------------

IMAGES = {
    "one image": (images[0], "(6, 6, 1). Try x[None]", images[:1]),
    "one image without channels": (images[0, ..., 0], "(6, 6). Try x[None, ..., None]", images[:1]),
    "no channels": (images[..., 0], "(12, 6, 6). Try x[..., None]", images),
    "channels first": (images.transpose(0, 3, 1, 2), "(12, 1, 6, 6). Try x.transpose(0, 2, 3, 1)", images),
    "one image, channels first": (images[0].transpose(2, 0, 1), "(1, 6, 6). Try x[..., None]", None),
    "rows": (images.reshape(12, -1), "(12, 36). Try x.reshape(-1, 6, 6, 1)", images),
    "one row": (images[0].ravel(), "(36,). Try x.reshape(-1, 6, 6, 1)", images[:1]),
    "raw": (raw, "(12, 4, 4, 1). Try handmade.data.prepare(x)", images),
    "raw rows": (raw.reshape(12, -1), "(12, 16). Try handmade.data.prepare(x.reshape(-1, 4, 4, 1))", images),
    "raw list": (raw.tolist(), "(12, 4, 4, 1). Try handmade.data.prepare(np.asarray(x))", images),
    "raw in floats": (
        raw / 255.0,
        "(12, 4, 4, 1). Try handmade.data.prepare((255 * x).round().astype(np.uint8))",
        images,
    ),
    "raw rows in floats": (
        raw.reshape(12, -1).astype(float),
        "(12, 16). Try handmade.data.prepare(x.reshape(-1, 4, 4, 1).astype(np.uint8))",
        images,
    ),
    "colours": (np.repeat(images, 3, -1), "(12, 6, 6, 3)", None),
    "none": (images[:0], ", at least one, got none", None),
}


@pytest.mark.parametrize(("x", "says", "expected"), IMAGES.values(), ids=IMAGES)
def test_other_images_are_refused_with_advice_that_works(x: Any, says: str, expected: Array | None) -> None:
    for call in (lambda: network.predict(x), lambda: backprop(network, x, labels), lambda: network.tape(x)):
        text = message_of(call)
        assert text.startswith("x: expected images (N, 6, 6, 1)")
        assert text.endswith(says)
    if expected is not None:
        assert same(advice_of(text, x=x), expected)
        assert same(network.logits(advice_of(text, x=x)), network.logits(expected))
    assert message_of(lambda: train(network, x, labels)) == re.sub(r"\bx\b", "images", text)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ((255 * images).round().astype(np.uint8), "of floats, got uint8. Try (x / 255).astype(np.float32)"),
        ((255 * images).round().astype(int), "of floats, got int64. Try (x / 255).astype(np.float32)"),
        (images > 0.5, "of floats, got bool. Try np.asarray(x, np.float32)"),
        ((images > 0.5).astype(int).tolist(), "of floats, got int64. Try np.asarray(x, np.float32)"),
        (images.astype(complex), "of complex128. Try x.real"),
    ],
    ids=["uint8", "int64", "bool", "list of integers", "complex"],
)
def test_images_that_are_no_floats_are_refused_with_advice_that_works(x: Any, says: str) -> None:
    text = message_of(lambda: network.predict(x))
    assert text.startswith("x: expected ")
    assert text.endswith(says)
    expected = images if "bool" not in says and "np.asarray" not in says else images > 0.5
    assert same(advice_of(text, x=x), expected)
    assert network.predict(advice_of(text, x=x)).shape == (12,)


def test_a_network_with_a_preparation_of_its_own_is_advised_to_use_it() -> None:
    text = message_of(lambda: own.predict(raw))
    assert text == "x: expected images (N, 6, 6, 1), got (12, 4, 4, 1). Try handmade.data.prepare_for(network)(x)"
    assert same(advice_of(text, x=raw, network=own), images)


def test_lists_and_tensors_are_taken() -> None:
    expected = backprop(network, images, labels)
    for x in (images.tolist(), Tensor(images), images.astype(np.float64), list(images)):
        for y in (labels.tolist(), tuple(labels), Tensor(labels), labels.astype(float), labels.astype(np.uint8)):
            assert same(backprop(network, x, y), expected)
    assert same(network.predict(images.tolist()), network.predict(images))
    assert network.logits(images.tolist()).dtype == np.float32
    for way in (difference, definition, input_gradient):
        assert same(way(network, images[:2].tolist(), labels[:2].tolist()), way(network, images[:2], labels[:2]))
    assert evaluate(network, raw.tolist(), labels.tolist(), prepare).images == 12
    assert check(network, images[:2].tolist(), [0, 1], tries=1).ok
    assert check_layer(handmade.ReLU(), [[1.0, -2.0], [3.0, 0.5]]).verdict == "correct"


def test_training_takes_lists_too() -> None:
    expected = next(train(network, raw, labels, prepare=prepare, validation=(raw, labels)))
    step = next(train(network, raw.tolist(), labels.tolist(), prepare=prepare, validation=[raw.tolist(), labels.tolist()]))  # type: ignore[arg-type]
    assert same(step.network.parameters(), expected.network.parameters())
    assert step.validation is not None
    assert expected.validation is not None
    assert step.validation.loss == expected.validation.loss


def test_an_array_that_fits_is_not_copied() -> None:
    assert network.as_images(images) is images
    assert network.as_images(images[::-1]).base is images
    seen: list[Array] = []

    def look(_: Any, x: Array, y: Array) -> Any:
        seen.extend((x, y))
        return backprop(network, x, y)

    data, classes = images.copy(), labels.copy()
    next(train(network, data, classes, gradient=look, batch_size=12))
    assert seen[0].dtype == data.dtype
    assert seen[1].dtype == classes.dtype


def test_the_border_costs_next_to_nothing() -> None:
    x, y = images[:1], labels[:1]
    start = time.perf_counter()
    for _ in range(1000):
        handmade.gradients.backprop.__globals__["as_batch"](network, x, y)
    assert time.perf_counter() - start < 5  # 0.2 ms a call, where nobody else uses the processor


# --- labels -------------------------------------------------------------------------------------------------------------------

LABELS = {
    "one-hot": (np.eye(10)[labels], "one label for each of the 12 images, got (12, 10). Try y.argmax(axis=1)"),
    "one-hot list": (
        np.eye(10)[labels].tolist(),
        "one label for each of the 12 images, got (12, 10). Try np.asarray(y).argmax(axis=1)",
    ),
    "a column": (labels[:, None], "one label for each of the 12 images, got (12, 1). Try y.reshape(-1)"),
    "1 to 10": (labels + 1, "class numbers from 0 to 9, got 1 to 10. Try y - 1"),
    "a list of 1 to 10": ((labels + 1).tolist(), "class numbers from 0 to 9, got 1 to 10. Try np.asarray(y) - 1"),
    "text": ([str(k) for k in labels], "an array of real numbers, got an array (12,) of <U1. Try np.asarray(y).astype(int)"),
    "a tensor with a gradient": (Tensor(labels, grad=True), "an array, got a tensor that requires grad. Try y.detach()"),
    "too few": (labels[:-1], "one label for each of the 12 images, got 11"),
    "too large": (labels + 2, "class numbers from 0 to 9, got 2 to 11"),
    "halves": (labels + 0.5, "integers, got 0.5 in y[0]"),
    "not a number": (np.where(labels == 3, np.nan, labels), "integers, got nan in y[3]"),
    "none": (None, "an array of real numbers, got None"),
    "names": (["cat"] * 12, "an array of real numbers, got an array (12,) of <U3"),
}


@pytest.mark.parametrize(("y", "says"), LABELS.values(), ids=LABELS)
def test_other_labels_are_refused_with_advice_that_works(y: Any, says: str) -> None:
    text = message_of(lambda: backprop(network, images, y))
    assert text == f"y: expected {says}"
    if "Try" in text:
        assert same(backprop(network, images, advice_of(text, y=y)), backprop(network, images, labels))
    in_train = message_of(lambda: train(network, images, y))
    assert in_train == re.sub(r"\by\b", "labels", text)


# --- the order of arguments ---------------------------------------------------------------------------------------------------


ORDERS = {  # a wrong call, and its message
    "train(network, labels, raw, prepare=prepare)": (
        "images and labels: expected images before labels, got the labels first. Try handmade.train(network, images, labels)"
    ),
    "train(network, labels, images)": (
        "images and labels: expected images before labels, got the labels first. Try handmade.train(network, images, labels)"
    ),
    "train(images, labels, network)": (
        "network: expected a Network, got an array (12, 6, 6, 1) of float32. Try handmade.train(network, images, labels)"
    ),
    "backprop(network, labels, images)": (
        "x and y: expected images before labels, got the labels first. Try handmade.gradients.backprop(network, x, y)"
    ),
    "difference(network, labels, images)": (
        "x and y: expected images before labels, got the labels first. Try handmade.gradients.difference(network, x, y)"
    ),
    "difference(images, labels, network)": (
        "network: expected a Network, got an array (12, 6, 6, 1) of float32. Try handmade.gradients.difference(network, x, y)"
    ),
    "check(network, labels, images)": (
        "x and y: expected images before labels, got the labels first. Try handmade.gradients.check(network, x, y)"
    ),
    'handmade.explain(network, "logits[3]", images[0])': (
        "image and at: expected the image before the text, got the text first. Try handmade.explain(network, image, at)"
    ),
    'handmade.explain(images[0], network, "logits[3]")': (
        "network: expected a Network, got an array (6, 6, 1) of float32. Try handmade.explain(network, image, at)"
    ),
    'handmade.trace(network, "input[2,2,0]=+0.1", images[0])': (
        "image and nudge: expected the image before the text, got the text first. Try handmade.trace(network, image, nudge)"
    ),
    "handmade.Linear(np.zeros(2), np.zeros((3, 2)))": (
        "Linear: expected W (in, out) and b (out,), got (2,) and (3, 2). Try handmade.Linear(W, b)"
    ),
    "handmade.Conv2d(np.zeros(2), np.zeros((3, 3, 1, 2)))": (
        "Conv2d: expected W (K_h, K_w, C / groups, O) and b (O,), got (2,) and (3, 3, 1, 2). Try handmade.Conv2d(W, b)"
    ),
}


@pytest.mark.parametrize("call", ORDERS)
def test_a_wrong_order_is_named(call: str) -> None:
    text = message_of(lambda: eval(call, globals()))
    assert text == ORDERS[call]
    names = {"x": images, "y": labels, "image": images[0], "at": "logits[3]", "nudge": "input[2,2,0]=+0.1"}
    weights = {"W": np.zeros((3, 3, 1, 2)) if "Conv2d" in text else np.zeros((3, 2)), "b": np.zeros(2)}
    assert advice_of(text, **names, **weights) is not None


def test_a_wrong_order_of_validation_is_named() -> None:
    text = message_of(lambda: train(network, raw, labels, prepare=prepare, validation=(labels, raw)))
    assert text.startswith("validation: images and labels: expected images before labels, got the labels first")
    assert advice_of(text)[0] is images


# --- objects ------------------------------------------------------------------------------------------------------------------

OPTIONS: dict[str, tuple[Any, str]] = {
    "optimiser": ("adam", "an optimiser, got 'adam'. Try handmade.optim.Adam()"),
    "optimiser ": ("gradient-descent", "an optimiser, got 'gradient-descent'. Try handmade.optim.GradientDescent()"),
    "optimiser  ": (optim.AdamW, "an optimiser, got the class AdamW. Try handmade.optim.AdamW()"),
    "schedule": ("cosine", "a schedule, got 'cosine'. Try handmade.optim.SCHEDULES['cosine']"),
    "schedule ": (optim.Cosine, "a schedule, got the class Cosine. Try handmade.optim.Cosine()"),
    "gradient": ("backprop", "a function (network, x, y), got 'backprop'. Try handmade.gradients.backprop"),
    "prepare": (True, "a function (images), got True. Try handmade.data.prepare"),
    "augment": (Augmentation, "a function (images, rng), got the class Augmentation. Try handmade.data.Augmentation(shift=2)"),
    "ema": (0.99, "an EMA, got 0.99. Try handmade.optim.EMA(0.99)"),
    "executor": (4, "an executor of concurrent.futures, got 4. Try concurrent.futures.ThreadPoolExecutor(4)"),
    "seed": (np.random.default_rng(0), "an integer of at least 0, got a Generator. Try int(seed.integers(2**31))"),
    "seed ": (1.5, "an integer of at least 0, got 1.5. Try 0"),
    "validation": (raw, "a pair (images, labels), got an array (12, 4, 4, 1) of uint8. Try (images[-500:], labels[-500:])"),
    "epochs": (1.5, "an integer of at least 1, below 2^31, got 1.5"),
    "batch_size": ("32", "an integer of at least 1, below 2^31, got '32'"),
    "steps": (True, "an integer of at least 1, below 2^31, got True"),
    "clip_norm": ("1", "a finite number above 0, got '1'"),
    "start": (0, "the state of a step, got 0. Try start=step.state"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_train_that_cannot_be_used_is_named(option: str) -> None:
    value, says = OPTIONS[option]
    name = option.strip()
    start = {"prepare": prepare, "steps": None, "epochs": 1, name: value}
    text = message_of(lambda: train(network, raw, labels, **start))
    assert text == f"{name}: expected {says}"
    if "Try" in text:
        step = next(handmade.train(network, raw, labels, gradient=backprop, prepare=prepare, steps=1))
        mended = advice_of(text, images=raw, step=step, seed=value)
        given = {"gradient": backprop, "prepare": prepare, "steps": 1 + (name == "start"), name: mended}
        assert next(handmade.train(network, raw, labels, **given)).loss > 0


WRONG = {  # a wrong call, and its message
    "handmade.Conv2d(1, 8, 3)": (
        "Conv2d: expected the arrays W and b, got 1 and 8. Try handmade.Conv2d.init(rng=0, channels=1, filters=8, kernel=3)"
    ),
    "handmade.Linear(784, 10)": (
        "Linear: expected the arrays W and b, got 784 and 10. Try handmade.Linear.init(rng=0, inputs=784, units=10)"
    ),
    "handmade.BatchNorm2d(8, 8, 8, 8)": (
        "BatchNorm2d: expected the arrays W and b and mean and variance, got 8 and 8 and 8 and 8. "
        "Try handmade.BatchNorm2d.init(rng=0, channels=8)"
    ),
    "Network(None)": ("layers: expected a list of layers, got None. Try [handmade.Flatten(), ...]"),
    "Network([handmade.ReLU])": ("layer 0: expected a layer, got the class ReLU. Try handmade.ReLU()"),
    'Network(["ReLU"])': "layer 0: expected a layer, got 'ReLU'",
    "Network([handmade.Residual(handmade.ReLU())])": ("block: expected a list of layers, got a ReLU. Try [block]"),
    "Network([handmade.ReLU()], (3.0, 3, 1))": ("input_shape: expected sizes above 0, got (3.0, 3, 1). Try (30, 30, 1)"),
    'handmade.networks.readme("0")': (
        "rng: expected a generator, or an integer seed of at least 0, got '0'. Try np.random.default_rng(0)"
    ),
    "handmade.networks.readme(0, int)": ("dtype: expected a dtype of floats, got the class int. Try np.float32"),
    "difference(network, images, labels, h=1e-40)": (
        "h: expected a number from 1.2e-38 to 3.4e+38, which float32 holds in full; float64 holds more, got 1e-40. Try h=1e-30"
    ),
    "difference(network, images, labels, h=0)": ("h: expected a finite number above 0, got 0. Try h=1e-3"),
    'difference(network, images, labels, scheme="both")': ("scheme: expected one of forward, central, got 'both'. Try 'forward'"),
    "backprop(network, images, labels, loss=losses.MeanSquaredError)": (
        "loss: expected a loss with forward, delta and backward, got the class MeanSquaredError. "
        "Try handmade.losses.MeanSquaredError()"
    ),
    'backprop("model.safetensors", images, labels)': (
        "network: expected a Network, got 'model.safetensors'. Try handmade.load('model.safetensors')"
    ),
    "evaluate(network, raw[:0], labels[:0], prepare)": "images: expected at least one image, got none",
    "train(network, raw[:0], labels[:0], prepare=prepare)": "images: expected at least one image, got none",
    'handmade.use_backend("numpy")': ("backend: expected one of compiled, plain, got 'numpy'. Try 'plain'"),
    "handmade.read_digit(raw[0])": "path: expected the path of a file or folder, got an array (4, 4, 1) of uint8",
    "handmade.load(None)": "path: expected the path of a file or folder, got None",
    'handmade.explain(network, images[0], "loss", label=10)': ("label: expected a class from 0 to 9, got 10"),
    'network.node("conv7")': "name: expected the name of a node, conv1, relu1, flatten1, linear1, got 'conv7'",
    "optim.Penalised(backprop, optim.L2(0.1), 0.001)": ("penalties: expected a tuple of penalties, got a L2. Try (penalties,)"),
    'optim.Adam("fast")': "learning_rate: expected a finite number above 0, got 'fast'",
}


@pytest.mark.parametrize("call", WRONG)
def test_what_cannot_be_used_is_named_in_one_line(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = message_of(lambda: eval(call, globals()))
    assert text == WRONG[call]
    if "Try" in text:
        monkeypatch.chdir(tmp_path)
        network.save("model.safetensors")
        assert advice_of(text, block=handmade.ReLU(), label=10, penalties=optim.L2(0.1)) is not None


def test_seeds_are_taken_for_generators() -> None:
    expected = handmade.networks.readme(np.random.default_rng(3)).parameters()
    for seed in (3, np.int64(3), [3]):
        assert same(handmade.networks.readme(seed).parameters(), expected)  # type: ignore[arg-type]
    assert not same(handmade.networks.readme(4).parameters()["0.W"], expected["0.W"])
    shifted = Augmentation(shift=2)
    assert same(shifted(raw, 3), shifted(raw, np.random.default_rng(3)))


def test_whole_arrays_of_weights_are_taken_from_lists() -> None:
    layer = handmade.Linear([[1, 2], [3, 4]], [0, 1])  # type: ignore[arg-type]
    assert layer.W.dtype == np.float64
    assert same(layer.forward(np.array([[1.0, 1.0]])), [[4, 7]])
    W = np.zeros((2, 2), np.float32)
    assert handmade.Linear(W, np.zeros(2, np.float32)).W is W


# --- raw images ---------------------------------------------------------------------------------------------------------------

RAW = {
    "floats from 0 to 1": (raw / 255.0, "integers from 0 to 255, got float64. Try (255 * images).round().astype(np.uint8)"),
    "floats from 0 to 255": (raw.astype(float), "integers from 0 to 255, got float64. Try images.round().astype(np.uint8)"),
    "rows": (raw.reshape(12, -1), "images (N, H, W, C) or (N, H, W), got (12, 16). Try images.reshape(-1, 4, 4)"),
    "channels first": (
        raw.transpose(0, 3, 1, 2),
        "images (N, H, W, C) or (N, H, W), got (12, 1, 4, 4). Try images.transpose(0, 2, 3, 1)",
    ),
    "a tensor with a gradient": (Tensor(raw, grad=True), "an array, got a tensor that requires grad. Try images.detach()"),
}


@pytest.mark.parametrize(("given", "says"), RAW.values(), ids=RAW)
def test_other_raw_images_are_refused_with_advice_that_works(given: Any, says: str) -> None:
    text = message_of(lambda: prepare(given))
    assert text == f"images: expected {says}"
    assert same(prepare(advice_of(text, images=given)), images)
    assert message_of(lambda: train(network, given, labels, prepare=prepare)) == text
    assert message_of(lambda: Augmentation(shift=1)(given, np.random.default_rng(0))) == text


def test_integers_of_any_type_are_raw_images() -> None:
    for given in (raw.tolist(), raw.astype(int), raw[..., 0], list(raw), Tensor(raw)):
        assert same(prepare(given), images)
    assert message_of(lambda: prepare(raw[:1].astype(int) * 0 - 1)) == "images: expected integers from 0 to 255, got -1 to -1"
    text = message_of(lambda: prepare(raw[0]))
    assert text == "images: expected images (N, H, W, C) or (N, H, W), got (4, 4, 1). Try images[None]"
    assert same(prepare(advice_of(text, images=raw[0])), images[:1])


ONE = {
    "a batch of one": (images[:1], "image[0]"),
    "no channels": (images[0, ..., 0], "image[..., None]"),
    "channels first": (images[0].transpose(2, 0, 1), "image.transpose(1, 2, 0)"),
    "one row": (images[0].ravel(), "image.reshape(6, 6, 1)"),
    "a raw row": (raw[0].ravel(), "image.reshape(4, 4, 1)"),
    "raw in floats": (raw[0] / 255, "(255 * image).round().astype(np.uint8)"),
    "a raw batch of one": (raw[:1], "image[0]"),
    "bytes": ((255 * images[0]).round().astype(np.uint8), "(image / 255).astype(np.float32)"),
}


@pytest.mark.parametrize(("image", "advice"), ONE.values(), ids=ONE)
def test_another_image_is_refused_with_advice_that_works(image: Array, advice: str) -> None:
    expected = handmade.explain(network, images[0], "logits[3]").value
    text = message_of(lambda: handmade.explain(network, image, "logits[3]"))
    assert text.startswith("image: expected one image (6, 6, 1) of floats, or a raw one of integers, got ")
    assert text.endswith(f". Try {advice}")
    assert handmade.explain(network, advice_of(text, image=image), "logits[3]").value == pytest.approx(expected, rel=1e-5)
    for same_image in (images[0].tolist(), raw[0], raw[0, ..., 0].tolist(), Tensor(images[0])):
        assert handmade.explain(network, same_image, "logits[3]").value == pytest.approx(expected, rel=1e-5)


def test_pictures_are_made_grey_as_advised() -> None:
    grey = np.zeros((40, 40))
    grey[10:30, 18:22] = 1
    expected = find_digit(grey).image
    for given in (
        np.repeat((255 * grey).astype(np.uint8)[..., None], 3, -1),
        np.repeat(grey[..., None], 4, -1),
        grey[..., None],
        grey[None],
        255 * grey,
        grey - 1.5,
    ):
        text = message_of(lambda given=given: find_digit(given))  # type: ignore[misc]
        assert text.startswith("picture: expected ")
        assert same(find_digit(advice_of(text, picture=given)).image, expected)
    for taken in (grey.tolist(), Tensor(grey), (255 * grey).astype(int), (255 * grey).astype(np.uint8), grey > 0):
        assert same(find_digit(taken).image, expected)


# --- files --------------------------------------------------------------------------------------------------------------------


def test_the_folder_of_a_run_is_loaded_as_its_model(tmp_path: Path) -> None:
    network.save(tmp_path / "model.safetensors")
    for place in (tmp_path, str(tmp_path), tmp_path / "model.safetensors"):
        assert same(handmade.load(place).parameters(), network.parameters())
    assert "there is no model.safetensors in it" in message_of(lambda: handmade.load(tmp_path.parent))


def test_what_training_takes_is_public() -> None:
    for name in ("Adam", "AdamW", "Momentum", "EMA", "Cosine", "SCHEDULES", "L2", "Penalised", "warm_up"):
        assert getattr(handmade.optim, name) is getattr(optim, name)
    assert handmade.data.Augmentation is Augmentation
    assert handmade.losses.CrossEntropy is losses.CrossEntropy
