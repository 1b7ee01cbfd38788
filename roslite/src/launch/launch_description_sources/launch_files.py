"""Launch files in Python."""

from __future__ import annotations

import importlib.util
import os
import traceback
from importlib.machinery import SourceFileLoader
from types import ModuleType

from launch.invalid_launch_file_error import InvalidLaunchFileError
from launch.launch_description import LaunchDescription
from launch.launch_description_source import LaunchDescriptionSource
from launch.some_substitutions_type import SomeSubstitutionsType

_FUNCTION = "generate_launch_description"
_FRONTENDS = {"xml": "XML", "yaml": "YAML", "yml": "YAML"}


class InvalidPythonLaunchFileError(Exception):
    """A Python file that is no launch file."""


class InvalidFrontendLaunchFileError(InvalidLaunchFileError):
    """A launch file in another language than Python."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


def load_python_launch_file_as_module(python_launch_file_path: str) -> ModuleType:
    """Execute a Python launch file and return its module; whatever it raises is raised here."""
    loader = SourceFileLoader("python_launch_file", python_launch_file_path)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def get_launch_description_from_python_launch_file(python_launch_file_path: str) -> LaunchDescription:
    """Return what the file's `generate_launch_description()` returns; whatever the file raises is raised here.

    Raises:
        InvalidPythonLaunchFileError: there is no such function, or it returns something else.
    """
    module = load_python_launch_file_as_module(python_launch_file_path)
    if not hasattr(module, _FUNCTION):
        raise InvalidPythonLaunchFileError(
            f"launch file at '{python_launch_file_path}' does not contain the required function '{_FUNCTION}()'"
        )
    description = getattr(module, _FUNCTION)()
    if not isinstance(description, LaunchDescription):
        raise InvalidPythonLaunchFileError(
            f"{_FUNCTION}() in '{python_launch_file_path}' returned {description!r}, not a LaunchDescription"
        )
    return description


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Load a launch file.

    Raises:
        InvalidFrontendLaunchFileError: it is in XML or YAML.
        InvalidLaunchFileError: it is missing, or something is raised while it is loaded; the message says where.
    """
    extension = os.path.splitext(launch_file_path)[1].lstrip(".")
    if extension in _FRONTENDS and os.path.isfile(launch_file_path):
        raise InvalidFrontendLaunchFileError(
            f"The launch file '{launch_file_path}' is in {_FRONTENDS[extension]}: only Python can be read here"
        )
    try:
        return get_launch_description_from_python_launch_file(launch_file_path)
    except Exception as error:
        # A launch file is a program of its own: anything may come out of it, and the user needs to know where it was.
        _add_place(error, launch_file_path)
        raise InvalidLaunchFileError(extension, likely_errors=[error]) from error


def _add_place(error: Exception, launch_file_path: str) -> None:
    """Tell in the error's text the last line of the launch file that it went through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == launch_file_path]
    if lines and len(error.args) == 1:
        error.args = (f"{error.args[0]} ({launch_file_path}, line {lines[-1]})",)


class AnyLaunchDescriptionSource(LaunchDescriptionSource):
    """A launch file of any format that can be read here, which is Python."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "interpreted launch file")

    def _get_launch_description(self, location: str) -> LaunchDescription:
        return get_launch_description_from_any_launch_file(location)


class PythonLaunchDescriptionSource(LaunchDescriptionSource):
    """A launch file in Python, whatever its name."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        super().__init__(None, launch_file_path, "interpreted python launch file")

    def _get_launch_description(self, location: str) -> LaunchDescription:
        return get_launch_description_from_python_launch_file(location)
