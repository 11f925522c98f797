"""A notebook shows a view of every value: escaped, whole in itself, bounded, and with the numbers of the value."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import pytest

import handmade
from handmade import runs, sweep
from handmade.data.picture import Answer
from handmade.engine.check.layers.report import Finding, LayerReport
from handmade.engine.check.networks.report import ArrayReport, Report
from handmade.engine.evaluation import Evaluation
from handmade.engine.printable import ShortRepr
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Place, Term, made, stored, total
from handmade.engine.training.monitor import Notice
from handmade.html import VIEWS, to_html
from handmade.html.images import png, signed_map, thinned
from handmade.html.markup import Markup, tag
from handmade.learn import grade
from handmade.runs.comparison import Curve
from handmade.runs.history import RunList
from handmade.runs.job import Sources
from handmade.runs.settings import settings as all_settings
from handmade.sweep.checks import Checked
from handmade.sweep.plan import make_plan
from handmade.text import LAYOUTS
from handmade.text.number_format import MINUS
from test_text import VALUES as PRINTED
from tiny_digits import TINY, write_digits

BAD = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&amp;"
SHORT = "<b>&amp;<script>"  # fits where names are cut
MOST_BYTES = 400_000
ALLOWED = {
    *("div", "style", "span", "b", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("figure", "figcaption", "img", "svg", "polyline", "text", "progress"),
}


class Page(HTMLParser):
    """A view as a reader of HTML sees it: its elements, its text, and an error where it is not closed."""

    def __init__(self, html: str | None) -> None:
        super().__init__(convert_charrefs=True)
        assert html is not None
        self.html, self.stack, self.tags, self.pieces = html, list[str](), list[str](), list[str]()
        self.cells: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self.stack == []
        self.text = "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"href", "srcdoc", "action"}
            assert name != "src" or (value or "").startswith("data:image/png;base64,")
        if tag == "tr":
            self.cells.append([])
        if tag in {"td", "th"}:
            self.cells[-1].append("")
        if tag != "img":
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["style"]:
            assert not re.search(r"url\(|@import|<", data)
            return
        self.pieces.append(data)
        if self.cells and {"td", "th"} & set(self.stack):
            self.cells[-1][-1] += data


def record(folder: str, **known: Any) -> runs.RunRecord:
    return runs.RunRecord(Path(folder), {"network": "readme", "status": "finished", **known})


def comparison(count: int, steps: int = 20, name: str = "run") -> runs.Comparison:
    curves = tuple(Curve({n: 1 / n for n in range(1, steps + 1)}, {}) for _ in range(count))
    at = [{"step": steps, "loss": [0.5] * count, "accuracy": [0.25] * count}]
    records = tuple(record(f"runs/{name}-{n}", test_accuracy=0.5) for n in range(count))
    return runs.Comparison(records, curves, {"seed": list(range(count))}, at)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> runs.TrainingSession:
    return finished(tmp_path_factory.mktemp("runs") / "all")


def new_session(folder: Path, **given: Any) -> runs.TrainingSession:
    folder.mkdir()
    write_digits(folder / "digits", 40, 20)
    (folder / "tiny.json").write_text(str(TINY).replace("'", '"'))
    settings = {"data": str(folder / "digits"), "network": str(folder / "tiny.json"), "gradient": "backprop", "threads": 1}
    return runs.start(runs.Settings(**{**settings, "steps": 3, **given}), folder / "run")


def finished(folder: Path) -> runs.TrainingSession:
    session = new_session(folder)
    session.finish()
    return session


STEP = PRINTED["step"]
DATA = handmade.data.mnist()
PICTURE = np.ones((40, 40))
PICTURE[8:32, 18:22] = 0
DIGIT = handmade.data.find_digit(PICTURE)


def answered(names: tuple[str, ...] = ("one", "two", "three"), rejection: str | None = None) -> Answer:
    return Answer(DIGIT, np.array([0.7, 0.1, 0.2]), names, 0, 0.6, None, 0.8, rejection)


PLAN = make_plan(runs.Settings(validation=9), {"learning_rate": list(np.linspace(0.01, 0.1, 100)), "seed": [0]})
ENDED = tuple(sweep.SweepRun(Path("sweeps/a/run"), values, "finished", 0.5, 0.1, 0.5, 2.0, 9) for values in PLAN.values)
VALUES: dict[str, Any] = {
    **PRINTED,
    "term": handmade.explain(PRINTED["network"], np.zeros((4, 4, 1)), "conv1[1,1,0]").total,
    "data set": DATA,
    "digit": DIGIT,
    "answer": answered(),
    "images": DATA.test,
    "verdict": grade("relu", lambda x: x),
    "progress": runs.Progress(
        STEP,
        (Notice("slow", 3, "the loss is 2.3", "small steps", "a larger one", ("learning_rate",)),),
        Path("a/checkpoint"),
        1.5,
    ),
    "comparison": comparison(3),
    "runs": RunList([record("runs/a"), record("runs/b"), runs.RunRecord(Path("c"), {}, "not a run")]),
    "sweep": sweep.Sweep(Path("sweeps/a"), Checked(PLAN, (1.0,) * len(PLAN), {}), Sources(), None, 1, new=True),
    "sweep progress": sweep.SweepProgress(0, 2, PLAN.values[0], None, ENDED[0], 1, 2.5),
    "sweep results": sweep.SweepResults(Path("sweeps/a"), PLAN, ENDED),
}


# --- every view ----------------------------------------------------------------------------------------------------------------


def test_every_view_and_every_layout_is_tested_here(session: runs.TrainingSession) -> None:
    shown = {f"{kind.__module__}.{kind.__qualname__}" for value in (*VALUES.values(), session) for kind in type(value).__mro__}

    assert (VIEWS | LAYOUTS).keys() - shown == set()
    for module in VIEWS.values():
        assert callable(import_module(f"handmade.html.{module}").view)


@pytest.mark.parametrize("name", VALUES)
def test_a_view_is_whole_in_itself(name: str) -> None:
    html = VALUES[name]._repr_html_()

    page = Page(html)
    assert page.tags[:2] == ["div", "style"]
    assert page.text.strip()
    assert len(html) < MOST_BYTES
    assert "object at 0x" not in html
    assert len(repr(VALUES[name])) < 200  # the plain text that stands beside it


def test_a_session_shows_its_result(session: runs.TrainingSession, tmp_path: Path) -> None:
    page = Page(session._repr_html_())
    assert "Trained 210 weights by backpropagation, in 3 steps" in page.text
    assert "0 of 3 steps done" in Page(new_session(tmp_path / "new")._repr_html_()).text
    shown = Page(runs.read_record(session.folder)._repr_html_())
    assert ["steps", "3"] in shown.cells
    assert shown.tags.count("polyline") == 1


def test_a_value_without_a_view_shows_its_repr() -> None:
    class Plain(ShortRepr):
        pass

    assert Plain()._repr_html_() is None
    assert to_html(3) is None
    assert handmade.ReLU()._repr_html_() is None


# --- the numbers ---------------------------------------------------------------------------------------------------------------


def test_a_network_is_a_table_of_layers_with_the_shapes_of_their_arrays() -> None:
    page = Page(handmade.networks.readme(0)._repr_html_())

    assert page.cells[2] == ["conv1", "filters 8, kernel 3 x 3", "28 × 28 × 8", "W 3 × 3 × 1 × 8, b 8", "80"]  # noqa: RUF001
    assert len(page.cells) == 1 + 1 + 7
    assert "28,298 weights" in page.text


def test_a_receipt_unfolds_and_prints_the_sign_of_every_number() -> None:
    receipt = PRINTED["receipt"]
    html = receipt._repr_html_()
    page = Page(html)

    assert page.tags.count("details") == page.tags.count("summary") > 3
    assert html.count("<details open>") == 1
    for kind, sign in (("plus", "+"), ("minus", MINUS)):
        numbers = re.findall(rf'<span class="{kind}"[^>]*>([^<]*)<', html)
        assert numbers
        assert all(number.startswith(sign) for number in numbers)
    assert f"{receipt.value:+.4g}" in page.text
    assert f'title="{receipt.value:.17g}"' in html  # all digits, under the pointer
    for each in receipt.all():
        assert f"{each.at} = " in page.text


def test_a_convolution_unfolds_into_patch_kernel_and_products() -> None:
    network = handmade.networks.readme(0)
    receipt = handmade.explain(network, DATA.test.images[0], "conv1[7,12,3]")

    page = Page(receipt._repr_html_())

    assert ["patch", "kernel", "products"] in page.cells
    assert receipt.total is not None
    products = [part.value for part in receipt.total.parts[0].parts]
    shown = [[float(number.replace(MINUS, "-")) for number in row[:3]] for row in page.cells[2:]]
    patch, kernel, product = (np.array(shown[n : n + 3]) for n in (0, 3, 6))
    assert np.allclose(product.ravel(), products, atol=1e-4)
    assert np.allclose(patch * kernel, product, atol=1e-3)


def test_a_trace_has_a_map_of_each_layer() -> None:
    trace = PRINTED["trace"]
    page = Page(trace._repr_html_())

    assert page.tags.count("figure") == len(trace.differences) == 4
    assert page.tags.count("img") == 2 + 2 + 1 + 1  # channels of conv1 and relu1; one row of flatten1 and linear1
    assert f"{trace.steps[0].largest:+.4f}".replace("-", MINUS) in page.text


def test_an_evaluation_shows_all_counts() -> None:
    confusion = np.array([[5, 1, 0], [2, 7, 0], [0, 3, 9]])
    page = Page(Evaluation(0.5, confusion, ("cat", "dog", SHORT))._repr_html_())

    assert page.cells[1:] == [
        ["0 cat", "5", "1", "", "83.33 %"],
        ["1 dog", "2", "7", "", "77.78 %"],
        [f"2 {SHORT}", "", "3", "9", "75.00 %"],
    ]


def test_a_data_set_shows_an_image_and_the_count_of_each_class() -> None:
    page = Page(DATA._repr_html_())

    assert page.tags.count("img") == 10
    assert page.cells[1] == ["0", "5,923", "980"]
    assert sum(int(row[1].replace(",", "")) for row in page.cells[1:]) == 60_000


def test_an_answer_shows_the_picture_and_the_most_likely_classes() -> None:
    page = Page(answered()._repr_html_())

    assert page.cells[1:] == [["one", "70.00 %"], ["three", "20.00 %"], ["two", "10.00 %"]]
    assert page.tags.count("figure") == len(DIGIT.stages()) == 7
    assert "Certainty of one: 80" in page.text
    assert "No answer: blurred" in Page(answered(rejection="blurred")._repr_html_()).text


def test_a_layer_report_names_the_mistake() -> None:
    page = Page(
        LayerReport("Conv", (Finding("gradient of W", "W", "3 are wrong", "ratio", "it is 2 times too large"),))._repr_html_()
    )

    assert "Conv: wrong" in page.text
    assert "gradient of W: ratio" in page.text
    assert "perhaps it is 2 times too large" in page.text


def test_images_are_png_files_of_the_pixels() -> None:
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO  # noqa: PLC0415

    values = np.array([[0.0, 1.0, -1.0], [0.25, -0.25, np.nan]])
    pixels = signed_map(values, 1.0)
    read = np.asarray(image.open(BytesIO(png(pixels))))
    assert np.array_equal(read, pixels)
    assert read[..., 3].tolist() == [[0, 255, 255], [128, 128, 0]]
    assert (read[0, 1, :3] != read[0, 2, :3]).any()
    large = np.zeros((300, 200))
    large[299, 150] = -5
    small = thinned(large)
    assert max(small.shape) <= 96
    assert small.min() == -5
    assert np.count_nonzero(small) == 1


# --- texts of others -----------------------------------------------------------------------------------------------------------


def named_network(names: list[str], node: str) -> handmade.Network:
    rng = np.random.default_rng(0)
    layers = [handmade.Node("conv", handmade.Conv2d.init(rng, 1, 2, 3)), handmade.Node(node, handmade.ReLU(), ("conv",))]
    layers += [handmade.Node("flat", handmade.Flatten(), (node,))]
    layers += [handmade.Node("out", handmade.Linear.init(rng, 8, len(names)), ("flat",))]
    return handmade.Network(layers, (4, 4, 1), class_names=names)


def hostile() -> dict[str, Any]:
    """Values in which every text of others is an attack, and the number of times that it must be readable."""
    node = "<script>alert(1)</script>"
    network = named_network([BAD, "b", "c"], node)
    x = np.random.default_rng(0).random((4, 4, 1))
    array = ArrayReport(BAD, 1, 0, 0, 0.0, (0,), 0.0, 0.0, 0.0, None, 0.0, 1, untested=BAD)
    part = handmade.data.Images(DATA.test.images[:4], np.array([0, 1, 0, 1]))
    return {
        "network": network,
        "evaluation": Evaluation(0.5, np.array([[1, 2], [0, 3]]), (BAD, "b")),
        "receipt": handmade.explain(network, x, "loss", label=1, depth=9),
        "trace": handmade.trace(network, x, "conv.W[1,1,0,1]=+0.5", label=1),
        "term": made("sum", stored(1.0, BAD, 1), Term(2.0, label=BAD, note=BAD)),
        "report": Report((array,), (BAD,)),
        "layer report": LayerReport(BAD, (Finding(BAD, BAD, BAD, BAD, BAD),), (BAD,), {BAD: 1}, {BAD: BAD}, (BAD,), (BAD,)),
        "record": record(BAD, recipe=BAD, optimiser=BAD, when=BAD, data=BAD),
        "problem": runs.RunRecord(Path(BAD), {}, BAD),
        "runs": RunList([record(BAD, optimiser=BAD), runs.RunRecord(Path(BAD), {}, BAD)]),
        "comparison": comparison(2, name=BAD.replace("/", "|")),
        "answer": answered((BAD, BAD, "c"), BAD),
        "data set": handmade.data.Dataset(part, part, (BAD, "b"), (BAD,)),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_texts_of_others_are_escaped(name: str) -> None:
    page = Page(HOSTILE[name]._repr_html_())  # it refuses any script, image or handler that is not ours

    assert len(page.html) < MOST_BYTES
    assert "<script>" in page.text
    assert "alert('1')</script>" not in page.html


def test_an_element_escapes_texts_and_attributes_and_leaves_markup() -> None:
    inner = tag("b", "1 < 2")
    assert tag("div", inner, "<", None, title='"<', kind="a", hidden=True, open=False) == (
        '<div title="&quot;&lt;" class="a" hidden><b>1 &lt; 2</b>&lt;</div>'
    )
    assert isinstance(inner, Markup)
    assert tag("img", alt=BAD).count("<") == 1


# --- sizes ---------------------------------------------------------------------------------------------------------------------


def deep(layers: int) -> handmade.Network:
    rng = np.random.default_rng(0)
    return handmade.Network(
        [*(handmade.ReLU() for _ in range(layers - 2)), handmade.Flatten(), handmade.Linear.init(rng, 4, 2)], (2, 2, 1)
    )


def large() -> dict[str, tuple[Any, str]]:
    """Large values, and the text in the place of the parts that are left out."""
    many = total([stored(1.0, "x", n) for n in range(100_000)])
    chain = stored(1.0, "x")
    for _ in range(400):
        chain = made("sum", chain, Term(1.0))
    wide = total([total([stored(1.0, "x", n, m) for m in range(100)], f"row {n}") for n in range(100)])
    array = ArrayReport("conv1.W", 1, 0, 0, 0.0, (0,), 0.0, 0.0, 0.0, None, 0.0, 1, untested="x")
    network = deep(200)
    below = tuple(Receipt(Place("x", (n,)), "pixel", 1.0) for n in range(1000))
    return {
        "network": (network, "more layers"),
        "receipt": (Receipt(Place("y"), "Linear", 100_000.0, many), "99,940 more terms, together"),
        "receipts": (Receipt(Place("y"), "Linear", 100_000.0, many, inputs=below), "901 more receipts"),
        "deep term": (chain, "sum"),
        "wide term": (wide, "more terms"),
        "trace": (handmade.trace(network, np.ones((2, 2, 1)), "input[0,0,0]=+1"), "more layers"),
        "evaluation": (Evaluation(0.5, np.eye(1000, dtype=np.int64)), "The confusion matrix of 1,000 classes is not shown"),
        "report": (Report((array,) * 1000, ("x",) * 1000), "more rows"),
        "layer report": (LayerReport("x", (Finding("x", "x", "x" * 9999),) * 1000, ("x",) * 1000), "950 more errors"),
        "runs": (RunList([record(f"runs/{n}") for n in range(1000)]), "900 runs before these"),
        "comparison": (comparison(30, 5000), "18 more runs"),
        "images": (handmade.data.Images(np.zeros((2000, 2, 2, 1), np.uint8), np.arange(2000) % 1000), "960 more classes"),
    }


def test_a_large_value_is_shortened_and_says_so() -> None:
    for name, (value, left_out) in large().items():
        page = Page(value._repr_html_())
        assert len(page.html) < MOST_BYTES, name
        assert left_out in page.text, name


def test_a_long_run_is_shown_by_a_few_points(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    lines = "".join(f'{{"step": {n}, "loss": {1 / n}, "accuracy": 0.5}}\n' for n in range(1, 50_001))
    (tmp_path / "run" / "log.jsonl").write_text(lines)
    page = Page(record(str(tmp_path / "run"))._repr_html_())

    assert len(page.html) < 20_000
    points = re.findall(r'points="([^"]*)"', page.html)
    assert [len(each.split()) for each in points] == [200]
    assert "50,000" in page.text


def test_the_sum_of_terms_that_are_left_out_is_right() -> None:
    parts = [stored(float(n), "x", n) for n in range(100)]

    page = Page(total(parts)._repr_html_())

    assert f"… 40 more terms, together+{sum(range(60, 100))}" in page.text.replace(",", ", ").replace(",  ", ", ").replace(
        ".0", ""
    )


# --- repr ----------------------------------------------------------------------------------------------------------------------

ROOMS = ("data", "gradients", "losses", "networks", "optim", "pictures", "receipts", "runs", "sweep")


def public_classes() -> dict[str, type]:
    found = {}
    for module in (handmade, *(import_module(f"handmade.{room}") for room in ROOMS)):
        for name in module.__all__ if hasattr(module, "__all__") else dir(module):
            value = getattr(module, name)
            if isinstance(value, type) and value.__module__.startswith("handmade"):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def examples() -> list[Any]:
    """Values with large arrays and long lists, one of each public class that needs arguments."""
    from cases import CASES  # noqa: PLC0415

    rng = np.random.default_rng(0)
    network, lines = handmade.networks.readme(0), [{"step": n, "loss": 1.0} for n in range(1000)]
    history = handmade.pictures.History("run", lines)
    layers = [each.layer for each in CASES.values()]
    block = handmade.Residual([handmade.Conv2d.init(rng, 1, 1, 1)])
    return [
        *(value for value in VALUES.values() if value is not None),
        *layers,
        block,
        network,
        network.nodes[0],
        history,
        handmade.pictures.Frame(1, 0.5, network),
        handmade.pictures.Trial({"learning_rate": 0.1}, 0.5),
        PLAN,
        VALUES["sweep results"].groups[0],
        ENDED[0],
        handmade.pictures.Shown("seven.png", np.zeros((30, 30, 1)), None, [("ink", np.zeros((9, 9)))]),
        handmade.pictures.Subject(history, {}, network, np.zeros((500, 30, 30, 1)), np.zeros(500, int)),
        handmade.Preparation(scale=(1 / 255,) * 1000),
        handmade.optim.Penalised(handmade.gradients.backprop, (handmade.optim.L2(0.1),) * 100),
        handmade.optim.L1(0.1),
        handmade.optim.L2(0.1),
        handmade.optim.EMA(0.99),
        handmade.optim.StepDecay((0.5,)),
        handmade.receipts.Place("x", (1, 2)),
        PRINTED["trace"].steps[0],
        runs.Estimate(1, 0.5, 1, 1, 1),
        runs.Settings(),
        all_settings()[0],
    ]


def test_the_repr_of_every_public_class_is_one_line_without_arrays(session: runs.TrainingSession) -> None:
    values = [*examples(), session]
    lines = {"others": [repr(value) for value in values]}
    for name, kind in public_classes().items():
        if issubclass(kind, BaseException) or Protocol in kind.__mro__ or kind in {handmade.Layer, handmade.use_backend}:
            continue
        found = [value for value in values if type(value) is kind or (isinstance(value, kind) and "Network" in name)]
        lines[name] = [repr(value) for value in found or [kind()]]

    wrong = {name: line for name, each in lines.items() for line in each if len(line) > 300 or "\n" in line or "array(" in line}
    assert wrong == {}
    assert len(lines) > 60


# --- progress ------------------------------------------------------------------------------------------------------------------


class Notebook:
    """The part of IPython that a notebook offers, which remembers what it was given to show."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, shell: str = "InteractiveShell") -> None:
        self.shown: list[dict[str, str]] = []
        kind = type("ZMQInteractiveShell", (type(shell, (), {}),), {})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=kind))
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=self.display))
        monkeypatch.setattr("handmade.html.progress.EVERY", 0.0)
        monkeypatch.setattr("handmade.html.sweep_progress.EVERY", 0.0)
        self.displays = 0

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> "Notebook":
        assert raw
        assert display_id
        self.displays += 1
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


