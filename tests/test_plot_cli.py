"""`handmade plot` and `handmade report`: files written whole, pages that need nothing else, and one line for what cannot be."""

import base64
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image

import handmade
from handmade import pictures
from handmade.cli.main import main
from handmade.engine.extras import install_command
from handmade.pictures.story import story
from tiny_digits import TINY, write_digits

VOID = {"meta", "img", "br", "source", "link", "input", "hr"}


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what went wrong."""
        assert self.code in {1, 2}
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert "run it again with --debug" not in self.err
        return self.err.removeprefix("handmade: ").rstrip()


Command: TypeAlias = Callable[..., Outcome]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits, and a run on them that is over."""
    place = tmp_path_factory.mktemp("plot")
    write_digits(place / "digits", 60, 40)
    run = place / "my-run"
    run.mkdir()
    handmade.networks.described(TINY, np.random.default_rng(5)).save(run / "model.safetensors")
    data = str(place / "digits")
    settings = {
        "network": "tiny.json",
        "gradient": "difference",
        "learning_rate": 0.1,
        "step_size": 1e-4,
        "seed": 5,
        "data": data,
    }
    result = {"test_accuracy": 0.125, "seconds": 61.5, "model": str(run), "optimiser": "<b>&momentum"}
    result["notices"] = [{"kind": "flat", "step": 9, "seen": "the loss <i>lies", "why": "it does", "change": "the rate"}]
    result["best"] = {"step": 17, "model": "best.safetensors"}
    (run / "run.json").write_text(json.dumps(settings | result))
    log = [{"step": n, "loss": 2.5 / n, "accuracy": 0.5 if n % 2 else None, "seconds": n} for n in range(1, 31)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log) + '{"step": 31, "lo')
    (place / "tiny.json").write_text(json.dumps(TINY))
    (place / "large.json").write_text(json.dumps(handmade.networks.PRESETS["readme"] | {"input": [30, 30, 1]}))
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(place)

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        code = 0 if leaving.value.code is None else leaving.value.code
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err.replace("Compiling loops (once)\n", ""))  # by the first test that does

    return run


