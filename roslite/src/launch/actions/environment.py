"""Actions on the environment of the launch, which its processes inherit."""

from __future__ import annotations

import os

from launch.action import Action
from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions
from launch.utilities import normalize_typed_substitution, perform_typed_substitution


class _VariableAction(Action):
    def __init__(
        self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, *, condition: Condition | None = None
    ) -> None:
        super().__init__(condition=condition)
        self._name = normalize_to_list_of_substitutions(name)
        self._value = normalize_to_list_of_substitutions(value)

    @property
    def name(self) -> list[Substitution]:
        """The variable's name."""
        return self._name

    @property
    def value(self) -> list[Substitution]:
        """The value."""
        return self._value


class SetEnvironmentVariable(_VariableAction):
    """Set an environment variable."""

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        name = perform_substitutions(context, self._name)
        context.environment[name] = perform_substitutions(context, self._value)


class AppendEnvironmentVariable(_VariableAction):
    """Append to an environment variable, or set it; a separator goes between."""

    def __init__(
        self,
        name: SomeSubstitutionsType,
        value: SomeSubstitutionsType,
        prepend: bool | SomeSubstitutionsType = False,
        separator: SomeSubstitutionsType = os.pathsep,
        *,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(name, value, condition=condition)
        self.__prepend = normalize_typed_substitution(prepend, bool)
        self.__separator = normalize_to_list_of_substitutions(separator)

    def execute(self, context: LaunchContext) -> None:
        """Append."""
        name = perform_substitutions(context, self._name)
        parts = [perform_substitutions(context, self._value)]
        if name in context.environment:
            prepend = perform_typed_substitution(context, self.__prepend, bool)
            parts.insert(len(parts) if prepend else 0, context.environment[name])
        context.environment[name] = perform_substitutions(context, self.__separator).join(parts)


class UnsetEnvironmentVariable(Action):
    """Remove an environment variable if it is set."""

    def __init__(self, name: SomeSubstitutionsType, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        """Remove it."""
        context.environment.pop(perform_substitutions(context, self.__name), None)


class PushEnvironment(Action):
    """Remember the environment."""

    def execute(self, context: LaunchContext) -> None:
        """Remember it."""
        context._push_environment()


class PopEnvironment(Action):
    """Return to the environment remembered last."""

    def execute(self, context: LaunchContext) -> None:
        """Return to it."""
        context._pop_environment()


class ResetEnvironment(Action):
    """Return to the environment that the launch started with."""

    def execute(self, context: LaunchContext) -> None:
        """Return to it."""
        context._reset_environment()