def test_the_progress_is_one_line_that_is_updated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)

    session = new_session(tmp_path / "all")
    result = session.finish()

    assert result["status"] == "finished"
    assert notebook.displays == 1
    assert [each["text/plain"].split("   ")[0] for each in notebook.shown] == ["step 1/3", "step 2/3", "step 3/3", "step 3/3"]
    assert re.search(r"loss \d+\.\d{3}   accuracy \d+\.\d\d %   [\d,]+ images/s   .* left$", notebook.shown[0]["text/plain"])
    assert "finished in" in notebook.shown[-1]["text/plain"]
    for each in notebook.shown:
        assert each["text/plain"].replace("\n", "") in Page(each["text/html"]).text
    assert notebook.shown[-1]["text/html"].count('<progress value="3" max="3">') == 1


def test_a_training_without_a_session_shows_its_progress_too(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    network, x, y = PRINTED["network"], np.zeros((6, 4, 4, 1), np.float32), np.array([0, 1, 2] * 2)

    steps = list(handmade.show_progress(handmade.train(network, x, y, steps=4, batch_size=3)))

    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert len(notebook.shown) == 5


def test_a_sweep_shows_its_runs_on_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    session = new_session(tmp_path / "one", steps=2)
    settings = handmade.runs.Settings(**(session.job.settings.to_json() | {"validation": 2}))
    planned = handmade.sweep.start({"learning_rate": [0.1, 0.01]}, settings, tmp_path / "all")

    results = planned.finish()

    last = notebook.shown[-1]["text/plain"].splitlines()
    assert last[0].startswith("2 of 2 runs have ended, finished in")
    assert [line.partition(": validation")[0] for line in last[1:]] == ["run 1: learning rate 0.1", "run 2: learning rate 0.01"]
    assert notebook.shown[-1]["text/html"].count('<progress value="2" max="2">') == 1
    assert results.ended == 2


def test_an_interrupted_sweep_says_how_it_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    settings = handmade.runs.Settings(**(new_session(tmp_path / "one", steps=2).job.settings.to_json() | {"validation": 2}))
    planned = handmade.sweep.start({"seed": [0, 1]}, settings, tmp_path / "all")

    def interrupted(bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        notebook.shown.append(bundle)
        if len(notebook.shown) == 3:  # the end of the first run
            raise KeyboardInterrupt

    monkeypatch.setattr(notebook, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        planned.finish()

    last = notebook.shown[-1]["text/plain"]
    assert last.startswith("1 of 2 runs have ended, interrupted after")
    assert f"handmade.sweep.resume({str(tmp_path / 'all')!r}) continues" in last
    monkeypatch.undo()
    assert handmade.sweep.resume(tmp_path / "all").finish().ended == 2


def test_an_interrupt_leaves_a_run_that_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    session = new_session(tmp_path / "all", steps=6)

    def interrupted(bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        notebook.shown.append(bundle)
        if bundle["text/plain"].startswith("step 3/6") and "left" in bundle["text/plain"]:
            raise KeyboardInterrupt

    monkeypatch.setattr(notebook, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.finish()

    assert "interrupted after" in notebook.shown[-1]["text/plain"]
    assert f"handmade.runs.resume({str(session.folder)!r}) continues" in notebook.shown[-1]["text/plain"]
    assert session.steps == 3
    assert session.network.parameters()  # the network after the last step
    assert runs.read_record(session.folder).status == "interrupted"
    monkeypatch.undo()
    assert runs.resume(session.folder).finish()["steps"] == 6


def test_nothing_is_shown_outside_a_notebook(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    network, x, y = PRINTED["network"], np.zeros((6, 4, 4, 1), np.float32), np.array([0, 1, 2] * 2)
    assert len(list(handmade.show_progress(handmade.train(network, x, y, steps=2, batch_size=3)))) == 2

    terminal = Notebook(monkeypatch, shell="TerminalInteractiveShell")
    assert len(list(handmade.show_progress(handmade.train(network, x, y, steps=2, batch_size=3)))) == 2

    assert terminal.shown == []
    assert capfd.readouterr().out == ""
    with pytest.raises(handmade.HandmadeError, match="steps: expected the steps of a training; got int"):
        handmade.show_progress(3)  # type: ignore[arg-type]


def test_views_do_not_need_ipython() -> None:
    code = (
        "import sys; sys.modules['IPython'] = None; import handmade; n = handmade.networks.readme(0); "
        "assert n._repr_html_(); assert list(handmade.show_progress([])) == []; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- light and dark ------------------------------------------------------------------------------------------------------------

CONTRAST = """() => [...document.querySelectorAll('.handmade :is(span, td, th, b, .line)')].map(e => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const over = (ink, paper, alpha) => ink.map((c, k) => alpha * c + (1 - alpha) * paper[k]);
    const read = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const chain = [];
    for (let at = e; at; at = at.parentElement) chain.push(at);
    let paper = [255, 255, 255], opacity = 1;
    for (const at of chain.reverse()) {
        const style = getComputedStyle(at), [r, g, b, a] = read(style.backgroundColor);
        paper = over([r, g, b], paper, a / 255);
        opacity *= Number(style.opacity);
    }
    const ink = over(read(getComputedStyle(e).color).slice(0, 3), paper, opacity);
    const [low, high] = [luminance(ink), luminance(paper)].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.outerHTML.slice(0, 80)];
})"""


@pytest.mark.long
@pytest.mark.parametrize(("paper", "ink"), [("#ffffff", "#212121"), ("#111111", "#e0e0e0"), ("#1f1f1f", "#cccccc")])
def test_every_text_is_readable_in_light_and_dark_notebooks(paper: str, ink: str, browser: Any) -> None:
    """WCAG 2.1, 1.4.3: a contrast of at least 4.5."""
    page = browser.new_page()
    views = "".join(value._repr_html_() for value in VALUES.values())
    page.set_content(f'<body style="background:{paper};color:{ink}">{views}</body>')
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    measured = page.evaluate(CONTRAST)

    page.close()
    assert len(measured) > 500
    assert [(round(contrast, 2), text) for contrast, text in measured if contrast < 4.5] == []
