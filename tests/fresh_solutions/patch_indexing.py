"""Wrong solutions of patch_indexing: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The second number of a slice is taken as the length of the slice.",
        "end_without_start",
        """def patch(x, h, w, K_h, K_w):
    return x[h:K_h, w:K_w]
""",
    ),
    (
        "The last row and column are h + K_h - 1, and the end of the slice is written as this last row.",
        "one_too_few",
        """def patch(x, h, w, K_h, K_w):
    return x[h : h + K_h - 1, w : w + K_w - 1]
""",
    ),
    (
        "One more row and column are taken, in the belief that K_h steps from h need an end of h + K_h + 1.",
        "one_too_many",
        """def patch(x, h, w, K_h, K_w):
    end_row = h + K_h
    end_column = w + K_w
    return x[h : end_row + 1, w : end_column + 1]
""",
    ),
    (
        "The columns are sliced in a second pair of brackets, which slices the rows again.",
        "chained_slices",
        """def patch(x, h, w, K_h, K_w):
    return x[h : h + K_h][w : w + K_w]
""",
    ),
    (
        "The horizontal position is written first, as in (x, y) of a picture.",
        "swapped_axes",
        """def patch(x, h, w, K_h, K_w):
    return x[w : w + K_w, h : h + K_h]
""",
    ),
    (
        "The two sizes are confused: K_w rows and K_h columns are taken.",
        "swapped_size",
        """def patch(x, h, w, K_h, K_w):
    return x[h : h + K_w, w : w + K_h]
""",
    ),
    (
        "(h, w) is taken as the centre of the patch.",
        "centred",
        """def patch(x, h, w, K_h, K_w):
    top = max(h - K_h // 2, 0)
    left = max(w - K_w // 2, 0)
    return x[top : top + K_h, left : left + K_w]
""",
    ),
    (
        "(h, w) is taken as the number of a tile, so the patches do not overlap.",
        "tiles",
        """def patch(x, h, w, K_h, K_w):
    return x[h * K_h : (h + 1) * K_h, w * K_w : (w + 1) * K_w]
""",
    ),
    (
        "The numbers are collected in one list, without rows.",
        "message type",
        """def patch(x, h, w, K_h, K_w):
    p = []
    for i in range(K_h):
        for j in range(K_w):
            p.append(x[h + i, w + j])
    return p
""",
    ),
    (
        "Rows and columns are counted from 1.",
        "begins_one_later",
        """import numpy as np

def patch(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w))
    for i in range(1, K_h + 1):
        for j in range(1, K_w + 1):
            p[i - 1, j - 1] = x[h + i, w + j]
    return p
""",
    ),
    (
        "The patch is taken as square.",
        "square",
        """def patch(x, h, w, K_h, K_w):
    K = K_h
    return x[h : h + K, w : w + K]
""",
    ),
    (
        "The patch is made for integers, so fractions are cut off.",
        "general.truncated",
        """import numpy as np

def patch(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w), dtype=int)
    for i in range(K_h):
        for j in range(K_w):
            p[i, j] = x[h + i, w + j]
    return p
""",
    ),
    (
        "Two ranges as indices are thought to give a block, but they give a diagonal.",
        "diagonal",
        """def patch(x, h, w, K_h, K_w):
    rows = range(h, h + K_h)
    columns = range(w, w + K_w)
    return x[rows, columns]
""",
    ),
    (
        "i is added to the column and j to the row, so the patch lies on its side.",
        "indices_swapped",
        """import numpy as np

def patch(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w))
    for i in range(K_h):
        for j in range(K_w):
            p[i, j] = x[h + j, w + i]
    return p
""",
    ),
    (
        "Only the rows are cut.",
        "only_rows",
        """def patch(x, h, w, K_h, K_w):
    return x[h : h + K_h]
""",
    ),
)
