"""Names of classes in texts and tables: short, and beside their numbers."""

import re

from handmade.engine.network import Network

LONGEST = 32  # columns of a name in a sentence or a table
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def short(name: str, most: int = LONGEST) -> str:
    """Return a name of at most `most` columns: its middle is left out if it is longer, so that its end still tells it apart."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415  an error message needs no rich

    if cell_len(name) <= most:
        return name
    head = set_cell_size(name, most - most // 3 - 1).rstrip()
    tail = ""
    for letter in reversed(name):
        if cell_len(letter + tail) > most // 3:
            break
        tail = letter + tail
    return f"{head}{ELLIPSIS}{tail.lstrip()}"


def class_of(network: Network, label: int | None) -> str | None:
    """Return the name of the class of an image; None if the class is not known."""
    return None if label is None else network.class_name(label)


def classes_in_words(network: Network, image: str, label: int | None, at: str = "") -> str:
    """Return the names of the classes that a receipt or a trace speaks of by their numbers; empty if classes have no names.

    `at` is the place of the number that is explained: "logits[3]" belongs to class 3.
    """
    names = network.class_names
    if names is None:
        return ""
    parts = [] if label is None else [f"{image} is of class {label} ({short(names[label])})"]
    parts += [
        f"{found[0]} belongs to class {k} ({short(names[k])})"
        for found in re.finditer(r"(?:logits|probability)\[(\d{1,9})\]", at)
        if (k := int(found[1])) < len(names)
    ]
    return f"{'; '.join(parts)}." if parts else ""
