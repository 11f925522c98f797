"""Mean: mean over some axes of an image.

    y[n, j] = 1/K sum over i of x[n, i, j]        i: the K places on the axes that are reduced; j: the others
    delta     dy[n, j] = 1/K sum over i of dx[n, i, j]
    backward  gx[n, i, j] = gy[n, j] / K

`numpy.mean` of one image. GlobalAvgPool2d is Mean((0, 1)).
"""

from dataclasses import dataclass

from handmade.engine.arrays import Shape
from handmade.engine.layers.reduction import Reduction


@dataclass(frozen=True, eq=False)
class Mean(Reduction):
    """Mean over some axes of images."""

    def divisor(self, shape: Shape) -> int:
        return self._count(shape)
