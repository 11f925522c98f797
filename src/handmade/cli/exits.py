"""Exceptions that end the command with one line and an exit code."""

import signal


class CommandEnd(Exception):
    """End of the command; the message is printed as it is.

    Parameters
    ----------
    message : str
        One line.
    exit_code : int
        Exit code of the process.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(CommandEnd):
    """End because of words on the command line that cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 2)


class Stopped(CommandEnd):
    """End by a signal; the exit code is 128 + its number, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__("terminated by SIGTERM" if number == signal.SIGTERM else "interrupted", 128 + number)
