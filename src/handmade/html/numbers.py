"""Numbers in a view: a signed number shows its sign, its colour repeats it, and all its digits appear under the pointer."""

from handmade.html.markup import Markup, tag
from handmade.html.rich_parts import KINDS
from handmade.text.number_format import signed


def signed_number(value: float, digits: int, most: int = 17) -> Markup:
    """Return a number with some significant digits."""
    text = signed(value, digits)
    return tag("span", text.plain, kind=KINDS.get(str(text.style)), title=f"{value:.{most}g}")
