"""HTML from parts: `tag("td", text)` escapes the text, and closes what it opens."""

from collections.abc import Iterable
from html import escape

VOID = {"br", "img"}  # elements without content
LONGEST = 120  # characters of a name


class Markup(str):
    """Text that is HTML already. Any other text is escaped when it becomes part of an element."""

    __slots__ = ()


def tag(name: str, *parts: str | None, **attributes: str | float | bool | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Name of the element: "td".
    *parts : str or None
        Content: `Markup` as it is, other texts escaped; None is left out.
    **attributes
        Attributes; `kind` is the attribute "class", and a hyphen is written as an underscore. True is an attribute without a
        value; None and False are left out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    if name in VOID:
        assert not parts
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(parts)}</{name}>")


def joined(parts: Iterable[str | None]) -> Markup:
    """Return parts one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))


def _attribute(key: str, value: object) -> str:
    name = "class" if key == "kind" else key.replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def shortened(text: str, most: int = LONGEST) -> str:
    """Return a text of others on one line, with dots at its end where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def table(rows: Iterable[Iterable[str]], *, head: Iterable[str] = (), caption: str = "", kind: str | None = None) -> Markup:
    """Return a table; its rows and its head are made of cells (`cell`, `number`)."""
    return tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *head)) if (head := list(head)) else None,
        tag("tbody", *(tag("tr", *row) for row in rows)),
        kind=kind,
    )


def cell(text: str, *, head: bool = False, right: bool = False, **attributes: str | float | None) -> Markup:
    """Return one cell of a table; numbers stand at the right."""
    kind = " ".join(filter(None, ("n" if right else "", str(attributes.pop("kind", "") or "")))) or None
    return tag("th" if head else "td", text, kind=kind, **attributes)
