"""`handmade predict` and `handmade show`, as people use them: answers, doubts, pictures in characters, and errors in one line."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pytest
from PIL import Image
from rich.color import Color
from rich.console import Console

import handmade
from drawn_digits import drawn
from handmade.cli import terminal_pictures
from handmade.cli.main import main
from handmade.engine.arrays import Array
from handmade.runs import inputs
from handmade.text.number_format import MINUS

MODEL = Path(__file__).parent / "data" / "readme.safetensors"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Handmade: TypeAlias = Callable[..., Outcome]
Colours: TypeAlias = Literal["standard", "256", "truecolor"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a digit, a blank sheet, and files that are no pictures."""
    place = tmp_path_factory.mktemp("predict")
    seven = next(each for each in drawn(10, seed=2) if each.digit == 7)
    Image.fromarray(seven.picture).save(place / "seven.png")
    Image.new("L", (50, 40), 230).save(place / "blank.png")
    (place / "cut.png").write_bytes((place / "seven.png").read_bytes()[:300])
    (place / "words.txt").write_text("seven")
    (place / "empty.jpg").touch()
    (place / "folder").mkdir()
    flat = handmade.Network([handmade.Flatten(), handmade.Linear(np.zeros((4, 2)), np.zeros(2))], (2, 2, 1))
    flat.save(place / "small.safetensors")
    even = handmade.Network([handmade.Flatten(), handmade.Linear(np.zeros((900, 10)), np.zeros(10))])
    even.save(place / "even.safetensors")
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handmade:
    monkeypatch.chdir(place)

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return run


def test_a_digit_is_named_with_its_probabilities_the_likeliest_first(command: Handmade) -> None:
    done = command("predict", MODEL, "seven.png")

    assert (done.code, done.err) == (0, "")
    first, answer, certainty, *bars, _ = done.out.splitlines()
    assert first.startswith("seven.png: ")
    assert answer == "This is a 7."
    assert 95 < float(certainty.removeprefix("Certainty: ").removesuffix(" %")) < 100
    shares = [float(bar.split()[1]) for bar in bars]
    assert bars[0].split()[0] == "7"
    assert shares == sorted(shares, reverse=True)
    assert len(bars) >= 3


def test_json_holds_the_answer_and_all_probabilities(command: Handmade) -> None:
    done = command("predict", MODEL, "seven.png", "blank.png", "--json")

    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    seven, blank = json.loads(done.out)["pictures"]
    digit = handmade.read_digit("seven.png")
    with handmade.use_backend("plain"):
        z = handmade.load(MODEL).logits(handmade.data.prepare(digit.image[None]))[0].astype(float)
    np.testing.assert_allclose(seven["probabilities"], np.exp(z) / np.exp(z).sum(), rtol=1e-6)
    assert (seven["answer"], seven["rejection"]) == (7, None)
    assert blank["answer"] is None
    assert "contrast" in blank["rejection"]


def test_nothing_is_no_digit_and_no_error(command: Handmade) -> None:
    done = command("predict", MODEL, "blank.png")

    assert (done.code, done.err) == (0, "")
    assert "This does not look like a digit: no ink was found" in done.out
    assert re.search(r"^Its guess would be \d \(\d+\.\d\d %\); do not rely on it\.$", done.out, re.MULTILINE)


def test_a_network_that_is_not_sure_gives_no_answer(command: Handmade) -> None:
    done = command("predict", "even.safetensors", "seven.png")

    assert done.code == 0
    assert "the network is not sure: its best guess, 0, has 10.00 %" in done.out
    assert json.loads(command("predict", "even.safetensors", "seven.png", "--json").out)["pictures"][0]["answer"] is None


