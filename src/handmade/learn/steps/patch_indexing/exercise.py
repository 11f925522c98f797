"""p[i, j] = x[h + i, w + j]"""


def patch(x, h, w, K_h, K_w):
    raise NotImplementedError  # TODO
