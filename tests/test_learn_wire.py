"""Messages of the student's process: values travel as they are, and what cannot be true is refused."""

import io
import struct

import numpy as np
import pytest

from handmade.learn.results import Other
from handmade.learn.wire import LARGEST_VALUE, WireError, decode, encode, pack, unpack


@pytest.mark.parametrize(
    "value", [np.arange(6.0).reshape(2, 3), 3, 2.5, True, np.float32(1), (1, np.zeros((2, 0))), np.arange(3, dtype="u1")]
)
def test_values_travel_as_they_are(value: object) -> None:
    back = decode(*encode(value))
    for mine, theirs in zip(
        back if isinstance(back, tuple) else (back,), value if isinstance(value, tuple) else (value,), strict=True
    ):
        assert isinstance(mine, np.ndarray)
        assert mine.dtype == np.asarray(theirs).dtype
        assert np.array_equal(mine, theirs)


def test_other_values_travel_as_the_name_of_their_type() -> None:
    assert decode(*encode("text")) == Other("str")
    assert decode(*encode(None)) == Other("None")
    assert decode(*encode([1, 2])) == Other("list")
    assert decode(*encode(np.ones((1000, 1000)))) == Other("ndarray", (1000, 1000))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"kind": "array", "shape": [1000, 1000, 1000], "dtype": "float64"}, b"x"),
        ({"kind": "array", "shape": [-1], "dtype": "float64"}, b""),
        ({"kind": "array", "shape": [1.0], "dtype": "float64"}, b"x" * 8),
        ({"kind": "array", "shape": [1], "dtype": "object"}, b"x" * 8),
        ({"kind": "array", "shape": [1], "dtype": "float64"}, b"x" * 9),
        ({"kind": "array", "shape": [2**40, 0], "dtype": "S9"}, b""),
        (
            {
                "kind": "tuple",
                "items": [{"kind": "tuple", "items": [{"kind": "tuple", "items": [{"kind": "tuple", "items": [3]}]}]}],
            },
            b"",
        ),
        ({"kind": "tuple", "items": [{}] * 1000}, b""),
        ({"kind": "other", "shape": 3}, b""),
        ({}, b""),
        (None, b""),
    ],
)
def test_messages_that_cannot_be_true_are_refused(header: object, payload: bytes) -> None:
    with pytest.raises(WireError):
        decode(header, payload)


@pytest.mark.parametrize(
    "content",
    [struct.pack(">II", 2**31, 0), struct.pack(">II", 2, LARGEST_VALUE + 1), pack({})[:8] + b"[]", pack({})[:8] + b"{{"],
)
def test_frames_that_cannot_be_true_are_refused(content: bytes) -> None:
    with pytest.raises(WireError):
        unpack(io.BytesIO(content))


def test_a_truncated_frame_is_the_end() -> None:
    assert unpack(io.BytesIO(pack({"a": 1}, b"abc")[:-1])) is None
