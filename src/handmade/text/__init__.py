"""Texts of values: layouts with rich, which `print()` shows without colour and the command with it."""
