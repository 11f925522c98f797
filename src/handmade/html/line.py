"""Line of a notebook that is updated in place: a bar, a text, and notices below it."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from handmade.html import framed
from handmade.html.markup import tag


class Line:
    """A line of a notebook; IPython has been loaded where it is used."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, value: float, most: float, notices: Sequence[str] = ()) -> None:
        """Show a text and a bar for a value of at most `most`, in the place of the last ones."""
        bar = tag("progress", value=value, max=most)
        html = framed(tag("div", bar, f"  {text}", kind="line"), *(tag("div", notice, kind="line") for notice in notices))
        bundle = {"text/plain": "\n".join([text, *notices]), "text/html": html}
        if self._handle is None:
            self._handle = import_module("IPython.display").display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
