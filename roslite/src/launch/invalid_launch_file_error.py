"""The error of a launch file that cannot be loaded."""

from __future__ import annotations

from collections.abc import Sequence


class InvalidLaunchFileError(Exception):
    """A launch file is missing, of an unknown format, or fails while it is loaded."""

    def __init__(self, extension: str = "", *, likely_errors: Sequence[BaseException] | None = None) -> None:
        """Create the error.

        Args:
            extension: of the launch file, without its dot; empty if it is none that is known.
            likely_errors: what was raised on loading, the likeliest first.
        """
        if extension and likely_errors:
            number = "multiple exceptions" if len(likely_errors) > 1 else "exception"
            message = f"Caught {number} when trying to load file of format [{extension}]:"
            message += "".join(f"\n - {type(error).__name__}: {error}" for error in likely_errors)
            self.__cause__ = likely_errors[0]
        else:
            message = "The launch file may have a syntax error, or its format is unknown"
        super().__init__(message)
