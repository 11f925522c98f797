"""Errors that a user can correct: they are reported in one line, without a traceback."""


class HandmadeError(ValueError):
    """Error of an argument, an option or a file; the message says the expected value, the received value and what to do."""
