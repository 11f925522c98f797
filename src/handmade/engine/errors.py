"""What a user can mend: the errors that are reported in one line, without a traceback."""


class HandmadeError(ValueError):
    """Something was asked for that cannot be; the message says what was wanted, what came and what to do."""
