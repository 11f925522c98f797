"""Wrong solutions of linear: what the student misunderstood, and the file that the student wrote."""

LINEAR = """def linear(x, W, b):
    return x @ W + b
"""

FLATTEN = """def flatten(x):
    return x.reshape(x.shape[0], -1)

"""

SOLUTIONS = (
    (
        "The images are flattened column by column, in the order of Fortran.",
        """import numpy as np

def flatten(x):
    return x.reshape(len(x), -1, order="F")

"""
        + LINEAR,
    ),
    (
        "All images become one long row.",
        """import numpy as np

def flatten(x):
    return x.flatten()

"""
        + LINEAR,
    ),
    (
        "The channels are written one after the other, each with its rows and columns.",
        """import numpy as np

def flatten(x):
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)

"""
        + LINEAR,
    ),
    (
        "Each column of the result holds an image.",
        """import numpy as np

def flatten(x):
    return x.reshape(x.shape[0], -1).T

"""
        + LINEAR,
    ),
    (
        "The channels are forgotten in the size.",
        """import numpy as np

def flatten(x):
    N, H, W, C = x.shape
    return x.reshape(N, H * W)

"""
        + LINEAR,
    ),
    (
        "The two numbers of reshape are exchanged: the numbers of the images are mixed.",
        """import numpy as np

def flatten(x):
    return x.reshape(-1, len(x)).T

"""
        + LINEAR,
    ),
    (
        "The bias is forgotten.",
        FLATTEN
        + """def linear(x, W, b):
    return x @ W
""",
    ),
    (
        "The weights are thought to have the shape (outputs, inputs).",
        FLATTEN
        + """def linear(x, W, b):
    return x @ W.T + b
""",
    ),
    (
        "The factors of the matrix product are exchanged.",
        FLATTEN
        + """def linear(x, W, b):
    return W @ x + b
""",
    ),
    (
        "The bias is added with every input.",
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
        FLATTEN
        + """def linear(x, W, b):
    return x @ W + b[:, None]
""",
    ),
    (
        "Each product replaces the one before.",
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
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    return x @ W / x.shape[1] + b
""",
    ),
    (
        "The sum is collected in the caller's array of biases.",
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
        FLATTEN
        + """def linear(x, W, b):
    return x[0] @ W + b
""",
    ),
    (
        "The bias is added before the multiplication.",
        FLATTEN
        + """def linear(x, W, b):
    return (x + b[0]) @ W
""",
    ),
    (
        "The sum is put through a ReLU.",
        """import numpy as np

"""
        + FLATTEN
        + """def linear(x, W, b):
    return np.maximum(x @ W + b, 0)
""",
    ),
)