def test_a_bad_picture_does_not_hide_the_others(command: Handmade) -> None:
    files = ["cut.png", "seven.png", "words.txt", "blank.png"]
    done = command("predict", MODEL, *files)

    assert done.code == 1
    assert "This is a 7." in done.out
    assert "This does not look like a digit" in done.out
    lines = done.err.splitlines()
    assert [line.split(":")[1] for line in lines] == [" 'cut.png'", " 'words.txt'", " 2 of 4 pictures could not be read"]

    pictures = json.loads(command("predict", MODEL, *files, "--json").out)["pictures"]
    assert [each["file"] for each in pictures] == files
    assert ["error" in each for each in pictures] == [True, False, True, False]


def test_standard_input_is_a_picture_too(place: Path) -> None:
    start = [sys.executable, "-W", "error", "-m", "handmade", "predict", str(MODEL), "-"]
    done = subprocess.run(start, input=(place / "seven.png").read_bytes(), capture_output=True, check=True)

    assert b"This is a 7." in done.stdout


def test_the_stages_are_shown_and_drawn(command: Handmade, tmp_path: Path) -> None:
    done = command("predict", MODEL, "seven.png", "--show-stages", "--stages-out", tmp_path / "stages.png")

    assert done.code == 0
    for stage in ("1 picture", "2 paper", "3 light", "4 ink", "5 figure", "6 scaled to 20 x 20", "7 centred in 28 x 28"):
        assert stage in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    with Image.open(tmp_path / "stages.png") as drawing:
        assert drawing.size == (7 * 288, 288)
    again = command("predict", MODEL, "seven.png", "--stages-out", tmp_path / "stages.png")
    assert (again.code, again.out) == (1, "")
    assert "stages.png, which exists. Try another name" in " ".join(again.err.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["predict", "runs/readme-1", "seven.png"], ["runs/readme-1", "handmade train"]),
        (["predict", "folder", "seven.png"], ["folder", "handmade train"]),
        (["predict", "seven.png", MODEL], ["seven.png", "safetensors"]),
        (["predict", "small.safetensors", "seven.png"], ["pictures (H, W, C)", "(2, 2, 1)"]),
        (["predict", MODEL, "none.png"], ["none.png", "no such file"]),
        (["predict", MODEL, "folder"], ["folder", "Give the path"]),
        (["predict", MODEL, "empty.jpg"], ["empty.jpg", "empty"]),
        (["predict", MODEL, "cut.png"], ["cut.png", "damaged"]),
        (["predict", MODEL, "words.txt"], ["words.txt", "PNG"]),
        (["predict", MODEL, "seven.png", "--stages-out", "none/x.png"], ["none/x.png", "Choose"]),
        (["show", "none.png"], ["none.png", "test:7"]),
        (["show", "test:10000"], ["test:9999"]),
        (["show", "words.txt"], ["words.txt", "PNG"]),
        (["show", MODEL, "--filters", "relu1"], ["relu1", "conv1, conv2"]),
        (["show", "even.safetensors", "--filters", "conv1"], ["none"]),
        (["show", MODEL, MODEL, "--filters", "conv1"], ["one model"]),
    ],
    ids=lambda value: " ".join(Path(word).name for word in value),
)
def test_what_is_wrong_is_said_in_one_line(command: Handmade, arguments: list[str | Path], says: list[str]) -> None:
    done = command(*arguments)

    assert done.code == 1
    assert done.err.startswith("handmade: ")
    assert done.err.count("\n") == 1
    assert all(words in done.err for words in says)


def test_a_picture_before_the_model_is_noticed(command: Handmade) -> None:
    done = command("predict", "seven.png", MODEL, "it is.png")

    assert (done.code, done.out) == (1, "")
    assert done.err == (f"handmade: expected MODEL first, then pictures. Try: handmade predict {MODEL} seven.png 'it is.png'\n")


def test_a_keyboard_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(handmade.HandmadeError, match="got a terminal"):
        inputs.picture("-")


