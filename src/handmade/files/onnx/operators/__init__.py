"""Operators of ONNX, one file a family: the value for arrays and the conversion to layers stand side by side.

table.py          the table, and how an operator joins it
elementwise.py    activation functions
arithmetic.py     sums, products, comparisons
products.py       Gemm, MatMul
windows.py        convolution and pooling as layers; window_values.py, their definitions; window_sizes.py, pads and places
normalisation.py  BatchNormalization, Dropout
softmax.py        Softmax, LogSoftmax
reductions.py     sums and means along axes, ArgMax
shapes.py         Reshape, Transpose and others that move no number
parts.py          Concat, Slice, Gather, Pad, Expand
constants.py      Constant, Range
losses.py         losses as outputs
"""

from handmade.files.onnx.operators import (  # noqa: F401  each file adds its operators to the table
    arithmetic,
    constants,
    elementwise,
    losses,
    normalisation,
    parts,
    products,
    reductions,
    shapes,
    softmax,
    windows,
)
from handmade.files.onnx.operators.table import TABLE, Operator, unsupported

__all__ = ["TABLE", "Operator", "unsupported"]
