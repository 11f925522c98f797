"""Strict reading of safetensors: a file is read as its writer meant it, or refused in one line before memory is taken."""

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load as official_load
from safetensors.numpy import save as official_save

from handmade.engine.arrays import Array
from handmade.files import tensor_header
from handmade.files.tensor_header import BadTensors
from handmade.files.tensors import loads, read_with

F4 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def of(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def read(content: bytes) -> dict[str, Array]:
    return loads(content).arrays()


def entry(dtype: object = "F32", shape: object = (1,), offsets: object = (0, 4), **more: object) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "8 bytes"),
    "seven bytes": (b"\0" * 7, "8 bytes"),
    "no header": (struct.pack("<Q", 0), "begins with {"),
    "header beyond the file": (struct.pack("<Q", 100) + b"{}", "inside the file"),
    "header above the limit": (struct.pack("<Q", 100_000_001) + b"{}", "at most 100,000,000"),
    "largest length": (b"\xff" * 8 + b"{}", "at most 100,000,000"),
    "length with the other end first": (struct.pack(">Q", 2) + b"{}", "at most 100,000,000"),
    "no utf-8": (of(b'{"\xff": 1}'), "UTF-8"),
    "surrogate in utf-8": (of(b'{"\xed\xa0\x80": {}}'), "UTF-8"),
    "byte order mark": (of(b"\xef\xbb\xbf{}"), "begins with {"),
    "leading space": (of(b" {}"), "begins with {"),
    "a list": (of(b"[]"), "begins with {"),
    "null": (of(b"null"), "begins with {"),
    "two objects": (of(b"{}{}"), "nothing but spaces"),
    "line at the end": (of(b"{}\n"), "nothing but spaces"),
    "zero byte at the end": (of(b"{}\0"), "nothing but spaces"),
    "comma at the end": (of(b'{"__metadata__": {},}'), "a key in double quotes"),
    "single quotes": (of(b"{'a': {}}"), "a key in double quotes"),
    "number as key": (of(b"{1: {}}"), "a key in double quotes"),
    "no colon": (of(b'{"a" {}}'), "expected :"),
    "unfinished": (of(b'{"a": {"dtype": "F32"'), "its end"),
    "unfinished text": (of(b'{"a'), "a key in double quotes"),
    "control character in a key": (of(b'{"a\nb": {}}'), "a key in double quotes"),
    "wrong escape": (of(b'{"a\\x": {}}'), "correct Unicode"),
    "half of a surrogate pair": (of(b'{"\\ud800": {}}'), "correct Unicode"),
    "half of a surrogate pair in metadata": (of(b'{"__metadata__": {"a": "\\udc00"}}'), "correct Unicode"),
    "nested brackets": (of(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}"), "expected {"),
    "nested braces": (of(b'{"a":' * 5_000 + b"3" + b"}" * 5_000), "expected dtype, shape, data_offsets"),
    "nested shape": (of(b'{"a": {"shape": [[1]]}}'), "integers"),
    "array twice": (of(b'{"a": %b, "a": %b}' % ((json.dumps(F4).encode(),) * 2), bytes(4)), "'a' comes twice"),
    "array twice, once with an escape": (
        of(b'{"a": %b, "\\u0061": %b}' % ((json.dumps(F4).encode(),) * 2), bytes(4)),
        "'a' comes twice",
    ),
    "metadata twice": (of(b'{"__metadata__": {}, "__metadata__": {}}'), "'__metadata__' comes twice"),
    "metadata key twice": (of(b'{"__metadata__": {"a": "1", "a": "1"}}'), "'a' comes twice"),
    "field twice": (
        of(b'{"a": {"dtype": "F32", "dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', bytes(4)),
        "comes twice",
    ),
    "metadata of numbers": (of({"__metadata__": {"a": 1}}), "a text"),
    "metadata of null": (of({"__metadata__": {"a": None}}), "a text"),
    "metadata of objects": (of({"__metadata__": {"a": {}}}), "a text"),
    "metadata null": (of({"__metadata__": None}), "expected {"),
    "no entry": (of({"a": 3}), "expected {"),
    "missing field": (of({"a": {"dtype": "F32", "shape": [1]}}), "no data_offsets"),
    "unknown field": (of({"a": entry(stride=[1])}, bytes(4)), "got 'stride'"),
    "unknown dtype": (of({"a": entry("object")}, bytes(4)), "known dtype"),
    "dtype in small letters": (of({"a": entry("f32")}, bytes(4)), "known dtype"),
    "dtype a number": (of({"a": entry(3)}, bytes(4)), "name of a dtype"),
    "shape of booleans": (of({"a": entry(shape=[True])}, bytes(4)), "integers"),
    "shape of floats": (of({"a": entry(shape=[1.0])}, bytes(4)), "integers"),
    "shape with an exponent": (of(b'{"a": {"dtype": "F32", "shape": [1e0], "data_offsets": [0, 4]}}', bytes(4)), "integers"),
    "shape with a zero before": (of(b'{"a": {"dtype": "F32", "shape": [01], "data_offsets": [0, 4]}}', bytes(4)), "integers"),
    "shape of texts": (of({"a": entry(shape=["1"])}, bytes(4)), "integers"),
    "shape null": (of({"a": entry(shape=None)}, bytes(4)), "expected ["),
    "shape a number": (of({"a": entry(shape=1)}, bytes(4)), "expected ["),
    "negative shape": (of({"a": entry(shape=[-1])}, bytes(4)), "integers"),
    "65 axes": (of({"a": entry(shape=[1] * 65)}, bytes(4)), "at most 64"),
    "offsets of booleans": (of({"a": entry(offsets=[False, 4])}, bytes(4)), "integers"),
    "offsets of floats": (of({"a": entry(offsets=[0.0, 4.0])}, bytes(4)), "integers"),
    "one offset": (of({"a": entry(offsets=[0])}, bytes(4)), "two data_offsets"),
    "three offsets": (of({"a": entry(offsets=[0, 4, 4])}, bytes(4)), "at most 2"),
    "reversed offsets": (of({"a": entry(offsets=[4, 0])}, bytes(4)), "span -4"),
    "size against the dtype": (of({"a": entry("F64")}, bytes(4)), "expected 8 bytes"),
    "product beyond 64 bits": (of({"a": entry(shape=[2**32, 2**32], offsets=[0, 0])}), "count"),
    "product that wraps to the size": (of({"a": entry(shape=[2**62 + 1], offsets=[0, 4])}, bytes(4)), "count"),
    "0 beside a huge number": (of({"a": entry(shape=[0, 2**63], offsets=[0, 0])}), "count"),
    "huge number beside 0": (of({"a": entry(shape=[2**64 - 1, 0], offsets=[0, 0])}), "count"),
    "huge shape": (of({"a": entry(shape=[2**40], offsets=[0, 2**42])}), "behind the header"),
    "hole at the beginning": (of({"a": entry(offsets=[4, 8])}, bytes(8)), "a hole"),
    "hole between": (of({"a": F4, "b": entry(offsets=[8, 12])}, bytes(12)), "a hole"),
    "overlap": (of({"a": F4, "b": entry(offsets=[2, 6])}, bytes(6)), "an overlap"),
    "the same bytes twice": (of({"a": F4, "b": F4}, bytes(4)), "an overlap"),
    "tail": (of({"a": F4}, bytes(5)), "there are 5"),
    "short": (of({"a": F4}, bytes(3)), "there are 3"),
    "bytes without arrays": (of({}, bytes(1)), "there are 1"),
    "half a byte": (of({"a": entry("F4", [1], [0, 1])}, bytes(1)), "ends with a byte"),
    "three quarters of a byte": (of({"a": entry("F6_E2M3", [3], [0, 3])}, bytes(3)), "ends with a byte"),
    "booleans of other bytes": (of({"a": entry("BOOL", [2], [0, 2])}, b"\1\2"), "0 and 1"),
    "dtype that NumPy lacks": (of({"a": entry("F8_E4M3", [2], [0, 2])}, bytes(2)), "a dtype that NumPy has"),
}
GOOD: dict[str, tuple[bytes, dict[str, Array]]] = {
    "no arrays": (of({}), {}),
    "spaces at the end": (of(b"{}      "), {}),
    "space between": (of(b'{\n"__metadata__" :\t{ } }'), {}),
    "scalar": (of({"a": entry(shape=[])}, struct.pack("<f", 2.5)), {"a": np.array(2.5, np.float32)}),
    "no numbers": (of({"a": entry(shape=[0, 3], offsets=[0, 0])}), {"a": np.zeros((0, 3), np.float32)}),
    "no numbers, large": (of({"a": entry(shape=[0, 2**40], offsets=[0, 0])}), {"a": np.zeros((0, 2**40), np.float32)}),
    "array without a name": (of({"": F4}, struct.pack("<f", 1)), {"": np.ones(1, np.float32)}),
    "surrogate pair": (
        of(b'{"\\ud83d\\ude00": %b}' % json.dumps(F4).encode(), bytes(4)),
        {"\U0001f600": np.zeros(1, np.float32)},
    ),
    "in another order": (
        of({"b": entry("U8", [2], [4, 6]), "a": F4}, struct.pack("<f", 1) + b"\1\2"),
        {"a": np.ones(1, np.float32), "b": np.array([1, 2], np.uint8)},
    ),
    "bfloat16": (of({"a": entry("BF16", [2], [0, 4])}, b"\x80\x3f\x00\xc0"), {"a": np.array([1, -2], np.float32)}),
    "booleans": (of({"a": entry("BOOL", [2], [0, 2])}, b"\1\0"), {"a": np.array([True, False])}),
}


@pytest.mark.parametrize("name", BAD)
def test_content_that_the_format_forbids_is_refused(name: str) -> None:
    content, says = BAD[name]
    with pytest.raises(BadTensors) as refused:
        read(content)
    message = str(refused.value)
    assert says in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("name", GOOD)
def test_content_that_the_format_allows_is_read(name: str) -> None:
    content, expected = GOOD[name]
    found = read(content)
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, strict=True)


