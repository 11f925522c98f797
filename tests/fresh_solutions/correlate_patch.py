"""Wrong solutions of correlate_patch: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The products are not added.",
        "not_summed",
        """def correlate(p, W):
    return p * W
""",
    ),
    (
        '"Times" is read as the matrix product, which works for square patches only.',
        "matrix_product",
        """def correlate(p, W):
    return (p @ W).sum()
""",
    ),
    (
        "Python's sum is thought to add all numbers of an array, but it adds the rows.",
        "columns_summed",
        """def correlate(p, W):
    return sum(p * W)
""",
    ),
    (
        "The kernel is turned round, as in the convolution of mathematics.",
        "flipped",
        """import numpy as np

def correlate(p, W):
    return np.sum(p * W[::-1, ::-1])
""",
    ),
    (
        "The products are averaged.",
        "averaged",
        """import numpy as np

def correlate(p, W):
    return np.mean(p * W)
""",
    ),
    (
        "The total begins again in each row.",
        "last_row",
        """def correlate(p, W):
    for i in range(p.shape[0]):
        total = 0
        for j in range(p.shape[1]):
            total = total + W[i, j] * p[i, j]
    return total
""",
    ),
    (
        "Each product replaces the one before, so only the last product is returned.",
        "last_product",
        """def correlate(p, W):
    total = 0
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            total = W[i, j] * p[i, j]
    return total
""",
    ),
    (
        "The result is returned inside of the loop, after the first row.",
        "first_row",
        """def correlate(p, W):
    total = 0
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            total += W[i, j] * p[i, j]
        return total
""",
    ),
    (
        "The patch is taken as square: len(W) is used for rows and columns.",
        "square",
        """def correlate(p, W):
    n = len(W)
    total = 0
    for i in range(n):
        for j in range(n):
            total += W[i, j] * p[i, j]
    return total
""",
    ),
    (
        "Rows of the kernel meet columns of the patch: the kernel is read column by column.",
        "read_by_columns",
        """import numpy as np

def correlate(p, W):
    return np.dot(p.flatten(), W.T.flatten())
""",
    ),
    (
        "The sum of products is thought to be the product of the sums.",
        "product_of_sums",
        """def correlate(p, W):
    return p.sum() * W.sum()
""",
    ),
    (
        "The numbers at the same place are added, not multiplied.",
        "added",
        """import numpy as np

def correlate(p, W):
    return np.sum(p + W)
""",
    ),
    (
        "The last row and column are left out: range is thought to include its end.",
        "last_left_out",
        """def correlate(p, W):
    K_h, K_w = W.shape
    total = 0
    for i in range(0, K_h - 1):
        for j in range(0, K_w - 1):
            total += W[i, j] * p[i, j]
    return total
""",
    ),
    (
        "The total is kept as an integer.",
        "decimals_lost",
        """def correlate(p, W):
    total = 0
    for a, b in zip(p.flat, W.flat):
        total += int(a * b)
    return total
""",
    ),
    (
        "The products are added down the columns only.",
        "columns_summed",
        """import numpy as np

def correlate(p, W):
    return np.einsum("ij,ij->j", p, W)
""",
    ),
    (
        "The result is printed and not returned.",
        "message nothing",
        """import numpy as np

def correlate(p, W):
    print(np.sum(p * W))
""",
    ),
    (
        "The total is divided by the sum of the kernel, as in a weighted mean.",
        "weighted_mean",
        """def correlate(p, W):
    return (p * W).sum() / W.sum()
""",
    ),
)
