"""Actions on launch configurations."""

from __future__ import annotations

from collections.abc import Mapping

from launch.action import Action
from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class SetLaunchConfiguration(Action):
    """Set a launch configuration."""

    def __init__(
        self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, *, condition: Condition | None = None
    ) -> None:
        super().__init__(condition=condition)
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = normalize_to_list_of_substitutions(value)

    @property
    def name(self) -> list[Substitution]:
        """The name."""
        return self.__name

    @property
    def value(self) -> list[Substitution]:
        """The value."""
        return self.__value

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        name = perform_substitutions(context, self.__name)
        context.launch_configurations[name] = perform_substitutions(context, self.__value)


class UnsetLaunchConfiguration(Action):
    """Remove a launch configuration if it is set."""

    def __init__(self, name: SomeSubstitutionsType, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        """Remove it."""
        context.launch_configurations.pop(perform_substitutions(context, self.__name), None)


class PushLaunchConfigurations(Action):
    """Remember the launch configurations."""

    def execute(self, context: LaunchContext) -> None:
        """Remember them."""
        context._push_launch_configurations()


class PopLaunchConfigurations(Action):
    """Return to the launch configurations remembered last."""

    def execute(self, context: LaunchContext) -> None:
        """Return to them."""
        context._pop_launch_configurations()


class ResetLaunchConfigurations(Action):
    """Remove all launch configurations but the given ones, evaluated beforehand."""

    def __init__(
        self,
        launch_configurations: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        *,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.__kept = [
            (normalize_to_list_of_substitutions(name), normalize_to_list_of_substitutions(value))
            for name, value in (launch_configurations or {}).items()
        ]

    def execute(self, context: LaunchContext) -> None:
        """Remove them."""
        kept = {
            perform_substitutions(context, name): perform_substitutions(context, value) for name, value in self.__kept
        }
        context.launch_configurations.clear()
        context.launch_configurations.update(kept)