def test_metadata_come_back() -> None:
    content = official_save({"a": np.ones(2, np.float32)}, metadata={"clé": 'text "quoted"\n', "b": ""})
    assert loads(content).metadata == {"clé": 'text "quoted"\n', "b": ""}


def test_a_file_on_the_disk_is_read_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    path.write_bytes(official_save({"a": np.arange(6.0).reshape(2, 3)}))
    found = read_with(path, lambda file: file.arrays())
    np.testing.assert_array_equal(found["a"], np.arange(6.0).reshape(2, 3), strict=True)
    assert found["a"].flags.writeable


def test_a_file_that_becomes_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    path.write_bytes(official_save({"a": np.arange(6.0)}))

    def cut(file: Any) -> Any:
        path.write_bytes(path.read_bytes()[:-8])
        return file.arrays()

    with pytest.raises(BadTensors, match="became shorter"):
        read_with(path, cut)


def test_no_memory_is_taken_for_what_a_header_only_claims() -> None:
    claims = [
        struct.pack("<Q", 99_999_999) + b"{",
        of({"a": entry(shape=[2**30], offsets=[0, 2**32])}, bytes(100)),
        of(b'{"a":{"dtype":"F32","shape":[' + b"1," * 50_000),
        of(b"[" * 50_000),
        of(b'{"a":' + b"[],[" * 50_000),
        of(b'{"a":{"b":' * 50_000),
    ]
    for content in claims:
        tracemalloc.start()
        with pytest.raises(BadTensors):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(content) + 100_000
        tracemalloc.stop()


