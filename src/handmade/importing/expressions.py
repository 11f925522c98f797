"""Linear expressions of a pixel, such as "(x/255 - 0.1307)/0.3081", as scale and shift. Nothing is evaluated as code.

    sum      = product {("+" | "-") product}
    product  = sign {("*" | "/") sign}
    sign     = {"-" | "+"} atom
    atom     = number | "x" | "(" sum ")"

The value of each part is a x + b. A product of two parts that both contain x is not linear, and is refused.
"""

import math
import re
from dataclasses import dataclass

from handmade.engine.errors import HandmadeError

LONGEST, DEEPEST = 200, 20  # letters, and parentheses within parentheses
TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?)|(.))", re.DOTALL)


@dataclass(frozen=True)
class Linear:
    """The number scale * x + shift."""

    scale: float
    shift: float


def scale_and_shift(text: str) -> tuple[float, float]:
    """Return scale and shift of a linear expression of x.

    Raises
    ------
    HandmadeError
        If it is not one, or does not depend on x.
    """
    if len(text) > LONGEST:
        raise HandmadeError(f"input: expected an expression of at most {LONGEST} letters; got {len(text)}")
    parser = _Parser(text)
    value = parser.sum(0)
    parser.end()
    if not math.isfinite(value.scale) or not math.isfinite(value.shift) or value.scale == 0:
        raise HandmadeError(f'input: expected an expression that depends on x; got {text!r}. Try "x/255"')
    return value.scale, value.shift


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [number or sign for number, sign in TOKEN.findall(text) if (number or sign).strip()]
        self.at = 0

    def sum(self, depth: int) -> Linear:
        found = self._product(depth)
        while sign := self._take("+-"):
            other = self._product(depth)
            factor = 1 if sign == "+" else -1
            found = Linear(found.scale + factor * other.scale, found.shift + factor * other.shift)
        return found

    def end(self) -> None:
        if self.at < len(self.tokens):
            self._refuse(f"expected + - * / or the end before {self.tokens[self.at]!r}")

    def _product(self, depth: int) -> Linear:
        found = self._sign(depth)
        while sign := self._take("*/"):
            other = self._sign(depth)
            if sign == "/":
                if other.scale or not other.shift:
                    self._refuse("expected a number other than 0 after /")
                found = Linear(found.scale / other.shift, found.shift / other.shift)
            elif found.scale and other.scale:
                self._refuse("expected x in one of the factors alone")
            else:
                found = Linear(
                    found.scale * other.shift + other.scale * found.shift,
                    found.shift * other.shift,
                )
        return found

    def _sign(self, depth: int) -> Linear:
        negative = False
        while sign := self._take("+-"):
            negative ^= sign == "-"
        found = self._atom(depth)
        return Linear(-found.scale, -found.shift) if negative else found

    def _atom(self, depth: int) -> Linear:
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        self.at += 1
        if token in {"x", "X"}:
            return Linear(1.0, 0.0)
        if token == "(":  # noqa: S105  a parenthesis
            if depth == DEEPEST:
                self._refuse(f"expected at most {DEEPEST} parentheses within parentheses")
            found = self.sum(depth + 1)
            if not self._take(")"):
                self._refuse("expected ) at the end of a parenthesis")
            return found
        if token.isascii() and (token[:1].isdigit() or token[:1] == "."):
            try:
                return Linear(0.0, float(token))
            except ValueError:
                pass
        return self._refuse(f"expected a number, x or (, got {token!r}" if token else "expected a number, x or ( at the end")

    def _take(self, signs: str) -> str:
        """Return the next token, and step over it, if it is one of some signs."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if token and token in signs:
            self.at += 1
            return token
        return ""

    def _refuse(self, reason: str) -> Linear:
        raise HandmadeError(f'input: expected a linear expression of the pixel x; in {self.text!r}: {reason}. Try "x/255"')
