"""Wrong solutions of conv_backward_db: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "Only the images are added; rows and columns stay.",
        "images_only",
        """def conv_backward_db(gy):
    return gy.sum(axis=0)
""",
    ),
    (
        "The mean is taken.",
        "averaged",
        """def conv_backward_db(gy):
    return gy.mean(axis=(0, 1, 2))
""",
    ),
    (
        "Axes of length 1 are kept.",
        "axes_kept",
        """def conv_backward_db(gy):
    return gy.sum(axis=(0, 1, 2), keepdims=True)
""",
    ),
    (
        "Everything is added, so one number remains.",
        "one_number",
        """def conv_backward_db(gy):
    return gy.sum()
""",
    ),
    (
        "The sum is divided by the number of images.",
        "batch_averaged",
        """def conv_backward_db(gy):
    return gy.sum(axis=(0, 1, 2)) / gy.shape[0]
""",
    ),
    (
        "The images are not added: each image keeps its own biases.",
        "for_each_image",
        """def conv_backward_db(gy):
    return gy.sum(axis=(1, 2))
""",
    ),
    (
        "The first axis is thought to be the channels.",
        "first_axis",
        """def conv_backward_db(gy):
    return gy.sum(axis=(1, 2, 3))
""",
    ),
    (
        "The channels are thought to be the second axis, as in PyTorch.",
        "second_axis",
        """def conv_backward_db(gy):
    return gy.sum(axis=(0, 2, 3))
""",
    ),
    (
        "Each image replaces the one before.",
        "last_image",
        """import numpy as np

def conv_backward_db(gy):
    N, R, S, O = gy.shape
    gb = np.zeros(O)
    for n in range(N):
        for o in range(O):
            gb[o] = gy[n, :, :, o].sum()
    return gb
""",
    ),
    (
        "A bias is thought to have the derivative 1, so ones are returned.",
        "ones",
        """import numpy as np

def conv_backward_db(gy):
    return np.ones(gy.shape[-1])
""",
    ),
    (
        "reshape is thought to bring the channels to the front.",
        "reshaped",
        """def conv_backward_db(gy):
    O = gy.shape[-1]
    return gy.reshape(O, -1).sum(axis=1)
""",
    ),
    (
        "The number of uses of the bias is returned, without gy.",
        "counted",
        """import numpy as np

def conv_backward_db(gy):
    N, R, S, O = gy.shape
    return np.full(O, N * R * S, dtype=float)
""",
    ),
    (
        "The output is thought to be square: one loop length is used for rows and columns.",
        "square",
        """import numpy as np

def conv_backward_db(gy):
    N, R, S, O = gy.shape
    gb = np.zeros(O)
    for n in range(N):
        for h in range(min(R, S)):
            for w in range(min(R, S)):
                for o in range(O):
                    gb[o] += gy[n, h, w, o]
    return gb
""",
    ),
    (
        "The total is not set to 0 for the next channel.",
        "running",
        """import numpy as np

def conv_backward_db(gy):
    O = gy.shape[3]
    gb = np.zeros(O)
    total = 0
    for o in range(O):
        for value in gy[..., o].flat:
            total += value
        gb[o] = total
    return gb
""",
    ),
    (
        "Every gradient is added to all biases.",
        "added_to_all",
        """import numpy as np

def conv_backward_db(gy):
    gb = np.zeros(gy.shape[-1])
    for n, h, w, o in np.ndindex(gy.shape):
        gb += gy[n, h, w, o]
    return gb
""",
    ),
    (
        "The mean over rows and columns is taken, then the sum over the images.",
        "pixels_averaged",
        """import numpy as np

def conv_backward_db(gy):
    return np.einsum("nhwo->o", gy) / (gy.shape[1] * gy.shape[2])
""",
    ),
    (
        "The last number of each channel replaces all others.",
        "last_number",
        """import numpy as np

def conv_backward_db(gy):
    gb = np.zeros(gy.shape[-1])
    for n, h, w, o in np.ndindex(gy.shape):
        gb[o] = gy[n, h, w, o]
    return gb
""",
    ),
    (
        "The sign is changed, because learning goes against the gradient.",
        "general.negative",
        """def conv_backward_db(gy):
    return -gy.sum(axis=(0, 1, 2))
""",
    ),
)
