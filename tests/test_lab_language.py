"""The page's texts: three languages with the same keys and placeholders, and no word of the engine or the server without them."""

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

import handmade.engine.layers
import handmade.engine.losses
from handmade.lab.catalogue import Catalogue
from lab_browser import LabPage, Server, lab_page
from lab_client import LabClient
from lab_networks import write_runs
from lab_words import error_words, receipt_words, source_words

STATIC = Path(handmade.__file__).parent / "lab/static"
LANGUAGES = ("en", "de", "zh")
TEXTS: dict[str, dict[str, str]] = {
    name: json.loads((STATIC / f"text/{name}.json").read_text(encoding="utf-8")) for name in LANGUAGES
}
PLACEHOLDER = re.compile(r"\{(\w+)\}")
KEY = re.compile(r'(?:\btext\(|\bt: |\blabel: |\bhint: |data-(?:text|label|hint)=|\btitle: |\bname: )"([a-z]\w*(?:\.\w+)+)"')
# Words of every language: functions of formulas, names in code, keys of the keyboard, names of settings and of languages.
FORMULA = {
    "exp",
    "expm",
    "log",
    "max",
    "min",
    "sqrt",
    "sigma",
    "tanh",
    "epsilon",
    "nan",
    "inf",
    "loss",
    "logits",
    "softmax",
    "probability",
}
NAMES = {
    *(
        "handmade",
        "lab",
        "NumPy",
        "PNG",
        "SVG",
        "float",
        "English",
        "Deutsch",
        "简体中文",
        "conv",
        "relu",
        "pool",
        "flatten",
        "linear",
        "input",
    ),
    *(
        "readme",
        "seed",
        "deep",
        "graph",
        "chain",
        "colours",
        "vector",
        "run",
        "Ctrl",
        "Shift",
        "Tab",
        "Enter",
        "Esc",
        "Arrows",
        "PgUp",
        "PgDn",
        "kept",
    ),
    *(
        "gradient",
        "descent",
        "momentum",
        "nesterov",
        "rmsprop",
        "adam",
        "adamw",
        "constant",
        "linear",
        "cosine",
        "step",
        "one",
        "cycle",
    ),
    *("forward", "central", "cross", "entropy", "mse"),
}
CLASSES = {*dir(handmade.engine.layers), *dir(handmade.engine.losses)}
UNITS = {"Sek", "Min", "Std", "Tag", "Tage"}  # of Intl
ENGLISH = {
    "expected",
    "got",
    "Try",
    "should",
    "must",
    "cannot",
    "with",
    "than",
    "from",
    "for",
}  # no values, but parts of sentences
# Every text of the page, with the language of its table marked: ⟦...⟧ around each piece that a table gave.
SHOWN = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, noscript")) found.push(walk.currentNode.data);
  for (const e of document.querySelectorAll("*")) for (const name of ["title", "aria-label", "placeholder", "alt"]) {
    if (e.getAttribute(name)) found.push(e.getAttribute(name)); }
  return [document.title, ...found];
}"""


# --- tables -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    ours, theirs = TEXTS["en"], TEXTS[language]

    assert list(theirs) == list(ours)  # in the same order, so that files can be compared line by line
    dropped = {"rest"}  # of an English text, which others need not repeat
    differing = {key for key in ours if set(PLACEHOLDER.findall(theirs[key])) != set(PLACEHOLDER.findall(ours[key])) - dropped}
    assert differing == set()
    assert [key for key, words in theirs.items() if not words.strip() or words != words.strip()] == []


def test_chinese_has_the_punctuation_of_chinese() -> None:
    half = re.compile(r"[\u4e00-\u9fff]\s?[,;:!?](?!\d)|[,;:!?]\s?[\u4e00-\u9fff]")
    assert {key: words for key, words in TEXTS["zh"].items() if half.search(words)} == {}


def test_every_key_that_the_page_names_has_a_text() -> None:
    named = {
        (file.name, key)
        for file in [*STATIC.glob("js/*.js"), STATIC / "index.html"]
        for key in KEY.findall(file.read_text(encoding="utf-8"))
    }
    assert len(named) > 200
    assert {each for each in named if each[1] not in TEXTS["en"]} == set()


# --- words of the engine and the server ---------------------------------------------------------------------------------------


def marked(words: str) -> str:
    """Return a text of a table with a mark around each piece between placeholders, without the part that only English says."""
    words = words.replace("{rest}", "")
    return "".join(piece if i % 2 else f"⟦{piece}⟧" * bool(piece) for i, piece in enumerate(re.split(r"(\{\w+\})", words)))


def unmarked(words: str, names: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the words of a text that came from no table, without names and formulas."""
    left = re.sub("⟦[^⟧]*⟧", " ", words)
    left = re.sub(r"\b(?:https?://\S+|[\w.-]+\.json)", " ", left)
    known = FORMULA | NAMES | UNITS | CLASSES | names
    found = [word for word in re.findall(r"\w{3,}", left) if re.search(r"[^\W\d_]{3}", word)]
    return [word for word in found if word not in known and word.rstrip("0123456789") not in known]


