"""The value of a launch argument or other launch configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)


class LaunchConfiguration(Substitution):
    """The launch configuration of this name, or the default."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any | Iterable[Any] | None = None) -> None:
        self.__variable_name = normalize_to_list_of_substitutions(variable_name)
        self.__default = None if default is None else _as_substitutions(default)

    @property
    def variable_name(self) -> list[Substitution]:
        """The name."""
        return self.__variable_name

    def describe(self) -> str:
        """The name, in ROS 2's words."""
        return f"LaunchConfig({' + '.join(sub.describe() for sub in self.__variable_name)})"

    def perform(self, context: LaunchContext) -> str:
        """Look the configuration up.

        Raises:
            SubstitutionFailure: it is not set and there is no default.
        """
        name = perform_substitutions(context, self.__variable_name)
        if name in context.launch_configurations:
            value: str = context.launch_configurations[name]
            return value
        if self.__default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self.__default)


def _as_substitutions(default: Any) -> list[Substitution]:
    items = [default] if isinstance(default, (str, Substitution)) or not isinstance(default, Iterable) else default
    return normalize_to_list_of_substitutions(
        item if isinstance(item, (str, Substitution)) else str(item) for item in items
    )
