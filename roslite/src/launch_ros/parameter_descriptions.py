"""Descriptions of parameters for nodes."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

import yaml
from launch.frontend import parse_substitution
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)
from launch.utilities import normalize_typed_substitution, perform_typed_substitution


@cache
def _files() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="launch_params_")


class ParameterValue:
    """A parameter's value, with the type that a substitution is to be read as."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        """Describe the value.

        Args:
            value: a value or a substitution.
            value_type: `int`, `float`, `bool`, `str` or a `List` of one of these; None: by YAML's rules.

        Raises:
            TypeError: the value is not of the type.
        """
        self.__value = normalize_typed_substitution(value, value_type)
        self.__value_type = value_type

    @property
    def value(self) -> Any:
        """The value, not evaluated."""
        return self.__value

    @property
    def value_type(self) -> Any:
        """The type, None for YAML's rules."""
        return self.__value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """Return the value in this context.

        Raises:
            ValueError: the substituted text is not of the type.
        """
        return perform_typed_substitution(context, self.__value, self.__value_type)


class Parameter:
    """A parameter's name and value."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *, value_type: Any = None) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = ParameterValue(value, value_type=value_type)

    @property
    def name(self) -> list[Substitution]:
        """The name, not evaluated."""
        return self.__name

    @property
    def value(self) -> Any:
        """The value, not evaluated."""
        return self.__value.value

    @property
    def value_type(self) -> Any:
        """The type, None for YAML's rules."""
        return self.__value.value_type

    def evaluate(self, context: LaunchContext) -> tuple[str, Any]:
        """Return name and value in this context."""
        return perform_substitutions(context, self.__name), self.__value.evaluate(context)


class ParameterFile:
    """A YAML file of parameters, which may hold substitutions."""

    def __init__(
        self,
        param_file: PathLike[str] | SomeSubstitutionsType,
        *,
        allow_substs: bool | SomeSubstitutionsType = False,
    ) -> None:
        """Describe the file.

        Args:
            param_file: its path.
            allow_substs: replace substitutions in it, such as `$(var name default)`, `$(env NAME)` and
                `$(find-pkg-share pkg)`; see `launch.frontend`.
        """
        path = os.fspath(param_file) if isinstance(param_file, PathLike) else param_file
        self.__param_file = normalize_to_list_of_substitutions(path)
        self.__allow_substs = normalize_typed_substitution(allow_substs, bool)

    @property
    def param_file(self) -> Any:
        """The path, not evaluated."""
        return self.__param_file

    @property
    def allow_substs(self) -> Any:
        """Whether substitutions in the file are replaced, not evaluated."""
        return self.__allow_substs

    def evaluate(self, context: LaunchContext) -> Path:
        """Return the path of the file, or of a copy in which the substitutions are replaced.

        Raises:
            SubstitutionFailure: a substitution in it cannot be read or has no value, or the copy is not valid YAML.
        """
        path = Path(perform_substitutions(context, self.__param_file))
        if not perform_typed_substitution(context, self.__allow_substs, bool):
            return path
        text = perform_substitutions(context, parse_substitution(path.read_text()))
        try:
            yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SubstitutionFailure(f"The substituted parameter file is not a valid yaml file: {path}") from error
        return write_parameter_file(text)


def write_parameter_file(text: str) -> Path:
    """Write a parameter file that lasts as long as this process."""
    with tempfile.NamedTemporaryFile("w", dir=_files().name, suffix=".yaml", delete=False) as file:
        file.write(text)
    return Path(file.name)
