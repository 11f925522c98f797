"""Backend `plain`: the equations of the layers, and nothing else."""

from handmade.engine.plain.backend import Plain

__all__ = ["BACKEND", "Plain"]

BACKEND = Plain