@pytest.mark.parametrize("most", [1_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_too_many_arrays_are_refused(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tensor_header.MOST_ARRAYS == 100_000
    monkeypatch.setattr(tensor_header, "MOST_ARRAYS", most)
    one = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    entries = [one % n for n in range(most + 1)]

    assert len(read(of(b"{" + b",".join(entries[:-1]) + b"}"))) == most
    with pytest.raises(BadTensors, match=f"at most {most:,} arrays"):
        loads(of(b"{" + b",".join(entries) + b"}"))


DTYPES = [
    np.float64,
    np.float32,
    np.float16,
    np.int64,
    np.uint64,
    np.int32,
    np.uint32,
    np.int16,
    np.uint16,
    np.int8,
    np.uint8,
    bool,
]
SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, dict[str, Array]]:
    names = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), unique=True, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    arrays: dict[str, Array] = {}
    for name in names:
        if name != "__metadata__":
            arrays[name] = rng.integers(0, 2, draw(SHAPES)).astype(draw(st.sampled_from(DTYPES)))
    texts = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), st.text('ab"\\\n é', max_size=5))
    return official_save(arrays, metadata=draw(texts) or None), arrays  # with {} and no arrays it writes a wrong header


@settings(max_examples=100)
@given(files())
def test_files_of_the_official_writer_are_read(file: tuple[bytes, dict[str, Array]]) -> None:
    content, arrays = file
    found = read(content)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def agrees_with_the_official_reader(content: bytes) -> bool:
    """Return True if ours read it. Ours is the stricter one: it reads nothing that the official reader refuses."""
    try:
        ours = loads(content)
        arrays = ours.arrays()
    except BadTensors:
        return False
    theirs: dict[str, Array] = {}
    try:
        theirs = official_load(content)
    except SafetensorError as error:
        raise AssertionError(f"read what the official reader refuses: {error}") from error
    except (ValueError, TypeError, KeyError):  # dtypes that its interface for NumPy does not have
        return True
    assert arrays.keys() == theirs.keys()
    for name, array in arrays.items():
        assert array.tobytes() == theirs[name].tobytes()
    return True


@settings(max_examples=200)
@given(files(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_read_as_the_official_reader_does_or_refused(
    file: tuple[bytes, dict[str, Array]], changes: list[tuple[int, int]]
) -> None:
    content = bytearray(file[0])
    for place, byte in changes:
        content[place % len(content)] = byte
    agrees_with_the_official_reader(bytes(content))


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "__metadata__"]),
        st.fixed_dictionaries(
            {},
            optional={
                "dtype": st.sampled_from(["F32", "U8", "F4", "F8_E8M0", "X", 1]),
                "shape": st.lists(st.sampled_from([0, 1, 2, 8, 2**62, 2**64, -1, True, 1.0]), max_size=3),
                "data_offsets": st.lists(st.sampled_from([0, 1, 2, 4, 8, 12, 2**64]), min_size=1, max_size=3),
                "other": st.none(),
            },
        ),
        max_size=3,
    ),
    st.sampled_from([0, 1, 2, 4, 8, 12, 16]),
)
def test_made_up_headers_are_read_as_the_official_reader_does_or_refused(header: dict[str, Any], size: int) -> None:
    agrees_with_the_official_reader(of(header, bytes(size)))