def test_digits_are_shown_side_by_side_with_their_labels(command: Handmade) -> None:
    done = command("show", "test:0", "train:0", "seven.png")

    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "test:0 is 7" in lines[14]
    assert "train:0 is 5" in lines[14]
    assert "seven.png" in done.out
    digits = handmade.data.mnist()
    shown = json.loads(command("show", "test:0", "seven.png", "--json").out)["images"]
    assert [one["label"] for one in shown] == [7, None]
    np.testing.assert_array_equal(shown[0]["pixels"], digits.test.images[0, ..., 0])
    np.testing.assert_array_equal(shown[1]["pixels"], handmade.read_digit("seven.png").image[..., 0])


def test_filters_are_shown_with_their_signs(command: Handmade) -> None:
    W = handmade.load(MODEL).parameters()["0.W"]
    done = command("show", MODEL, "--filters", "conv1")

    assert done.code == 0
    limit = abs(W).max()
    level = round(float(W[0, 0, 0, 0] / limit * 9))
    assert done.out.startswith(f"{'+' if level > 0 else MINUS if level < 0 else ' '}{abs(level)}")
    assert "all 8" in done.out
    assert "the first 64 of 128" in command("show", MODEL, "--filters", "conv2").out
    np.testing.assert_array_equal(
        np.float32(json.loads(command("show", MODEL, "--filters", "conv1", "--json").out)["weights"]), W
    )


def terminal(colours: Colours | None = "truecolor", *, no_color: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system=colours, width=100, no_color=no_color)


def pixels(tile: terminal_pictures.Tile) -> Array:
    """What a terminal shows, read from the colours of its characters."""
    halves: list[list[int]] = []
    for line in tile.lines:
        colours = [str(span.style).split(" on ") for span in line.spans]
        halves += [[Color.parse(pair[half]).get_truecolor().red for pair in colours] for half in (0, 1)]
    return np.array(halves)


def test_half_blocks_show_every_pixel_of_a_digit() -> None:
    image = handmade.data.mnist().test.images[3, ..., 0]

    shown = terminal_pictures.grey(image / 255, "", terminal("truecolor"))

    np.testing.assert_array_equal(pixels(shown), image)
    assert (len(shown.lines), shown.width) == (14, 28)


def test_a_large_picture_is_shown_small() -> None:
    values = np.tile(np.linspace(0, 1, 300), (601, 1))

    shown = pixels(terminal_pictures.grey(values, "", terminal("256"), 24))

    assert shown.shape == (24, 12)
    assert (np.diff(shown[0]) > 0).all()


@pytest.mark.parametrize("console", [Console(file=io.StringIO()), terminal("standard"), terminal(no_color=True), terminal(None)])
def test_where_there_is_no_colour_there_are_plain_characters(console: Console) -> None:
    shown = terminal_pictures.grey(np.array([[0.0, 1.0], [0.0, 1.0]]), "x", console)

    assert [line.plain for line in shown.lines] == [" @"]
    assert not shown.lines[0].spans
    signs = terminal_pictures.weights(np.array([[1.0, -0.5, 0.0]]), 1.0, "x", console)
    assert [line.plain for line in signs.lines] == [f"+9{MINUS}4 0"]
    assert not signs.lines[0].spans


def test_the_colours_of_weights_tell_their_sign_and_zero_is_neutral() -> None:
    row = terminal_pictures.weights(np.array([[0.3, -0.3, 0.0]]), 0.3, "", terminal()).lines[0]
    blue, orange, neutral = (Color.parse(str(span.style).split(" on ")[1]).get_truecolor() for span in row.spans)

    assert blue.blue > blue.red
    assert orange.red > orange.blue
    assert len(set(neutral)) == 1


def test_no_row_is_wider_than_its_terminal() -> None:
    tile = terminal_pictures.grey(np.zeros((28, 28)), "x", terminal())
    narrow = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=40)

    assert max(len(line) for line in terminal_pictures.rows([tile] * 3, terminal())) == 58
    assert max(len(line) for line in terminal_pictures.rows([tile] * 3, narrow)) == 28
