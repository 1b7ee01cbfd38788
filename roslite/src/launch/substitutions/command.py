"""The output of a command."""

from __future__ import annotations

import shlex
import subprocess

from launch import logging
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)

_ON_STDERR = ("fail", "ignore", "warn", "capture")


class Command(Substitution):
    """What a command prints on its standard output, for example xacro."""

    def __init__(self, command: SomeSubstitutionsType, *, on_stderr: SomeSubstitutionsType = "fail") -> None:
        """Create the substitution.

        Args:
            command: split by the rules of a shell after its substitutions are performed.
            on_stderr: what output on stderr does: 'fail', 'ignore', 'warn', or 'capture' (joins the result).
        """
        self.__command = normalize_to_list_of_substitutions(command)
        self.__on_stderr = normalize_to_list_of_substitutions(on_stderr)

    def describe(self) -> str:
        """The command, in ROS 2's words."""
        return f"Command({' + '.join(sub.describe() for sub in self.__command)})"

    def perform(self, context: LaunchContext) -> str:
        """Run the command and wait for it.

        Raises:
            SubstitutionFailure: it is missing, fails, or prints to stderr where that is a failure.
        """
        command = perform_substitutions(context, self.__command)
        on_stderr = perform_substitutions(context, self.__on_stderr)
        if on_stderr not in _ON_STDERR:
            raise SubstitutionFailure(f"expected 'on_stderr' to be one of {_ON_STDERR}, got '{on_stderr}'")
        stderr = subprocess.STDOUT if on_stderr == "capture" else subprocess.PIPE
        try:
            result = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)
        except FileNotFoundError as error:
            raise SubstitutionFailure(f"file not found: {error}") from error
        if result.returncode != 0:
            raise SubstitutionFailure(f"executed command failed. Command: {command}\n{result.stderr or ''}".rstrip())
        if result.stderr and on_stderr in ("fail", "warn"):
            message = f"executed command showed stderr output. Command: {command}\n{result.stderr}"
            if on_stderr == "fail":
                raise SubstitutionFailure(message)
            logging.get_logger("launch").warning(message)
        return result.stdout
