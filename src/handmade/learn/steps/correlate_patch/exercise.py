"""y = sum over i, j of W[i, j] p[i, j]"""


def correlate(p, W):
    raise NotImplementedError  # TODO