KINDS = {
    "filters": [],
    "maps": ["--image", "test:7", "--data", "digits"],
    "nudge": ["--image", "train:3", "--data", "digits", "--nudge", "conv1.W[1,2,0,1]=+0.1"],
    "sensitivity": ["--data", "digits", "--patch", "5"],
    "curves": [],
    "confusion": ["--data", "digits"],
    "mistakes": ["--data", "digits", "--most", "3"],
    "histograms": ["--data", "digits", "--images", "20"],
    "steps": ["--data", "digits", "--images", "1"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_named_after_the_run_and_is_not_written_over_unless_told(kind: str, command: Command, place: Path) -> None:
    file = place / f"my-run-{kind}.png"

    drawn = command("plot", kind, "my-run", *KINDS[kind])
    assert (drawn.code, drawn.out) == (0, f"Picture: my-run-{kind}.png\n")
    assert all(line.endswith(" left") for line in drawn.err.splitlines())  # of long work, on a slow machine
    with Image.open(file) as image:
        assert image.width == 1200
    file.write_bytes(b"mine")
    refused = command("plot", kind, "my-run", *KINDS[kind]).error

    advice = "Try another name, or --force to overwrite it"
    assert refused == f"--out: expected a new file, got my-run-{kind}.png, which exists. {advice}"
    assert file.read_bytes() == b"mine"
    if kind == "filters":
        assert command("plot", kind, "my-run", *KINDS[kind], "--force").code == 0
        assert file.read_bytes().startswith(b"\x89PNG")


def test_the_ending_decides_the_format_and_a_dark_picture_is_another_one(command: Command, place: Path) -> None:
    for name in ("a.svg", "a.PDF", "light.png"):
        assert command("plot", "filters", "tiny.json", "--out", name).code == 0
    assert command("plot", "filters", "tiny.json", "--out", "dark.png", "--dark").code == 0

    assert b"<svg" in (place / "a.svg").read_bytes()
    assert (place / "a.PDF").read_bytes().startswith(b"%PDF")
    corners = [Image.open(place / name).convert("RGB").getpixel((0, 0)) for name in ("light.png", "dark.png")]
    assert corners == [(255, 255, 255), (0x14, 0x17, 0x1C)]
    assert not [path for path in place.iterdir() if path.name.endswith(".tmp")]


def test_a_film_trains_the_network_anew_and_says_so(command: Command, place: Path) -> None:
    before = {path: path.read_bytes() for path in (place / "my-run").iterdir()}

    done = command("plot", "film", "my-run", "--steps", "9", "--frames", "4", "--data", "digits")

    assert done.code == 0
    assert done.out == "Picture: my-run-film.gif\n"
    assert "Training my-run from new weights for 9 steps, by backpropagation" in " ".join(done.err.split())
    with Image.open(place / "my-run-film.gif") as film:
        assert film.n_frames == 4  # type: ignore[attr-defined]  # after 0, 3, 6 and 9 steps
    assert {path: path.read_bytes() for path in (place / "my-run").iterdir()} == before


def test_a_film_begins_with_the_weights_that_the_run_began_with(
    command: Command, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    seen: list[list[pictures.Frame]] = []

    def film(frames: list[pictures.Frame], *_: object, **__: object) -> bytes:
        seen.append(frames)
        return b"GIF"

    monkeypatch.setattr(pictures, "film", film)
    for seed in ([], ["--seed", "6"]):
        assert command("plot", "film", "my-run", "--steps", "2", "--data", "digits", "--out", "x.gif", "--force", *seed).code == 0

    own, other = (frames[0].network.parameters()["0.W"] for frames in seen)
    assert np.array_equal(own, handmade.networks.described(TINY, np.random.default_rng(5)).parameters()["0.W"])
    assert np.array_equal(other, handmade.networks.described(TINY, np.random.default_rng(6)).parameters()["0.W"])
    assert [frame.step for frame in seen[0]] == [0, 1, 2]
    assert (place / "x.gif").read_bytes() == b"GIF"


def test_curves_take_several_runs(command: Command, place: Path) -> None:
    (place / "elsewhere").mkdir(exist_ok=True)
    copy = place / "elsewhere" / "my-run"
    copy.mkdir()
    for file in (place / "my-run").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())

    assert command("plot", "curves", "my-run/model.safetensors", "elsewhere/my-run") == Outcome(
        0, "Picture: runs-curves.png\n", ""
    )
    assert pictures.History("x", []).series("loss")[0].size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("plot bogus", "expected a command, got 'bogus'. Try: handmade plot --help"),
        ("plot filters", "expected MODEL|NAME|FILE, got nothing. Try: handmade plot filters --help"),
        (
            "plot filters my-run --out x.jpg",
            "--out: expected a name that ends in .png, .svg, .pdf, got x.jpg. Try --out picture.png",
        ),
        ("plot filters my-run --out x", "--out: expected a name that ends in .png, .svg, .pdf, got x. Try --out picture.png"),
        ("plot film my-run --out x.png", "--out: expected a name that ends in .gif, got x.png. Try --out picture.gif"),
        ("plot filters my-run --out no/x.png", "--out: expected a folder that exists; there is no .*no. Try mkdir first"),
        (
            "plot filters tiny.json --layer conv2",
            "layer: expected a layer with filters or weights, got 'conv2'; this network has conv1, linear1",
        ),
        (
            "plot filters redme",
            "redme: expected a run, a model file, a preset or a network file; there is none. Did you mean readme?",
        ),
        (
            "plot maps tiny.json --image test:99 --data digits",
            "digits: expected an image from test:0 to test:39, got 'test:99'. Try test:0",
        ),
        ("plot maps tiny.json --image 7 --data digits", "image: expected test:7, .*"),
        ("plot maps large.json --data digits", "--data: expected images of shape .*Try --resize 28x28"),
        ("plot sensitivity tiny.json --data digits --patch 2", "patch: expected an odd number of pixels; got 2. Try patch=3"),
        ("plot sensitivity tiny.json --data digits --label 10", "label: expected a class from 0 to 9, got 10"),
        ("plot confusion large.json --data digits", "--data: expected images of shape .*Try --resize 28x28"),
        ("plot curves digits", "digits: expected the folder of a run; there is no run.json in it. Try: handmade runs"),
        (
            "plot curves readme",
            "readme: expected the folder of a run; a preset has no training log. Try: handmade train --network readme",
        ),
        ("plot curves tiny.json", "tiny.json: expected the folder of a run; this file is in no run. Try: .* evaluate tiny.json"),
        ("plot nudge tiny.json --data digits --nudge conv1.W[9,0,0,0]=1", "conv1.W: expected row 0 to 2, .*"),
        ("report digits", "digits: .* the folder of a run; there is no model.safetensors in it.*"),
        ("report my-run --image 40 --out y.html", "--image: expected a test image, 0 to 39, got 40. Try --image 0"),
        ("report my-run --out y.pdf", "--out: expected a name that ends in .html, .htm, got y.pdf. Try --out picture.html"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: str, message: str, command: Command) -> None:
    assert re.fullmatch(message if "*" in message else re.escape(message), command(*arguments.split()).error)


@pytest.mark.parametrize("arguments", ["plot filters my-run", "plot film my-run", "report my-run"])
def test_without_matplotlib_one_line_says_how_to_get_it(
    arguments: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert command(*arguments.split()).error.endswith(f"Try {install_command('plots')}")


class Page(HTMLParser):
    """A page taken apart; its tags must close in the order in which they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def page(place: Path) -> str:
    told = pytest.MonkeyPatch()
    told.chdir(place)
    told.setattr(sys, "argv", ["handmade", "report", "my-run", "--image", "7"])
    with pytest.raises(SystemExit) as leaving:
        main()
    told.undo()
    assert leaving.value.code in {0, None}
    return (place / "my-run" / "report.html").read_text(encoding="utf-8")


def test_a_report_is_one_sound_file_that_asks_for_nothing_else(page: str) -> None:
    assert len(page.encode()) < 3_000_000
    parsed = Page(page)
    assert parsed.open == []
    targets = {attributes["id"] for _, attributes in parsed.tags if "id" in attributes}
    for tag, attributes in parsed.tags:
        assert tag not in {"script", "link", "iframe", "object", "base"}
        for name in ("src", "href", "srcset", "action", "background"):
            link = attributes.get(name, "")
            assert not link or link.startswith("data:image/") or link.removeprefix("#") in targets, link
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", re.sub(r'"data:[^"]*"', "", page))


def test_a_report_has_every_picture_light_and_dark_and_said_in_words(page: str) -> None:
    tags = Page(page).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    sources = [attributes["src"] for attributes in images] + [each["srcset"] for tag, each in tags if tag == "source"]

    assert [attributes["class"] for tag, attributes in tags if tag == "picture"] == 5 * ["light", "dark"]
    assert all(len(image["alt"]) > 10 for image in images)
    assert len(set(sources)) == 20  # wide and narrow
    for source in sources:
        kind, content = source.removeprefix("data:image/").split(";base64,")
        assert base64.b64decode(content).startswith({"png": b"\x89PNG", "svg+xml": b"<?xml"}[kind])


def test_a_report_fits_a_screen_of_390_pixels(page: str) -> None:
    tags = Page(page).tags
    styles = page.partition("<style>")[2].partition("</style>")[0]

    for width, unit in re.findall(r"(?<!max-)width: ?([\d.]+)(px|rem|em|cm)", styles):
        assert float(width) * {"px": 1, "rem": 16, "em": 16, "cm": 38}[unit] < 390
    assert all(style.get("style") is None and style.get("width") is None for _, style in tags)
    narrow = [attributes for tag, attributes in tags if tag == "source"]
    assert {attributes["media"] for attributes in narrow} == {"(max-width: 44rem)"}
    for attributes in narrow:
        kind, content = attributes["srcset"].removeprefix("data:image/").split(";base64,")
        if kind == "png":
            with Image.open(BytesIO(base64.b64decode(content))) as image:
                assert image.width == 4 * 150  # inches: letters of 8 points are 10.8 pixels high at 390
        else:
            assert b'viewBox="0 0 288 ' in base64.b64decode(content)
    scrolling = re.sub(r"<div class=.wide.><table>.*?</table></div>", "", page, flags=re.DOTALL)
    assert "<table" not in scrolling


@pytest.fixture(scope="module")
def subject() -> pictures.Subject:
    """A model without a run, and its images."""
    network = handmade.networks.described(TINY | {"classes": [f"<{k}>" for k in range(10)]}, np.random.default_rng(5))
    x, y = np.random.default_rng(6).random((20, 8, 8, 1), np.float32), np.arange(20) % 10
    return pictures.Subject(pictures.History("a model", []), {}, network, x, y)


@pytest.fixture(scope="module")
def without_run(subject: pictures.Subject) -> str:
    return pictures.report(subject, 3)


def test_a_report_of_a_model_without_a_run_has_no_part_on_training(without_run: str) -> None:
    page = without_run

    sections = [attributes["id"] for tag, attributes in Page(page).tags if tag == "section"]
    assert sections == ["confusion", "mistakes", "filters", "maps", "weight", "settings"]
    words = Page(page).words
    assert any("true class <3>" in word for word in words)
    assert not {"The run", "steps", "training time"} & set(words)
    assert any("5 layers; 20 test images" in word for word in words)
    titles = [word for word in words if word in {"Training", "Predictions", "Mistakes", "Weights", "One image", "One weight"}]
    assert titles == 2 * ["Predictions", "Mistakes", "Weights", "One image", "One weight"]  # links and headings


def test_a_report_of_a_picture_has_its_stages_and_the_decision(subject: pictures.Subject, without_run: str) -> None:
    stages = [("picture", np.eye(30)), ("ink", np.eye(4, 9))]

    page = pictures.report(subject, pictures.Shown("<my>.png", subject.x[3], None, stages, "it is noise & more"))

    words = Page(page).words
    assert any("<my>.png" in word for word in words)
    assert any("Rejected: it is noise & more." in word for word in words)
    assert any("The class of a picture is not known" in word for word in words)
    assert "<my>" not in page
    alone = pictures.report(subject, pictures.Shown("test:3", subject.x[3], 3))
    assert alone == without_run
    assert page.count("<picture") == alone.count("<picture") + 2  # light and dark


def test_a_report_takes_the_picture_of_a_digit(command: Command, place: Path) -> None:
    stroke = np.full((90, 90), 240, np.uint8)
    stroke[15:75, 40:48] = 20
    Image.fromarray(stroke).save(place / "one.png")

    done = command("report", "tiny.json", "--data", "digits", "--image", "one.png", "--out", "picture.html")

    assert (done.code, done.out[:20]) == (0, "Report: picture.html")
    words = Page((place / "picture.html").read_text(encoding="utf-8")).words
    assert "one.png" in words
    assert any("The class of a picture is not known" in word for word in words)
    assert "7.png" in command("report", "tiny.json", "--data", "digits", "--image", "7.png", "--out", "none.html").error
    train = command("report", "tiny.json", "--data", "digits", "--image", "train:99999", "--out", "none.html").error
    assert "Try train:" in train
    assert not (place / "none.html").exists()


def test_a_report_tells_settings_and_results_and_lets_no_text_be_markup(page: str) -> None:
    words = Page(page).words

    six = "6 \N{MULTIPLICATION SIGN} 6"
    for expected in ("my-run", "62 s", "tiny.json", "0.0001", "202", "<b>&momentum", "conv1", six, "best step"):
        assert any(expected in word for word in words), expected
    assert "the loss <i>lies. it does. the rate." in words
    assert "<b>" not in page
    assert "<i>" not in page
    assert not any("model.safetensors" in word or word.endswith("/my-run") for word in words)  # no path of somebody's disk
    assert "$" not in re.sub(r'"data:[^"]*"', "", page)


def test_a_report_takes_a_model_file_and_finds_its_run(command: Command, place: Path) -> None:
    (place / "alone").mkdir(exist_ok=True)
    (place / "alone" / "other.safetensors").write_bytes((place / "my-run" / "model.safetensors").read_bytes())

    assert "my-run/report.html, which exists" in command("report", "my-run/model.safetensors").error
    done = command("report", "alone/other.safetensors", "--data", "digits")
    assert done.out.startswith("Report: other-report.html (")
    assert "Training" not in re.findall(r"<h2[^>]*>([^<]*)", (place / "other-report.html").read_text(encoding="utf-8"))


def test_a_report_is_not_written_over_unless_told(command: Command, place: Path, page: str) -> None:
    assert page
    assert "report.html, which exists" in command("report", "my-run").error
    again = command("report", "my-run", "--image", "7", "--force")
    assert again.out.startswith("Report: my-run/report.html (")
    assert (place / "my-run" / "report.html").read_text(encoding="utf-8") == page


def test_the_story_of_a_weight_has_one_derivative_in_three_ways(page: str, place: Path) -> None:
    network = handmade.load(place / "my-run" / "model.safetensors")
    digits = handmade.data.load(place / "digits")
    x = handmade.data.prepare(digits.test.images)

    told = story(network, x[7], int(digits.test.labels[7]), h=1e-4, learning_rate=0.1)

    assert told.by_definition == pytest.approx(told.by_difference, rel=1e-9)
    assert told.by_difference == pytest.approx(told.derivative, rel=1e-2)
    assert told.by_difference != told.derivative
    assert told.update == -0.1 * told.derivative
    change = abs(told.nudged - told.loss) / told.loss
    assert 10.0 ** -(told.lost + 1) < change < 10.0 ** -(told.lost - 1)
    gradients: dict[str, Any] = handmade.gradients.backprop(network, x[7:8], digits.test.labels[7:8])[1]
    assert abs(told.derivative) == pytest.approx(np.abs(gradients["0.W"]).max(), rel=1e-4)
    words = Page(page).words
    minus = "\N{MINUS SIGN}"
    assert f"{told.by_difference:+#.12g}".replace("-", minus) in words
    assert f"{told.by_definition:+#.12g}".replace("-", minus) in words
    assert f"{told.derivative:+#.12g}".replace("-", minus) in words
    assert told.place in words
