"""Colour images of three classes with unusual names, in every command: names are shown, and nothing speaks of digits."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image

import handmade
from handmade.cli.main import main
from handmade.data.fitting_pictures import Fit, image_of
from handmade.text.class_names import short

Handmade: TypeAlias = Callable[..., tuple[int, str, str]]

LONG = "a name that is much longer than any column of a table, with its end"
CLASSES = ("<script>alert(1)</script>", LONG, "三角形")  # in the order of the alphabet
NETWORK = {
    "layers": [
        {"layer": "Conv2d", "filters": 2, "kernel": 3},
        {"layer": "ReLU"},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 3},
    ]
}


def pictures(count: int, rng: "np.random.Generator") -> tuple[Any, Any]:
    """Noise in which one of three colours is strong, 9 rows of 7 pixels."""
    labels = np.arange(count) % 3
    images = rng.integers(80, size=(count, 9, 7, 3), dtype=np.uint8)
    images[np.arange(count), :, :, labels] += 150
    return images, np.array(CLASSES)[labels]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classes")
    (images, labels), (test_images, test_labels) = (pictures(count, np.random.default_rng(count)) for count in (36, 12))
    np.savez(place / "shapes.npz", images=images, labels=labels, test_images=test_images, test_labels=test_labels)
    (place / "net.json").write_text(json.dumps(NETWORK))
    Image.fromarray(np.repeat(np.repeat(test_images[2], 4, 0), 4, 1)).save(place / "three.png")  # 28 x 36 pixels
    Image.fromarray(np.pad(test_images[2], ((0, 0), (5, 5), (0, 0)))).save(place / "wide.png")
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handmade:
    monkeypatch.chdir(place)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *words])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capfd.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def run(command: Handmade, place: Path) -> str:
    """A run by differences, made once."""
    if not (place / "run").exists():
        settings = "--network net.json --epochs 6 --batch-size 6 --learning-rate 0.1 --threads 1 --out run"
        code, out, err = command("train", "--data", "shapes.npz", *settings.split())
        assert code == 0, err
        assert speaks_of_digits(out + err) == []
        assert "6 epochs" in out + err or "36 steps" in out + err
    return "run"


def speaks_of_digits(text: str) -> list[str]:
    return re.findall(r"[^\n]*\b(?:digits?|MNIST)\b[^\n]*", text)


COMMANDS = (
    ("evaluate", "run"),
    ("evaluate", "run", "--json"),
    ("show", "test:0", "test:1", "three.png", "--data", "shapes.npz"),
    ("show", "test:0", "--data", "shapes.npz", "--json"),
    ("show", "run"),
    ("show", "run", "--filters", "conv1"),
    ("networks", "run"),
    ("networks", "run", "--describe"),
    ("networks", "readme", "--data", "shapes.npz"),
    ("explain", "run", "--at", "logits[2]", "--image", "test:1"),
    ("explain", "run", "--at", "loss", "--image", "three.png", "--label", "三角形"),
    ("plot", "nudge", "run", "--image", "three.png", "--label", "2", "--nudge", "input[1,1,0]=0.1", "--out", "nudge.svg"),
    ("explain", "run", "--at", "probability[1]", "--json"),
    ("explain", "run", "--at", "update of conv1.W[0,0,2,1]"),
    ("trace", "run", "--nudge", "input[3,4,1]=+0.1"),
    ("trace", "run", "--nudge", "conv1.W[1,1,2,1]=+0.1", "--json"),
    ("check", "run", "--images", "2"),
    ("runs", "."),
    ("runs", "run"),
    ("predict", "run", "three.png"),
    ("predict", "run", "three.png", "wide.png", "--json", "--fit", "pad"),
    ("predict", "run", "wide.png", "--show-stages", "--stages-out", "stages.png"),
    ("plot", "filters", "run"),
    ("plot", "maps", "run", "--image", "three.png"),
    ("plot", "nudge", "run", "--nudge", "conv1.W[1,1,2,1]=+0.1"),
    ("plot", "sensitivity", "run"),
    ("plot", "curves", "run"),
    ("plot", "confusion", "run"),
    ("plot", "mistakes", "run"),
    ("plot", "histograms", "run", "--images", "4"),
    ("plot", "film", "run", "--steps", "2", "--frames", "2"),
    ("plot", "steps", "run", "--images", "1"),
    ("export", "run", "run.onnx"),
    ("export", "run", "--layout", "pytorch"),
    ("import", "run.onnx", "--out", "imported.safetensors"),
    ("evaluate", "imported.safetensors", "--data", "shapes.npz"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_takes_colours_and_words(command: Handmade, run: str, place: Path, words: tuple[str, ...]) -> None:
    assert run == "run"
    if "imported.safetensors" in words and words[0] == "evaluate" and not (place / "imported.safetensors").exists():
        command("export", "run", "again.onnx", "--force")
        command("import", "again.onnx", "--out", "imported.safetensors")
    if words[0] == "import" and not (place / "run.onnx").exists():
        command("export", "run", "run.onnx")
    forced = ("--force",) if words[0] in {"plot", "import"} or words == ("export", "run", "run.onnx") else ()
    (place / "stages.png").unlink(missing_ok=True)

    code, out, err = command(*words, *forced)

    assert code == 0, err
    assert speaks_of_digits(out + err) == []
    assert "\x1b" not in out


def test_names_are_kept_and_shown(command: Handmade, run: str, place: Path) -> None:
    assert handmade.load(place / run).class_names == CLASSES
    found = json.loads(command("evaluate", run, "--json")[1])
    assert found["classes"] == list(CLASSES)
    assert found["test_accuracy"] > 0.9
    for arguments, words in (
        (
            ("explain", run, "--at", "logits[2]", "--image", "test:0"),
            "test:0 is of class 0 (<script>alert(1)</script>); logits[2]",
        ),
        (("explain", run, "--at", "logits[2]"), "logits[2] belongs to class 2 (三角形)."),
        (("trace", run, "--nudge", "input[3,4,1]=+0.1"), "test:0 is of class 0 (<script>alert(1)</script>)."),
        (("show", "test:2", "--data", "shapes.npz"), "test:2 is 三角形"),
        (("evaluate", run), f"1 {short(LONG)}"),
    ):
        assert words in command(*arguments)[1]
    shown = json.loads(command("show", "test:2", "--data", "shapes.npz", "--json")[1])["images"][0]
    assert (shown["label"], shown["class"], np.shape(shown["pixels"])) == (2, "三角形", (9, 7, 3))
    assert json.loads(command("explain", run, "--at", "loss", "--image", "test:2", "--json")[1])["class"] == "三角形"


def test_a_label_is_a_number_or_a_name(command: Handmade, run: str) -> None:
    explained = ("explain", run, "--at", "loss", "--json", "--image", "three.png", "--label")
    by_number, by_name = (json.loads(command(*explained, label)[1]) for label in ("1", LONG))

    assert by_number == by_name
    assert (by_name["label"], by_name["class"]) == (1, LONG)
    traced = json.loads(command("trace", run, "--nudge", "input[3,4,1]=+0.1", "--json", "--label", "三角形")[1])
    assert (traced["label"], traced["class"]) == (2, "三角形")


def test_a_picture_is_fitted_and_inverted_before_it_is_explained_or_traced(command: Handmade, run: str, place: Path) -> None:
    network, at = handmade.load(place / run), (3, 4, 1)
    with Image.open(place / "wide.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    seen = set()
    choices: list[tuple[tuple[str, ...], Fit, Any]] = [
        (("--fit", "crop"), "crop", pixels),
        (("--fit", "pad"), "pad", pixels),
        (("--fit", "pad", "--invert"), "pad", 255 - pixels),
    ]
    for options, fit, change in choices:
        x = handmade.data.prepare_for(network)(image_of(change, (9, 7, 3), fit)[None])
        found = json.loads(command("explain", run, "--image", "wide.png", "--at", "input[3,4,1]", "--json", *options)[1])
        assert found["value"] == pytest.approx(float(x[0][at]), rel=1e-6)
        seen.add(found["value"])
        traced = json.loads(command("trace", run, "--image", "wide.png", "--nudge", "input[3,4,1]=+0.5", "--json", *options)[1])
        assert traced["before"] == found["value"]
    assert len(seen) > 1

    for words, says in (
        (("explain", run, "--image", "wide.png", "--fit", "squash"), "--fit: expected one of crop, pad, stretch; got 'squash'"),
        (
            ("trace", run, "--nudge", "input[3,4,1]=+0.5", "--invert"),
            "expected a picture file, which they change",
        ),
        (("explain", "readme", "--image", "three.png", "--invert"), "expected a network of other things than digits"),
        (("explain", run, "--at", "update of conv1.W[0,0,0,0]", "--invert"), "goes with a picture"),
    ):
        code, out, err = command(*words)
        assert (bool(code), out) == (True, "")
        assert says in err


def test_pictures_are_classified_by_name(command: Handmade, run: str, place: Path) -> None:
    code, out, err = command("predict", run, "three.png", "wide.png", "missing.png", "--json")
    found = json.loads(out)

    assert code == 1
    assert "missing.png" in err
    assert found["classes"] == list(CLASSES)
    first, second, third = found["pictures"]
    assert (first["answer"], first["class"]) == (2, "三角形") == (second["answer"], second["class"])
    assert first["preparation"] == "resized to 7 x 9"
    assert second["preparation"] == "cropped to 7 x 9, then resized to 7 x 9"
    assert set(third) == {"file", "error"}
    network = handmade.load(place / run)
    with np.load(place / "shapes.npz") as arrays:
        x = handmade.data.prepare_for(network)(arrays["test_images"][2:3])
    z = network.logits(x)[0].astype(np.float64)
    np.testing.assert_allclose(first["probabilities"], np.exp(z) / np.exp(z).sum(), rtol=1e-5)  # each pixel became 4 x 4
    text = command("predict", run, "three.png")[1]
    assert "Predicted class: 三角形 (" in text
    with Image.open(place / "wide.png") as image:
        assert image.size == (17, 9)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("predict", "run", "three.png", "--fit", "squash"), 1, "--fit: expected one of crop, pad, stretch; got 'squash'"),
        (("networks", "--describe"), 2, "--describe: expected one network"),
        (("explain", "run", "--image", "nowhere.png"), 1, "there is no file 'nowhere.png'"),
        (("evaluate", "readme", "--data", "nowhere"), 1, "nowhere"),
        (("explain", "run", "--label", "三角"), 1, "got '三角'. Did you mean '三角形'?"),
        (("explain", "run", "--label", "9"), 1, "0 to 2"),
    ],
)
def test_what_is_wrong_is_one_line(command: Handmade, run: str, words: tuple[str, ...], code: int, says: str) -> None:
    assert run
    found, out, err = command(*words)

    assert (found, out) == (code, "")
    assert err.count("\n") == 1
    assert says in err


def test_a_report_shows_the_names_and_runs_no_script(command: Handmade, run: str, place: Path) -> None:
    code, _, err = command("report", run, "--out", "report.html", "--image", "1", "--force")
    page = (place / "report.html").read_text(encoding="utf-8")

    assert code == 0, err
    assert "<script>alert" not in page
    assert LONG[:40] in page
    shown = re.sub(r"data:image/[^\"]*", "", page)
    assert [line for line in speaks_of_digits(shown) if "sixteen digits" not in line and "digit is lost" not in line] == []


def test_a_picture_from_standard_input(command: Handmade, run: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((place / "three.png").read_bytes())))

    code, out, err = command("predict", run, "-")

    assert code == 0, err
    assert "Predicted class: 三角形 (" in out
