"""Errors of ONNX models: a HandmadeError for damaged files, an OutOfScope for correct ones that are not supported."""

from handmade.engine.errors import HandmadeError


class OutOfScope(HandmadeError, NotImplementedError):
    """Error of a correct model that uses what is not supported; also a NotImplementedError, as ONNX backends raise it."""


class NoLayer(Exception):
    """Reason why a node of the graph is no layer of a Network: it is then computed by its definition."""
