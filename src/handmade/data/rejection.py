"""What does not look like a digit: judged by a few measures of its ink, each with the limit that it crossed.

The limits are wide: of MNIST's 10,000 test images they refuse 8, which are in pieces.
"""

from dataclasses import dataclass

CONTRAST = 0.08
CLEARNESS = 4  # deviations of the noise that strokes stand out by
PIECES, HOLES = 4, 6
SMALLEST = 4  # pixels
FILLED = 0.8  # of its box
WIDEST = 2.2  # times its height


@dataclass(frozen=True)
class Measures:
    """What the ink of a picture is judged by.

    Attributes
    ----------
    contrast
        How far strokes are from their paper, 0 to 1.
    noise
        How far paper strays from itself, 0 to 1.
    light
        Whether the ink is lighter than the paper.
    height, width
        Pixels of the box around the ink; 0 without ink.
    share
        How much of the box is ink, 0 to 1.
    pieces
        How many separate pieces the ink has.
    holes
        How many holes it has.
    figures
        How many tall things stand side by side.
    """

    contrast: float
    noise: float
    light: bool
    height: int
    width: int
    share: float
    pieces: int
    holes: int
    figures: int


def rejection(m: Measures) -> str | None:
    """Say why this is hardly a digit, in words, with the number; None if it may be one."""
    reasons = (
        (m.contrast < CONTRAST, f"nothing stands out: the contrast is {m.contrast:.0%}, ink has at least {CONTRAST:.0%}"),
        (m.contrast < CLEARNESS * m.noise, f"it is noise: a contrast of {m.contrast:.0%} in noise of {m.noise:.0%}"),
        (max(m.height, m.width) < SMALLEST, f"it is too small: {m.height} x {m.width} pixels of ink"),
        (m.pieces > PIECES, f"it is in {m.pieces} pieces; a digit has at most {PIECES}"),
        (m.holes > HOLES, f"it is a texture with {m.holes} holes; a digit has one or two"),
        (m.figures > 1, f"{m.figures} figures stand side by side; cut out one of them"),
        (m.width > WIDEST * m.height, f"it is {m.width} x {m.height} pixels, wide and flat like a dash"),
        (m.share > FILLED and m.width > 0.5 * m.height, f"it is a blot: ink fills {m.share:.0%} of its box"),
    )
    return next((why for crossed, why in reasons if crossed), None)
