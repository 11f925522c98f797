"""Grey levels of picture files, 0 is black and 1 is white, for any bit depth and for transparent pixels.

shade = number / white            white is known for 8 bits; for other depths it is estimated from the largest number
shade = opacity colour + (1 - opacity) paper
"""

import numpy as np

from handmade.engine.arrays import Array

LUMINANCE = np.array([0.299, 0.587, 0.114])  # weights of red, green and blue: ITU-R BT.601
ONE_SHADE = 0.25  # visible pixels are of one shade if their range is smaller
VISIBLE = 0.2  # of the greatest opacity: pixels that are less opaque may be edges of strokes
DEPTHS = (1, 255, 1023, 4095, 16383, 65535)  # white in 1, 8, 10, 12, 14 and 16 bits
HALF = 0.5  # of white: a picture has a brighter pixel, or its white is another number


def from_depth(values: Array, *, integers: bool) -> tuple[Array, tuple[str, ...]]:
    """Return numbers of unknown white as shades from 0 to 1, and a remark if white was estimated.

    Parameters
    ----------
    values
        (H, W) finite numbers.
    integers
        True for pixels of 16 or 32 bits: white is the largest number of a usual depth. Floats may have any white.
    """
    low, high = float(values.min()), float(values.max())
    if low < 0:
        if low >= -1 and high <= 1:
            return (values + 1) / 2, ("its numbers go from -1 to 1",)
        return (values - low) / max(high - low, 1e-300), (f"its black is taken to be {low:,.6g}, its white {high:,.6g}",)
    white = next((depth for depth in DEPTHS if high <= depth), high)
    if not integers and white != 1 and high < HALF * white:
        white = high
    usual = white in {1, 255, 65535}
    return values / max(white, 1e-300), () if usual else (f"its white is taken to be {white:,.6g}",)


def with_background(grey: Array, opacity: Array) -> Array:
    """Put paper behind transparent pixels.

    If all visible pixels have one shade, they are ink of that shade, and the most opaque pixel is full ink.

    Parameters
    ----------
    grey, opacity
        (H, W) float64, 0 to 1.
    """
    most = float(opacity.max())
    if most == 0:
        return np.ones(grey.shape)
    share = opacity / most if is_ink(grey, opacity) else opacity
    blended: Array = share * grey + (1 - share) * paper_behind(grey, opacity)
    return blended


def is_ink(grey: Array, opacity: Array) -> bool:
    """Return True if the visible pixels are ink of one shade, and the others are the paper."""
    seen = grey[opacity > VISIBLE * opacity.max()]
    low, high = np.percentile(seen, (1, 99)) if seen.size else (0, 0)
    covered = (opacity > VISIBLE * opacity.max()).mean() > 0.5
    return not covered or bool(high - low <= ONE_SHADE)


def paper_behind(grey: Array, opacity: Array) -> float:
    """Return the shade of the paper behind transparent pixels.

    Behind ink of one shade it is black or white, whichever differs more. Else the picture shows ink and paper, and the
    paper has the median shade.
    """
    seen = grey[opacity > VISIBLE * opacity.max()] if opacity.any() else grey[:0]
    if not seen.size:
        return 1.0
    middle = float(np.median(seen))
    return float(middle < 0.5) if is_ink(grey, opacity) else middle
