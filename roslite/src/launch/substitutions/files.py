"""Executables, launch files and the contents of files."""

from __future__ import annotations

import shutil
from pathlib import Path

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)


class FindExecutable(Substitution):
    """Path of an executable on PATH."""

    def __init__(self, *, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        """The name, in ROS 2's words."""
        return f"FindExec({' + '.join(sub.describe() for sub in self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Search PATH.

        Raises:
            SubstitutionFailure: nothing executable of that name is there.
        """
        name = perform_substitutions(context, self.__name)
        path = shutil.which(name)
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path


class FileContent(Substitution):
    """Contents of a text file (from ROS 2 Jazzy on)."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        self.__path = normalize_to_list_of_substitutions(path)

    def perform(self, context: LaunchContext) -> str:
        """Read the file.

        Raises:
            SubstitutionFailure: it cannot be read.
        """
        path = perform_substitutions(context, self.__path)
        try:
            return Path(path).read_text()
        except OSError as error:
            raise SubstitutionFailure(f"Failed to open substitution file '{path}': {error.strerror}") from error


class ThisLaunchFile(Substitution):
    """Path of the launch file being run."""

    def describe(self) -> str:
        """The substitution's name."""
        return "ThisLaunchFile()"

    def perform(self, context: LaunchContext) -> str:
        """Return the path."""
        return _current_launch_file(context, "current_launch_file_path")


class ThisLaunchFileDir(Substitution):
    """Folder of the launch file being run."""

    def describe(self) -> str:
        """The substitution's name."""
        return "ThisLaunchFileDir()"

    def perform(self, context: LaunchContext) -> str:
        """Return the folder."""
        return _current_launch_file(context, "current_launch_file_directory")


def _current_launch_file(context: LaunchContext, key: str) -> str:
    values = context.get_locals_as_dict()
    if key not in values:
        raise SubstitutionFailure("ThisLaunchFile and ThisLaunchFileDir are only known inside of a launch file")
    return str(values[key])
