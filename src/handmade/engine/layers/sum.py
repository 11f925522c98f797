"""Sum: sum over some axes of an image.

    y[n, j] = sum over i of x[n, i, j]        i: the axes that are reduced; j: the others
    delta     dy[n, j] = sum over i of dx[n, i, j]
    backward  gx[n, i, j] = gy[n, j]

`numpy.sum` of one image.
"""

from dataclasses import dataclass

from handmade.engine.layers.reduction import Reduction


@dataclass(frozen=True, eq=False)
class Sum(Reduction):
    """Sum over some axes of images."""
