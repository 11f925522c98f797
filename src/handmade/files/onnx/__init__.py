"""ONNX: models of other libraries as networks, and as a backend of ONNX. Needs the package onnx, the extra handmade[onnx].

reader.py     file, bytes or ModelProto to a checked graph: graph.py, tensors.py, external.py, types.py
operators/    each operator: its value for arrays, and its conversion to layers
layout.py     a tensor of the graph as an activation whose axes are in another order; builder.py, the nodes that are made
fuse.py       GELU and Softmax in parts as one operation; budget.py, limits of what constants may grow to
convert.py    walks through the graph; imported.py makes the arguments of a Network
run.py        ONNX in, ONNX out
writing.py    a network as an ONNX model; layer_nodes.py, its layers as nodes
"""

from typing import Any

from handmade.engine.network import Network
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.imported import Imported, read_network
from handmade.files.onnx.reader import import_onnx, read_graph
from handmade.files.onnx.run import run_model
from handmade.files.onnx.writing import export, to_model

__all__ = ["Imported", "OutOfScope", "export", "import_onnx", "load", "read_graph", "read_network", "run_model", "to_model"]


def load(path: Any, *, external_data: bool = False) -> Network:
    """Return an ONNX model as a network; see `read_network`, which also tells what was left out."""
    return read_network(path, external_data=external_data).network
