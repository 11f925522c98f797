"""Wrong solutions of the step patch_indexing: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "end of the slice is inclusive as in MATLAB",
        "one_too_few",
        """\
def patch(x, h, w, K_h, K_w):
    return x[h : h + K_h - 1, w : w + K_w - 1]
""",
    ),
    (
        "(h, w) taken as the centre of the patch",
        "centred",
        """\
def patch(x, h, w, K_h, K_w):
    top, left = h - K_h // 2, w - K_w // 2
    return x[top : top + K_h, left : left + K_w]
""",
    ),
    (
        "x and y as in plots: w counts rows",
        "swapped_axes",
        """\
def patch(x, h, w, K_h, K_w):
    return x[w : w + K_w, h : h + K_h]
""",
    ),
    (
        "loops that fill a square of K_h",
        "square",
        """\
import numpy as np


def patch(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_h))
    for i in range(K_h):
        for j in range(K_h):
            p[i, j] = x[h + i, w + j]
    return p
""",
    ),
)
