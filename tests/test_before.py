"""Files of the version before networks were graphs: models load, and an interrupted run goes on to the same end."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.engine.gradients import backprop, difference
from tiny_digits import write_digits

BEFORE = Path(__file__).parent / "data" / "before"
EXPECTED: dict[str, Any] = json.loads((BEFORE / "expected.json").read_text(encoding="utf-8"))
MODELS = {"chain": "chain.safetensors", "residual": "residual.safetensors", "whole": "whole.safetensors"}
STEPS = 40


@pytest.mark.parametrize("name", MODELS)
def test_a_model_loads_and_gives_the_same_numbers(name: str) -> None:
    expected, network = EXPECTED[name], handmade.load(BEFORE / MODELS[name])
    network = network.replace({key: a.astype(np.float64) for key, a in (network.parameters() | network.statistics()).items()})
    x, y = np.random.default_rng(5).random((4, 8, 8, 1)), np.array([0, 3, 7, 9])

    # sums of some hundred products, in an order that may differ from machine to machine
    np.testing.assert_allclose(network.logits(x), expected["logits"], rtol=0, atol=1e-12)
    for way in (difference, backprop):
        loss, gradients = way(network, x, y)
        assert loss == pytest.approx(expected["loss"], rel=1e-12)
        assert sorted(gradients) == sorted(expected["names"])
        for key, total in expected[way.__name__].items():
            assert float(np.abs(gradients[key]).sum()) == pytest.approx(total, rel=1e-9, abs=1e-12)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 96, 40)
    shutil.copy(BEFORE / "interrupted.json", "staged.json")
    shutil.copytree(BEFORE / "interrupted", "interrupted")
    return tmp_path


def test_an_interrupted_run_goes_on_to_the_same_end(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", "train", "--resume", "interrupted"])
    with pytest.raises(SystemExit) as leaving:
        main()

    assert not leaving.value.code
    whole, resumed = handmade.load(BEFORE / MODELS["whole"]), handmade.load(place / "interrupted" / "model.safetensors")
    for key, array in (whole.parameters() | whole.statistics()).items():
        # float32, rounded in another order at each of 40 steps
        np.testing.assert_allclose((resumed.parameters() | resumed.statistics())[key], array, rtol=0, atol=1e-4)
    lines = [json.loads(line) for line in (place / "interrupted" / "log.jsonl").read_text().splitlines()]
    before = [json.loads(line) for line in (BEFORE / "whole.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    np.testing.assert_allclose([line["loss"] for line in lines], [line["loss"] for line in before], rtol=0, atol=1e-4)


@pytest.mark.usefixtures("place")
def test_the_commands_read_the_run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for words in (["runs", "."], ["evaluate", "interrupted", "--data", "digits"]):
        monkeypatch.setattr(sys, "argv", ["handmade", *words])
        with pytest.raises(SystemExit) as leaving:
            main()
        assert not leaving.value.code, words
    assert "interrupted" in capfd.readouterr().out
