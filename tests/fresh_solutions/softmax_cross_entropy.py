"""Wrong solutions of softmax_cross_entropy: what the student misunderstood, the verdict of the grader, and the student's file."""

SOFTMAX = """import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

"""

CE = """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y])
"""

SOLUTIONS = (
    (
        "The largest logit is not subtracted, so exp overflows.",
        "overflow",
        """import numpy as np

def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The sum runs over the images, not over the classes.",
        "axis_zero",
        """import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)

"""
        + CE,
    ),
    (
        "The sum runs over all images and classes, so all probabilities together add up to 1.",
        "all_images",
        """import numpy as np

def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()

"""
        + CE,
    ),
    (
        "The largest logit of the whole batch is subtracted, so an image with small logits gives 0 / 0.",
        "shifted_by_global",
        """import numpy as np

def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The mean is subtracted in place of the largest logit.",
        "mean_subtracted",
        """import numpy as np

def softmax(z):
    e = np.exp(z - z.mean(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The exponential is forgotten.",
        "no_exponential",
        """import numpy as np

def softmax(z):
    return z / z.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The largest logit is subtracted above the line only.",
        "shifted_once",
        """import numpy as np

def softmax(z):
    return np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The caller's logits are changed by -=.",
        "message mutated",
        """import numpy as np

def softmax(z):
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "Large logits are cut to 500, so that exp does not overflow.",
        "clipped",
        """import numpy as np

def softmax(z):
    e = np.exp(np.clip(z, -500, 500))
    return e / e.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The logits are divided by the largest one.",
        "divided_logits",
        """import numpy as np

def softmax(z):
    e = np.exp(z / z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

"""
        + CE,
    ),
    (
        "The losses are added, not averaged.",
        "summed",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    return np.sum(np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y])
""",
    ),
    (
        "The logarithm of the probability is taken, which is infinite for a probability rounded to 0.",
        "logarithm_of_zero",
        SOFTMAX
        + """def cross_entropy(z, y):
    p = softmax(z)
    return -np.mean(np.log(p[np.arange(len(y)), y]))
""",
    ),
    (
        "A small number is added to the probability to avoid log(0).",
        "small_number_added",
        SOFTMAX
        + """def cross_entropy(z, y):
    p = softmax(z)
    return -np.mean(np.log(p[np.arange(len(y)), y] + 1e-12))
""",
    ),
    (
        "The minus sign is forgotten.",
        "sign",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    return np.mean(s[np.arange(len(y)), y] - np.log(np.exp(s).sum(axis=1)))
""",
    ),
    (
        "The labels are used as columns of all images: p[:, y].",
        "all_labels",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    return -np.mean(log_p[:, y])
""",
    ),
    (
        "The mean is taken over images and classes of a one-hot matrix.",
        "divided_by_classes",
        SOFTMAX
        + """def cross_entropy(z, y):
    one_hot = np.eye(z.shape[1])[y]
    s = z - z.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    return -np.mean(one_hot * log_p)
""",
    ),
    (
        "The loss of each image is returned.",
        "not_averaged",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y]
""",
    ),
    (
        "The logarithm of base 2 is used, as for bits.",
        "base_two",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y]
    return losses.mean() / np.log(2)
""",
    ),
    (
        "The class with the largest probability is used, not the label.",
        "largest_class",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    guess = z.argmax(axis=1)
    return np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), guess])
""",
    ),
    (
        "The shifted and the original logits are mixed in one formula.",
        "loss_shifted_once",
        SOFTMAX
        + """def cross_entropy(z, y):
    s = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(s).sum(axis=1)) - z[np.arange(len(y)), y])
""",
    ),
)
