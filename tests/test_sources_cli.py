"""Data of users from end to end: trained, evaluated, checked and drawn, with options that all commands share."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import handmade
from handmade.cli.main import main
from handmade.runs import Settings
from handmade.runs.data_source import DataSource


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour pictures of two classes, one of them unreadable, and of other sizes."""
    place = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for k, name in enumerate(("red", "blue")):
        (place / "pets" / name).mkdir(parents=True)
        for n in range(15):
            pixels = rng.integers(60, size=(9 + n % 2, 8, 3), dtype=np.uint8)
            pixels[..., 2 * k] += 190
            Image.fromarray(pixels).save(place / "pets" / name / f"{n}.png")
    (place / "pets" / "red" / "broken.png").write_bytes(b"\x89PNG")
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    monkeypatch.chdir(place)

    def call(words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *words.split()])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capfd.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


OPTIONS = "--data pets --resize 8x8 --skip-unreadable --test-share 0.4"
TRAIN = f"train {OPTIONS} --gradient backprop --epochs 8 --batch-size 4 --threads 1 --out run --force"


def test_pictures_are_trained_evaluated_and_drawn(command: Callable[..., Any], place: Path) -> None:
    code, _, err = command(TRAIN)
    assert code == 0
    assert "left out: 1 picture that cannot be read." in err
    assert "12 of 30 images (40 % of each class) are kept for testing" in err
    known = json.loads((place / "run" / "run.json").read_text())
    assert (known["data"], known["resize"], known["skip_unreadable"], known["test_share"]) == ("pets", "8x8", True, 0.4)
    network = handmade.load(place / "run")
    assert (network.class_names, network.input_shape) == (("blue", "red"), (10, 10, 3))
    for words in ("evaluate run --json", f"evaluate run {OPTIONS} --json", "evaluate run --test-share 0.4 --json"):
        code, out, err = command(words)
        assert code == 0, err
        found = json.loads(out)
        assert (found["images"], found["test_accuracy"]) == (12, 1.0)
        assert "left out" in err
    for words in (
        "check run --images 2",
        "explain run --image test:7 --at probability[1]",
        "trace run --image test:0 --nudge conv1.W[1,2,0,1]=+0.1",
        "plot confusion run --out a.png --force",
        "evaluate readme --data pets --resize 12x12 --grey --skip-unreadable",
    ):
        code, _, err = command(words)
        assert code == 0, (words, err)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("train --data pets", "expected pictures of one size, 9 x 8 as 'pets/blue/0.png'; got 10 x 8. Try --resize 9x8"),
        ("train --data pets --resize 9x8", "Or leave such pictures out with --skip-unreadable"),
        ("train --data pets --resize 9", "--resize: expected height and width of 1 to 1,024 pixels, got '9'. Try --resize 28x28"),
        ("train --data pets --test-share 2", "--test-share: expected a share between 0 and 1, got 2.0. Try --test-share 0.2"),
        ("evaluate readme --resize 9", "--resize: expected height and width of 1 to 1,024 pixels, got '9'. Try --resize 28x28"),
        ("evaluate readme --data nothing", "expected the name of a data set"),
        ("check readme --data pets --resize 8x8", "'pets/red/broken.png': expected a picture, PNG, JPEG"),
    ],
)
def test_what_cannot_be_is_one_line(command: Callable[..., Any], words: str, says: str) -> None:
    code, out, err = command(words)
    assert (code, out) in {(1, ""), (2, "")}
    assert err.count("\n") == 1
    assert says in err


def test_the_data_of_settings_are_a_source() -> None:
    settings = Settings(data="pets", resize="8x8", grey=True, test_share=0.3, skip_unreadable=True)
    source = DataSource("pets", "8x8", grey=True, test_share=0.3, skip_unreadable=True)
    assert settings.source == source
    assert str(source) == "pets"
    assert DataSource.of(json.loads(json.dumps(settings.to_json()))) == source
    assert DataSource.of({"data": "mnist", "epochs": 2}) == DataSource()


def test_a_zip_in_memory_is_not_unpacked(tmp_path: Path) -> None:
    """Reading a zip writes nothing beside it."""
    import zipfile  # noqa: PLC0415  of this test alone

    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for n in range(6):
            file = io.BytesIO()
            Image.fromarray(np.full((4, 4), n, np.uint8)).save(file, "PNG")
            archive.writestr(f"{'ab'[n % 2]}/{n}.png", file.getvalue())
    handmade.data.load(tmp_path / "pets.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["pets.zip"]
