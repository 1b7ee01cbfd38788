"""The error of a launch file that cannot be loaded."""


class InvalidLaunchFileError(Exception):
    """A launch file is missing, of an unknown format, or fails while it is loaded."""