@pytest.fixture
def pseudo(browser: Browser, lab_server: Server) -> Iterator[LabPage]:
    """Open a page whose German is marked English."""
    with lab_page(browser, lab_server, locale="de-DE") as lab:

        def answer(route: Route) -> None:
            route.fulfill(json={key: marked(words) for key, words in TEXTS["en"].items()})

        lab.page.route("**/static/text/de.json", answer)
        yield lab


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Words of receipts, errors and warnings."""
    runs = write_runs(tmp_path_factory.mktemp("words") / "runs")
    with LabClient(Catalogue(runs=runs), raises=False) as client:
        errors = error_words(client)
    found = receipt_words() | source_words() | errors
    assert len(found) > 300
    return sorted(found)


def test_every_word_of_the_engine_and_the_server_has_a_translation(pseudo: LabPage, words: list[str]) -> None:
    pseudo.open()
    said = pseudo.page.evaluate(
        'async (all) => { const {said} = await import("/static/js/said.js"); return all.map(said); }', words
    )

    own = {key.removeprefix("note.") for key in TEXTS["en"] if key.startswith("note.")}  # notes with a text of their own
    alone = [before for before, after in zip(words, said, strict=True) if after == before and unmarked(before, own)]
    assert alone == []
    quoted = re.compile(r"'[^']*'")  # values inside errors
    partly = {before: after for before, after in zip(words, said, strict=True) if ENGLISH & {*unmarked(quoted.sub("", after))}}
    assert partly == {}


@pytest.mark.parametrize("language", ["de", pytest.param("zh", marks=pytest.mark.long)])
def test_sentences_are_translated_with_their_values(browser: Browser, lab_server: Server, language: str) -> None:
    script = 'async (all) => { const {said} = await import("/static/js/said.js"); return all.map(said); }'
    spoken = [
        "1,234 smaller products",
        "the loss is 12.5 and was 2.3 at the start; the norm of the gradient is 3e-05, its recent median 0.1",
        "learning_rate: expected a finite number above 0, got -1.0",
        "training in lane a: clip_norm: expected a finite number above 0, got -1.0",
        "a tie of 2: in backpropagation, the first one gets the complete gradient; 3 places of the padding never win",
        "max(x, 0)",
    ]
    expected = {
        "de": [
            "1.234 kleinere Produkte",
            "Der Verlust ist 12,5 und war am Anfang 2,3; die Norm des Gradienten ist 0,00003, ihr Median zuletzt 0,1",
            "Lernrate: erwartet wird eine endliche Zahl über 0, gegeben ist −1,0",
            "Training auf Bahn a: clip_norm: erwartet wird eine endliche Zahl über 0, gegeben ist −1,0",
            "2 gleich große Zahlen: Bei Backpropagation erhält die erste den ganzen Gradienten; Padding gewinnt nie: 3 Stellen",
            "max(x, 0)",
        ],
        "zh": [
            "1,234 个较小的乘积",
            "损失为 12.5，开始时为 2.3；梯度的范数为 0.00003，近期中位数为 0.1",
            "学习率：应为大于 0 的有限数，实际为 −1.0",
            "训练 a：clip_norm：应为大于 0 的有限数，实际为 −1.0",
            "2 个数相等：反向传播时第一个得到全部梯度; 填充的 3 个位置不会胜出",
            "max(x, 0)",
        ],
    }[language]
    with lab_page(browser, lab_server, locale=language) as lab:
        lab.open()
        assert lab.page.evaluate(script, spoken) == expected


# --- the page in a language of marks ------------------------------------------------------------------------------------------


def names_of(lab: LabPage) -> set[str]:
    """Return the words of the network's names: nodes, arrays, classes, the title."""
    found: Any = lab.page.evaluate("""async () => (await fetch("/api/sources")).json()""")
    return {word for each in found["sources"] for word in re.findall(r"\w{3,}", f"{each['title']} {each['network']}")}


def untold(lab: LabPage) -> list[str]:
    """Return the texts of the page that hold words of no table."""
    names = names_of(lab)
    return sorted({words.strip() for words in lab.page.evaluate(SHOWN) if unmarked(words, names)})


