"""Header of a safetensors file: a parser that knows this one form of JSON, and the checks of sizes.

At each place only that is read which the format allows there, so nothing is built from what does not belong. Duplicate keys are
refused, which the reader of the `safetensors` package accepts.

Format: https://github.com/huggingface/safetensors, README.md, section "Format".
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError

MOST_ARRAYS = 100_000  # far more than any network of digits has
MOST_AXES = 64  # of an array of NumPy
LARGEST_ARRAY = 2**63 - 1  # bytes that NumPy can count
METADATA = "__metadata__"
FIELDS = ("dtype", "shape", "data_offsets")
BITS = {  # of one number
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}
SPACE = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
INTEGER = re.compile(r"(?:0|[1-9][0-9]{0,19})(?![0-9.eE])")


class BadTensors(HandmadeError):
    """Error for content that is not a correct safetensors file; the message is the reason alone."""


@dataclass(frozen=True)
class Entry:
    """Dtype and shape of one array, and the place of its bytes behind the header."""

    dtype: str
    shape: Shape
    begin: int
    end: int


def parse(text: str) -> tuple[dict[str, str], dict[str, Entry]]:
    """Return metadata, and entries by name; raise BadTensors if the format does not allow the header."""
    return _Header(text).read()


def shown(name: str) -> str:
    """Return a name from a file for a message."""
    return f"{name!r:.80}"


class _Header:
    """Parser of the header: at each place only that is read which the format allows there."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def read(self) -> tuple[dict[str, str], dict[str, Entry]]:
        """Return metadata and entries."""
        if not self.text.startswith("{"):
            raise BadTensors("expected a header that begins with {")
        metadata: dict[str, str] | None = None
        entries: dict[str, Entry] = {}

        def member(key: str) -> None:
            nonlocal metadata
            if key == METADATA:
                metadata = self._metadata()
            elif len(entries) == MOST_ARRAYS:
                raise BadTensors(f"expected at most {MOST_ARRAYS:,} arrays; there are more")
            else:
                entries[key] = self._entry(key)

        self._object(member)
        if self.text[self.at :].strip(" "):
            self._refuse("nothing but spaces behind the header's }")
        return metadata or {}, entries

    def _metadata(self) -> dict[str, str]:
        found: dict[str, str] = {}

        def member(key: str) -> None:
            found[key] = self._string("a text as the value of metadata")

        self._object(member)
        return found

    def _entry(self, name: str) -> Entry:
        found: dict[str, Any] = {}

        def member(key: str) -> None:
            if key not in FIELDS:
                raise BadTensors(f"expected {', '.join(FIELDS)} for the array {shown(name)}; got {shown(key)}")
            found[key] = (
                self._string("the name of a dtype") if key == "dtype" else self._integers(2 if "off" in key else MOST_AXES)
            )

        self._object(member)
        missing = [field for field in FIELDS if field not in found]
        if missing:
            raise BadTensors(f"expected {', '.join(FIELDS)} for the array {shown(name)}; there is no {', '.join(missing)}")
        if len(found["data_offsets"]) != 2:
            raise BadTensors(f"expected two data_offsets for the array {shown(name)}; got {len(found['data_offsets'])}")
        entry = Entry(found["dtype"], tuple(found["shape"]), *found["data_offsets"])
        _check_size(name, entry)
        return entry

    def _object(self, member: Callable[[str], None]) -> None:
        """Read one JSON object; `member` reads the value of a key. A key that comes twice is refused."""
        self._sign("{")
        seen = set[str]()
        ended = self._next("}")
        while not ended:
            key = self._string("a key in double quotes")
            if key in seen:
                raise BadTensors(f"expected every key once; {shown(key)} comes twice")
            seen.add(key)
            self._sign(":")
            member(key)
            ended = self._next("}")
            if not ended:
                self._sign(",")

    def _integers(self, most: int) -> list[int]:
        self._sign("[")
        found: list[int] = []
        ended = self._next("]")
        while not ended:
            number = self._token(INTEGER)
            if number is None or len(found) == most:
                self._refuse(f"a list of at most {most} integers of at least 0")
            found.append(int(number))
            ended = self._next("]")
            if not ended:
                self._sign(",")
        return found

    def _string(self, expected: str) -> str:
        token = self._token(STRING)
        if token is None:
            self._refuse(expected)
        try:
            text: str = json.loads(token)
            text.encode()
        except ValueError:  # a wrong escape, or half of a surrogate pair
            self._refuse(f"{expected}, in correct Unicode")
        return text

    def _token(self, pattern: re.Pattern[str]) -> str | None:
        self._skip_space()
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def _next(self, sign: str) -> bool:
        """Return True, and step over it, if the next sign is this one."""
        self._skip_space()
        found = self.text.startswith(sign, self.at)
        self.at += found
        return found

    def _sign(self, sign: str) -> None:
        if not self._next(sign):
            self._refuse(sign)

    def _skip_space(self) -> None:
        found = SPACE.match(self.text, self.at)
        self.at = self.at if found is None else found.end()

    def _refuse(self, expected: str) -> NoReturn:
        got = repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "its end"
        raise BadTensors(f"expected {expected} at character {self.at:,} of the header; got {got}")


def _check_size(name: str, entry: Entry) -> None:
    """Raise BadTensors unless the bytes of an array are those of its dtype and shape."""
    if entry.dtype not in BITS:
        raise BadTensors(f"expected a known dtype for the array {shown(name)}; got {shown(entry.dtype)}")
    bits = math.prod(entry.shape) * BITS[entry.dtype]
    if math.prod(size for size in entry.shape if size) * BITS[entry.dtype] > 8 * LARGEST_ARRAY:
        raise BadTensors(f"expected a shape that a computer can count for the array {shown(name)}; got {entry.shape!r:.80}")
    if bits % 8:
        raise BadTensors(f"expected an array {shown(name)} that ends with a byte; {bits} bits of {entry.dtype} do not")
    if entry.end - entry.begin != bits // 8:
        raise BadTensors(
            f"expected {bits // 8:,} bytes for the array {shown(name)}, {entry.dtype} of shape {entry.shape!r:.80}; "
            f"its data_offsets span {entry.end - entry.begin:,}"
        )


def check_offsets(entries: dict[str, Entry], size: int) -> None:
    """Raise BadTensors unless the arrays fill all bytes behind the header, without a hole and without an overlap."""
    reached = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != reached:
            kind = "a hole" if entry.begin > reached else "an overlap"
            raise BadTensors(f"expected arrays one after the other; there is {kind} before the array {shown(name)}")
        reached = entry.end
    if reached != size:
        raise BadTensors(f"expected {reached:,} bytes behind the header; there are {size:,}")
