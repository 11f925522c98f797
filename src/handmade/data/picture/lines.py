"""Lines of the paper: straight and thin ink from edge to edge, which is removed.

A stroke that crosses a line stays connected: the pixels of the line between ink above and ink below are kept.
"""

import numpy as np
from numpy.typing import NDArray

LARGE = 64  # pixels of the longer side: smaller pictures have no lines
SPAN = 0.93  # of the width of the picture: a line of the paper is as long


def without_lines(strokes: NDArray[np.bool]) -> tuple[NDArray[np.bool], bool]:
    """Remove straight lines from edge to edge, such as those of ruled paper; what crosses them stays connected.

    Returns
    -------
    strokes : (H, W) bool
    removed : bool
        True if there were such lines.
    """
    removed = False
    if max(strokes.shape) < LARGE:
        return strokes, removed
    for turned in (False, True):
        mask = strokes.T if turned else strokes
        lines = _lines(mask)
        if lines.any():
            rest = mask & ~lines
            gap = 2 + int(np.ceil(lines.sum() / mask.shape[1]))
            rest |= _bridged(rest, lines, min(gap, 12))
            strokes, removed = (rest.T if turned else rest), True
    return strokes, removed


def _lines(mask: NDArray[np.bool]) -> NDArray[np.bool]:
    """Return the pixels of thin lines from the left edge to the right edge."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    height, width = mask.shape
    thin = mask & ~ndimage.binary_opening(mask, np.ones((max(4, height // 40), 1)))  # columns of few pixels
    joined = ndimage.binary_closing(
        np.pad(ndimage.binary_dilation(thin, np.ones((3, 1))), ((0, 0), (9, 9)), mode="edge"), np.ones((1, 15))
    )
    labels, _ = ndimage.label(ndimage.binary_opening(joined[:, 9:-9], np.ones((1, max(5, width // 12)))), np.ones((3, 3)))
    found = np.zeros(mask.shape, bool)
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        if columns.stop - columns.start >= SPAN * width and rows.stop - rows.start < max(6, height // 10):
            found[rows, columns] |= labels[rows, columns] == number
    found &= thin
    return found


def _bridged(rest: NDArray[np.bool], lines: NDArray[np.bool], gap: int) -> NDArray[np.bool]:
    """Return the pixels of lines between ink above and ink below."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    joined = ndimage.binary_closing(np.pad(rest, gap), np.ones((2 * gap + 1, 1)))[gap:-gap, gap:-gap]
    bridged: NDArray[np.bool] = joined & lines
    return bridged