def test_no_text_of_look_is_outside_of_the_tables(pseudo: LabPage) -> None:
    pseudo.open(image={"split": "test", "index": 8}, focus="conv1[9,14,2]", second="conv1[9,15,2]")
    pseudo.receipt("conv1[9,14,2]")
    assert untold(pseudo) == []
    assert len([words for words in pseudo.page.evaluate(SHOWN) if "⟦" in words]) > 100
    for tab in ("weights", "pixels"):
        pseudo[f"tab-{tab}"].click()
        pseudo.page.wait_for_timeout(200)
        assert untold(pseudo) == []
    pseudo["tab-receipt"].click()


@pytest.mark.long
@pytest.mark.parametrize(
    ("at", "way"),
    [
        *(
            (at, way)
            for at in ("pool1[3,4,1]", "relu1[3,4,1]", "logits[3]", "probability[3]", "loss", "d loss / d conv1[9,14,2]")
            for way in ("backprop",)
        ),
        *(("d loss / d conv1.W[1,1,0,2]", way) for way in ("definition", "backprop", "difference")),
    ],
)
def test_no_text_of_a_receipt_is_outside_of_the_tables(pseudo: LabPage, at: str, way: str) -> None:
    pseudo.open(image={"split": "test", "index": 8}, focus=at, by=way, direction="backward" if at.startswith("d ") else "forward")
    pseudo.receipt(at)
    assert untold(pseudo) == []


@pytest.mark.long
def test_no_text_of_a_dialog_or_a_message_is_outside_of_the_tables(pseudo: LabPage) -> None:
    pseudo.open()
    page = pseudo.page
    for button in ("#help", "#picker-button", "#export", '[data-testid="search"]', '#panel [data-testid="as-table"]:visible'):
        page.locator(button).first.click()
        expect(page.locator("dialog[open]")).to_be_visible()
        page.wait_for_timeout(200)
        assert untold(pseudo) == [], button
        page.keyboard.press("Escape")
    page.locator("#share").click()
    expect(page.locator("#messages .message")).to_be_visible()
    pseudo.draw([(0.1, 0.5), (0.9, 0.5)])
    expect(pseudo["rejection"]).not_to_be_empty()
    assert untold(pseudo) == []
    page.locator('input[type="file"]').set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#board-message")).not_to_be_empty()
    assert untold(pseudo) == []
    pseudo.forgive("400")


@pytest.mark.long
def test_no_text_of_nudge_is_outside_of_the_tables(pseudo: LabPage) -> None:
    pseudo.open(view="nudge", image={"split": "test", "index": 8}, label=3, nudge={"at": "conv1.W[1,1,0,2]", "h": 0.1})
    expect(pseudo["nudge-loss-2"]).to_be_visible()
    pseudo["nudge-apply"].click()
    for tab in ("probabilities", "switches", "quotients", "weights", "edits"):
        pseudo[f"tab-nudge-{tab}"].click()
        pseudo.page.wait_for_timeout(300)
        assert untold(pseudo) == []


@pytest.mark.long
def test_no_text_of_train_is_outside_of_the_tables(pseudo: LabPage) -> None:
    pseudo.open(view="train", image={"split": "test", "index": 8})
    assert untold(pseudo) == []
    pseudo["train-learning_rate"].fill("1e30")
    pseudo["train-learning_rate"].press("Enter")
    pseudo["train-limit"].fill("640")
    pseudo["train-limit"].press("Enter")
    pseudo["train-play"].click()
    expect(pseudo["lane-a"]).to_have_attribute("data-status", "diverged")
    for tab in ("weights", "receipt", "runs", "confusion"):
        pseudo[f"tab-train-{tab}"].click()
        pseudo.page.wait_for_timeout(300)
        assert untold(pseudo) == []
    pseudo["mode-race"].click()
    pseudo["train-gradient"].select_option("definition")
    expect(pseudo["cost"]).to_contain_text(re.compile("forward pass"))
    pseudo["train-learning_rate"].fill("-1")
    pseudo["train-learning_rate"].press("Enter")
    pseudo["train-gradient"].select_option("backprop")
    pseudo["train-play"].click()
    expect(pseudo["train-problem"]).not_to_be_empty()
    assert untold(pseudo) == []
    pseudo.forgive("400")


@pytest.mark.long
def test_no_text_of_predict_is_outside_of_the_tables(pseudo: LabPage) -> None:
    pseudo.open(view="quiz", image={"split": "test", "index": 8}, focus="conv1[9,14,2]")
    pseudo.receipt("conv1[9,14,2]")
    pseudo["quiz-products"].click()
    for guess in ("9", "x"):
        pseudo["guess"].first.fill(guess)
        pseudo["guess"].first.press("Enter")
        assert untold(pseudo) == []
