"""Backends: `plain` computes by the equations of the layers, `numpy` with shortcuts."""
