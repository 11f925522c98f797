"""The IDX reader: what it reads comes back exactly; everything else is refused in one line that names the file."""

import gzip
import math
import os
import re
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from handmade.data import idx
from handmade.engine.errors import HandmadeError

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def header(code: int, *shape: int) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


def written(array: NDArray[Any]) -> bytes:
    return header(CODES[array.dtype.name], *array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


SMALL = written(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
SMALL_GZIP = gzip.compress(SMALL, mtime=0)
LARGE = written(np.arange(1000, dtype=np.int32))  # more than the reader's first gulp
LARGE_GZIP = gzip.compress(LARGE, mtime=0)
PAGE = b"\n<!DOCTYPE html><html><body>404 not found</body></html>"


def refusal(path: Path) -> str:
    with pytest.raises(HandmadeError) as caught:
        idx.read(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def refusal_of(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "some-idx3-ubyte"
    path.write_bytes(content)
    return refusal(path)


@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0))
    ),
    cut=st.none() | st.integers(0, 300),
)
def test_what_was_written_is_read_plain_and_gzipped_in_one_or_two_members(
    array: NDArray[Any], cut: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = written(array)
    path = tmp_path_factory.getbasetemp() / "round-trip"
    for stored in (content, gzip.compress(content), gzip.compress(content[:cut]) + gzip.compress(content[len(content[:cut]) :])):
        path.write_bytes(stored)
        came = idx.read(path)
        assert came.dtype == array.dtype
        assert came.dtype.isnative
        np.testing.assert_array_equal(came, array, strict=True)


@pytest.mark.parametrize("dims", [1, 64])
def test_as_many_dimensions_as_numpy_has_are_read(dims: int, tmp_path: Path) -> None:
    path = tmp_path / "deep"
    path.write_bytes(header(0x08, *[1] * dims) + b"\x07")
    assert idx.read(str(path)).shape == (1,) * dims


def test_content_decides_whether_a_file_is_gzipped(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(SMALL)
    (tmp_path / "zipped").write_bytes(SMALL_GZIP + b"\0" * 512)  # gzip, too, takes zeros for padding
    np.testing.assert_array_equal(idx.read(tmp_path / "plain.gz"), idx.read(tmp_path / "zipped"))


REFUSED = {
    "empty": (b"", "at least 8 bytes; got 0"),
    "short header": (SMALL[:3], "at least 8 bytes; got 3"),
    "first byte": (b"\1" + SMALL[1:], "got 01 00 08 03"),
    "second byte": (b"\0\1" + SMALL[2:], "got 00 01 08 03"),
    "little-endian magic": (SMALL[3::-1] + SMALL[4:], "looks little-endian"),
    "little-endian dimensions": (header(8, 3 << 24, 2 << 24, 2 << 24) + SMALL[16:], r"look little-endian, \(3, 2, 2\)"),
    "undefined type 0a": (header(0x0A, 1) + b"\0", "got 0a"),
    "undefined type 00": (bytes(16), "got 00"),
    "no dimensions": (header(8) + b"\0", "1 to 64 dimensions; got 0"),
    "65 dimensions": (header(8, *[1] * 65) + b"\0", "1 to 64 dimensions; got 65"),
    "dimensions cut off": (SMALL[:15], "header of 16 bytes; got only 15"),
    "short": (SMALL[:-1], "expected 12 bytes .* at most 11"),
    "long": (SMALL + b"\0", "expected 12 bytes .* got more"),
    "overflow": (header(0x0E, *[2**32 - 1] * 64) + bytes(8), "at most 8"),
    "overflow of nothing": (header(0x0E, 0, *[2**32 - 1] * 2), "at most 0"),
    "more than nothing": (header(8, 0) + b"\0", "expected 0 bytes .* got more"),
    "web page": (PAGE, "web page"),
    "web page with a byte order mark": (b"\xef\xbb\xbf" + PAGE[1:], "web page"),
    "Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "Git LFS pointer: download the real file",
    ),
    "npy": (b"\x93NUMPY\x01\x00", "numpy.load"),
    "zip": (b"PK\x03\x04", "zip archive"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_idx_array_is_refused_plain(content: bytes, message: str, tmp_path: Path) -> None:
    assert re.search(message, refusal_of(tmp_path, content))


@pytest.mark.parametrize("content", [content for content, _ in REFUSED.values()], ids=REFUSED)
def test_what_is_no_whole_idx_array_is_refused_gzipped(content: bytes, tmp_path: Path) -> None:
    refusal_of(tmp_path, gzip.compress(content))


def test_a_short_gzipped_payload_is_told_by_its_length(tmp_path: Path) -> None:
    assert "expected 12 bytes" in (message := refusal_of(tmp_path, gzip.compress(SMALL[:-2])))
    assert "got 10" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SMALL_GZIP + b"garbage", "nothing after it"),
        (SMALL_GZIP + SMALL_GZIP, "got more"),
        (gzip.compress(SMALL_GZIP), "compressed twice"),
        (SMALL_GZIP[:2] + b"\x07" + SMALL_GZIP[3:], "valid gzip data"),
        (SMALL_GZIP[:10] + b"\xff" + SMALL_GZIP[11:], "valid gzip data"),
        (b"\x1f\x8b", "truncated"),
    ],
    ids=["trailing garbage", "second array", "gzip of gzip", "unknown method", "damaged block", "magic only"],
)
def test_unsound_gzip_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal_of(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        LARGE[:-1],
        LARGE + b"\0",
        gzip.compress(LARGE[:-1]),
        gzip.compress(LARGE + b"\0"),
        LARGE_GZIP[:-1],
        LARGE_GZIP[:-8] + bytes(8),
        LARGE_GZIP + b"garbage",
    ],
    ids=["short", "long", "gzip of short", "gzip of long", "gzip cut off", "gzip checksum", "gzip garbage"],
)
def test_the_end_of_a_larger_file_is_checked_as_well(content: bytes, tmp_path: Path) -> None:
    refusal_of(tmp_path, content)
    (tmp_path / "sound").write_bytes(LARGE_GZIP)
    assert idx.read(tmp_path / "sound").shape == (1000,)


