"""Groups of actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from launch.action import Action
from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_substitutions_type import SomeSubstitutionsType

from .configuration import (
    PopLaunchConfigurations,
    PushLaunchConfigurations,
    ResetLaunchConfigurations,
    SetLaunchConfiguration,
)
from .environment import PopEnvironment, PushEnvironment, ResetEnvironment


class GroupAction(Action):
    """Actions under one condition, and in a scope of their own for configurations and environment."""

    def __init__(
        self,
        actions: Iterable[LaunchDescriptionEntity],
        *,
        scoped: bool = True,
        forwarding: bool = True,
        launch_configurations: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        condition: Condition | None = None,
    ) -> None:
        """Create the group.

        Args:
            actions: the actions.
            scoped: what they change in configurations and environment ends with the group.
            forwarding: a scoped group sees the configurations and environment from outside.
            launch_configurations: configurations to set for the group.
            condition: whether the group is carried out.
        """
        super().__init__(condition=condition)
        self.__actions = list(actions)
        self.__scoped = scoped
        self.__forwarding = forwarding
        self.__launch_configurations = launch_configurations or {}

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The actions, within those that make the scope."""
        settings = [SetLaunchConfiguration(name, value) for name, value in self.__launch_configurations.items()]
        if not self.__scoped:
            return [*settings, *self.__actions]
        start: list[Action] = [PushLaunchConfigurations(), PushEnvironment()]
        if self.__forwarding:
            start += settings
        else:
            start += [ResetEnvironment(), ResetLaunchConfigurations(self.__launch_configurations)]
        return [*start, *self.__actions, PopEnvironment(), PopLaunchConfigurations()]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Yield the actions."""
        return self.get_sub_entities()
