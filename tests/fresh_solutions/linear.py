"""Wrong solutions of linear: what the student misunderstood, the verdict of the grader, and the student's file."""

LINEAR = """def linear(x, W, b):
    return x @ W + b
"""

FLATTEN = """def flatten(x):
    return x.reshape(x.shape[0], -1)

"""

SOLUTIONS = (
    (
        "The images are flattened column by column, in the order of Fortran.",
        "reversed_axes",
        """import numpy as np

def flatten(x):
    return x.reshape(len(x), -1, order="F")

"""
        + LINEAR,
    ),
    (
        "All images become one long row.",
        "all_images",
        """import numpy as np

def flatten(x):
    return x.flatten()

"""
        + LINEAR,
    ),
    (
        "The channels are written one after the other, each with its rows and columns.",
        "channels_first",
        """import numpy as np

def flatten(x):
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)

"""
        + LINEAR,
    ),
    (
        "Each column of the result holds an image.",
        "images_transposed",
        """import numpy as np

def flatten(x):
    return x.reshape(x.shape[0], -1).T

"""
        + LINEAR,
    ),
    (
        "The channels are forgotten in the size.",
        "message raised",
        """import numpy as np

def flatten(x):
    N, H, W, C = x.shape
    return x.reshape(N, H * W)

"""
        + LINEAR,
    ),
    (
        "The two numbers of reshape are exchanged: the numbers of the images are mixed.",
        "images_mixed",
        """import numpy as np

def flatten(x):
    return x.reshape(-1, len(x)).T

"""
        + LINEAR,
    ),
    (
        "The bias is forgotten.",
        "no_bias",
        FLATTEN
        + """def linear(x, W, b):
    return x @ W
""",
    ),
    (
        "The weights are thought to have the shape (outputs, inputs).",
        "weights_transposed",
        FLATTEN
        + """def linear(x, W, b):
    return x @ W.T + b
""",
    ),
    (
        "The factors of the matrix product are exchanged.",
        "factors_swapped",
        FLATTEN
        + """def linear(x, W, b):
    return W @ x + b
""",
    ),
    (
        "The bias is added with every input.",
        "bias_per_input",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for n in range(x.shape[0]):
        for o in range(W.shape[1]):
            for i in range(x.shape[1]):
                y[n, o] += W[i, o] * x[n, i] + b[o]
    return y
""",
    ),
    (
        "The bias is added by image, not by output.",
        "bias_to_rows",
        FLATTEN
        + """def linear(x, W, b):
    return x @ W + b[:, None]
""",
    ),
    (
        "Each product replaces the one before.",
        "last_product",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for n in range(x.shape[0]):
        for o in range(W.shape[1]):
            for i in range(x.shape[1]):
                y[n, o] = b[o] + W[i, o] * x[n, i]
    return y
""",
    ),
    (
        "The sum is divided by the number of inputs.",
        "averaged",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    return x @ W / x.shape[1] + b
""",
    ),
    (
        "The sum is collected in the caller's array of biases.",
        "message mutated",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    rows = []
    for n in range(len(x)):
        total = b
        for i in range(x.shape[1]):
            total += W[i] * x[n, i]
        rows.append(total.copy())
    return np.array(rows)
""",
    ),
    (
        "Only the first image is computed.",
        "one_row",
        FLATTEN
        + """def linear(x, W, b):
    return x[0] @ W + b
""",
    ),
    (
        "The bias is added before the multiplication.",
        "message values",
        FLATTEN
        + """def linear(x, W, b):
    return (x + b[0]) @ W
""",
    ),
    (
        "The sum is put through a ReLU.",
        "relu_too",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    return np.maximum(x @ W + b, 0)
""",
    ),
)