@pytest.mark.parametrize("content", [SMALL, SMALL_GZIP], ids=["plain", "gzip"])
def test_every_prefix_is_refused(content: bytes, tmp_path: Path) -> None:
    for length in range(len(content)):
        refusal_of(tmp_path, content[:length])


@pytest.mark.parametrize("place", range(-8, 0))
def test_every_flipped_bit_of_the_gzip_trailer_is_refused(place: int, tmp_path: Path) -> None:
    for bit in range(8):
        flipped = bytearray(SMALL_GZIP)
        flipped[place] ^= 1 << bit
        refusal_of(tmp_path, bytes(flipped))


def read_or_message(path: Path) -> NDArray[Any] | str:
    try:
        return idx.read(path)
    except HandmadeError as error:
        return str(error)


@given(place=st.integers(0, len(SMALL_GZIP) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_in_gzip_is_refused_or_harmless(
    place: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flipped = bytearray(SMALL_GZIP)
    flipped[place] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(flipped)
    came = read_or_message(path)
    assert "\n" not in came if isinstance(came, str) else written(came) == SMALL


@given(content=st.binary(max_size=64), start=st.sampled_from([b"", b"\0\0", b"\0\0\x08", b"\0\0\x0c\1\0\0\0", b"\x1f\x8b\x08"]))
def test_whatever_the_bytes_either_an_array_or_a_handmade_error_comes(
    content: bytes, start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "whatever"
    path.write_bytes(start + content)
    came = read_or_message(path)
    assert "\n" not in came if isinstance(came, str) else written(came) == start + content


def peak_of_refusal(path: Path) -> int:
    tracemalloc.start()
    try:
        refusal(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("code", [0x08, 0x0E])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_claim_of_terabytes_costs_little_memory(code: int, *, zipped: bool, tmp_path: Path) -> None:
    content = header(code, 2**31, 2**12) + bytes(1000)
    (path := tmp_path / "claim").write_bytes(gzip.compress(content) if zipped else content)
    assert peak_of_refusal(path) < 10_000_000


def test_a_gzip_bomb_behind_a_small_header_is_stopped_early(tmp_path: Path) -> None:
    deflate = zlib.compressobj(1, wbits=31)
    with (path := tmp_path / "bomb").open("wb") as file:
        file.write(deflate.compress(SMALL))
        for _ in range(64):
            file.write(deflate.compress(bytes(1 << 20)))
        file.write(deflate.flush())
    assert peak_of_refusal(path) < 1_000_000


def test_the_payload_that_gzip_can_hold_at_most_is_read(tmp_path: Path) -> None:
    shape = (16, 1024, 1024)
    (path := tmp_path / "zeros").write_bytes(gzip.compress(header(0x08, *shape) + bytes(math.prod(shape))))
    assert math.prod(shape) > 1000 * path.stat().st_size
    assert idx.read(path).shape == shape


@pytest.mark.parametrize("name", ["missing", "two\0parts", "long" * 100])
def test_a_file_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match=r"^'.*': expected [^\n]*; got.* Check the path") as caught:
        idx.read(tmp_path / name)
    assert str(tmp_path) in str(caught.value)


def test_a_line_break_in_a_name_stays_out_of_the_message(tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match=r"two\\nlines"):
        idx.read(tmp_path / "two\nlines")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "a directory" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal(tmp_path / "pipe")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "locked").write_bytes(SMALL)
    monkeypatch.setattr(Path, "open", deny)
    assert "Permission denied" in refusal(tmp_path / "locked")
