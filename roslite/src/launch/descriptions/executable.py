"""What to run: command, name, working directory, environment."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions
from launch.substitutions import LaunchConfiguration

if TYPE_CHECKING:
    from launch.action import Action

_process_numbers = itertools.count(1)


class Executable:
    """An executable with its arguments; `prepare` evaluates its substitutions into `final_...`."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        additional_env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
    ) -> None:
        """Describe the executable.

        Args:
            cmd: the executable and its arguments.
            prefix: commands to run it under, such as a debugger; default: launch configuration `launch-prefix`, for
                executables that match `launch-prefix-filter`.
            name: the process's label, default the executable's file name; a number is added.
            cwd: working directory, default that of the launch.
            env: its whole environment, default that of the launch.
            additional_env: variables to add to it.
            arguments: further arguments.
        """
        self.__cmd = [normalize_to_list_of_substitutions(part) for part in (*cmd, *(arguments or ()))]
        self.__prefix = None if prefix is None else normalize_to_list_of_substitutions(prefix)
        self.__name = None if name is None else normalize_to_list_of_substitutions(name)
        self.__cwd = None if cwd is None else normalize_to_list_of_substitutions(cwd)
        self.__env = None if env is None else _pairs(env)
        self.__additional_env = _pairs(additional_env or {})
        self.__final_cmd: list[str] | None = None
        self.__final_name: str | None = None
        self.__final_cwd: str | None = None
        self.__final_env: dict[str, str] | None = None

    @property
    def cmd(self) -> list[list[Substitution]]:
        """The command; what is added before `prepare` becomes part of it."""
        return self.__cmd

    @property
    def name(self) -> list[Substitution] | None:
        """The label as given."""
        return self.__name

    @property
    def cwd(self) -> list[Substitution] | None:
        """The working directory as given."""
        return self.__cwd

    @property
    def env(self) -> Pairs | None:
        """The whole environment as given, None for that of the launch."""
        return self.__env

    @property
    def additional_env(self) -> Pairs:
        """The variables that are added to it, as given."""
        return self.__additional_env

    @property
    def final_cmd(self) -> list[str] | None:
        """The command with its prefix, None before `prepare`."""
        return self.__final_cmd

    @property
    def final_name(self) -> str | None:
        """The label with its number, None before `prepare`."""
        return self.__final_name

    @property
    def final_cwd(self) -> str | None:
        """The working directory, None for that of the launch and before `prepare`."""
        return self.__final_cwd

    @property
    def final_env(self) -> dict[str, str] | None:
        """The environment, None before `prepare`."""
        return self.__final_env

    def prepare(self, context: LaunchContext, action: Action) -> None:
        """Evaluate the substitutions in the context."""
        cmd = [perform_substitutions(context, part) for part in self.__cmd]
        self.__final_cmd = self.__prefix_for(context, cmd[0]) + cmd
        executable = os.path.basename(self.__final_cmd[0])
        name = executable if self.__name is None else perform_substitutions(context, self.__name)
        self.__final_name = f"{name}-{next(_process_numbers)}"
        self.__final_cwd = None if self.__cwd is None else perform_substitutions(context, self.__cwd)
        env = dict(context.environment) if self.__env is None else _evaluated(context, self.__env)
        self.__final_env = {**env, **_evaluated(context, self.__additional_env)}

    def __prefix_for(self, context: LaunchContext, executable: str) -> list[str]:
        if self.__prefix is not None:
            return shlex.split(perform_substitutions(context, self.__prefix))
        pattern = LaunchConfiguration("launch-prefix-filter", default="").perform(context)
        if not re.match(pattern, os.path.basename(executable)):
            return []
        return shlex.split(LaunchConfiguration("launch-prefix", default="").perform(context))


Pairs = list[tuple[list[Substitution], list[Substitution]]]


def _pairs(variables: Mapping[SomeSubstitutionsType, SomeSubstitutionsType]) -> Pairs:
    return [
        (normalize_to_list_of_substitutions(name), normalize_to_list_of_substitutions(value))
        for name, value in variables.items()
    ]


def _evaluated(context: LaunchContext, pairs: Pairs) -> dict[str, str]:
    return {perform_substitutions(context, name): perform_substitutions(context, value) for name, value in pairs}
