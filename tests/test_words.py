"""The words of the project: docstrings open with a verb or a noun phrase, and some words are not used at all.

A second-year student whose first language is another one has to read all of it. `docs/design.md` lists our own few words.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SOURCES = sorted([*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "examples").rglob("*.py")])
DOCUMENTS = [*sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]

OPENINGS = {
    "what",
    "how",
    "whether",
    "where",
    "which",
    "who",
    "why",
    "when",
    "whatever",
    "whoever",
    "so",
    "as",
    "that",
    "if",
    "all",
}
OPENING = re.compile(rf"\s*(?:{'|'.join(sorted(OPENINGS))})\b", re.IGNORECASE)
NOT_USED = {  # a pattern and the words to write instead
    r"\bwant(s|ed|ing)?\b": "expected",
    r"\b(so|as) many\b(?! as)": "n, or the number of",
    r"\bwhole numbers?\b": "integer",
    r"\bwork(s|ed|ing)? (it |them |that )?out\b": "compute",
    r"\bwrit(e|es|ten|ing) over\b": "overwrite",
    r"\btak(e|es|en|ing) (\w+ )?for (a|an|what|\{)": "predicted as, classified as",
    r"\bgo(es|ing)? on (from|with|to|after)\b": "continue, resume",
    r"\ball the same\b": "nevertheless, still",
    r"\bwhoever\b|\bwho wants?\b": "those who",
    r"\b(some|any)body('s)?\b": "a user, other",
    r"\bcomes? about\b|\bcame about\b": "is computed",
    r"\blearnt\b": "trained on, learned",
    r"\bblank paper\b": "constant regions, background",
    r"\bhops?\b|\bstrangers?\b|\bmanners\b|\bsitting\b": "a standard term",
}
NAMES_NOT_USED = {
    "came",
    "wanted",
    "wants",
    "told",
    "said",
    "whole",
    "stranger",
    "manners",
    "hops",
    "doubt",
    "held_out",
    "moved_by",
}
EXCEPTIONS: dict[str, str] = {}  # "file: text" and the reason


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            text := ast.get_docstring(node)
        ):
            yield getattr(node, "lineno", 1), text


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def openings(path: Path) -> Iterator[str]:
    for line, text in docstrings(ast.parse(path.read_text(encoding="utf-8"))):
        paragraphs = re.split(r"\n\s*\n", text)
        if OPENING.match(paragraphs[0]):
            yield f"{path.relative_to(REPOSITORY)}:{line}: {text.splitlines()[0]}"
        for described in re.findall(r"^(?:\w[\w, ]* : .*)\n((?:    .+\n?)+)", text, flags=re.MULTILINE):
            if OPENING.match(described):
                yield f"{path.relative_to(REPOSITORY)}:{line}: {described.splitlines()[0].strip()}"


def unused(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    found = [*enumerate(text.splitlines(), 1)] if path.suffix == ".md" else [*strings(ast.parse(text)), *comments(text)]
    everything = "\n".join(part for _, part in found)  # searched once a pattern: most files have none of them
    patterns = {pattern: NOT_USED[pattern] for pattern in NOT_USED if re.search(pattern, everything, flags=re.IGNORECASE)}
    for line, part in found if patterns else ():
        for pattern, instead in patterns.items():
            for match in re.finditer(pattern, part, flags=re.IGNORECASE):
                around = " ".join(part[max(0, match.start() - 40) : match.end() + 40].split())
                place = f"{path.relative_to(REPOSITORY)}: {around}"
                if not any(
                    place.startswith(known.partition(": ")[0]) and known.partition(": ")[2] in around for known in EXCEPTIONS
                ):
                    yield f"{path.relative_to(REPOSITORY)}:{line}: ...{around}...  ({instead})"


def unused_names(path: Path) -> Iterator[str]:
    for line, name in identifiers(ast.parse(path.read_text(encoding="utf-8"))):
        if name in NAMES_NOT_USED:
            yield f"{path.relative_to(REPOSITORY)}:{line}: {name}"


def test_docstrings_open_with_a_verb_or_a_noun() -> None:
    assert [place for path in SOURCES for place in openings(path)] == []


def test_texts_use_the_words_of_the_field() -> None:
    assert [place for path in [*SOURCES, *DOCUMENTS] for place in unused(path)] == []


def test_names_use_the_words_of_the_field() -> None:
    assert [place for path in SOURCES for place in unused_names(path)] == []


def test_there_are_files_to_read() -> None:
    assert len(SOURCES) > 300
    assert len(DOCUMENTS) > 10


def test_unusual_words_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_words.REPOSITORY", tmp_path)
    path = tmp_path / "bad.py"
    path.write_text(
        '"""What this is."""\n\n\ndef f(told):  # so many\n    """How it goes."""\n    raise ValueError("x wants a list")\n'
    )

    assert len(list(openings(path))) == 2
    assert len(list(unused(path))) == 2
    assert list(unused_names(path)) == ["bad.py:4: told"]


def test_every_exception_is_needed() -> None:
    for known in EXCEPTIONS:
        file, _, text = known.partition(": ")
        assert text in " ".join((REPOSITORY / file).read_text(encoding="utf-8").split()), known
