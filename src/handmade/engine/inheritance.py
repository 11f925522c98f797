"""Shortcuts of a class, and subclasses that do something else.

A shortcut is a second method for what another method does. A subclass that overrides the one inherits the other, which then
tells of its parent: such a shortcut must not be taken.
"""

from functools import cache


@cache
def defined_together(kind: type, *names: str) -> bool:
    """Whether the first class up the line of `kind` that defines any of these methods defines all of them."""
    for each in kind.__mro__:
        defined = [name in vars(each) for name in names]
        if any(defined):
            return all(defined)
    return False
