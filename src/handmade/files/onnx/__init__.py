"""ONNX models: reading and writing."""
