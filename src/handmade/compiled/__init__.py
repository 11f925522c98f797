"""The backend `compiled`: nested loops, compiled by Numba. No other part of the package imports it."""

from handmade.compiled.backend import BACKEND

__all__ = ["BACKEND"]
