"""Inclusion of launch files."""

from __future__ import annotations

import os
from collections.abc import Iterable

from launch.action import Action
from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_source import LaunchDescriptionSource
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import normalize_to_list_of_substitutions, perform_substitutions

from .configuration import SetLaunchConfiguration

_LOCALS = ("current_launch_file_path", "current_launch_file_directory")


class _Return(LaunchDescriptionEntity):
    """Goes back to the including launch file's path."""

    def __init__(self, outside: dict[str, str]) -> None:
        self.__outside = outside

    def visit(self, context: LaunchContext) -> None:
        """Restore the locals."""
        context.extend_locals(self.__outside)


class IncludeLaunchDescription(Action):
    """Include a launch description with arguments. Its scope is that of the including one, unless in a group."""

    def __init__(
        self,
        launch_description_source: LaunchDescriptionSource | SomeSubstitutionsType,
        *,
        launch_arguments: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        self.__source = launch_description_source
        self.__launch_arguments = tuple(launch_arguments or ())

    @property
    def launch_description_source(self) -> LaunchDescriptionSource:
        """Where the description comes from."""
        return self.__source

    @property
    def launch_arguments(self) -> tuple[tuple[SomeSubstitutionsType, SomeSubstitutionsType], ...]:
        """Names and values of the arguments."""
        return self.__launch_arguments

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The description, if it can be known without a context."""
        description = self.__source.try_get_launch_description_without_context()
        return [] if description is None else [description]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Load the description, and yield its arguments and it.

        Raises:
            RuntimeError: a required argument is missing.
        """
        description = self.__source.get_launch_description(context)
        location = self.__source.location
        path = os.path.abspath(location)
        folder = os.path.dirname(path) if os.path.exists(path) else location
        outside = context.get_locals_as_dict()
        context.extend_locals(dict(zip(_LOCALS, (path, folder), strict=True)))
        self.__check_arguments(context, description)
        settings = [SetLaunchConfiguration(name, value) for name, value in self.__launch_arguments]
        return [*settings, description, _Return({key: outside[key] for key in _LOCALS if key in outside})]

    def __check_arguments(self, context: LaunchContext, description: LaunchDescription) -> None:
        given = {
            perform_substitutions(context, normalize_to_list_of_substitutions(name))
            for name, _ in self.__launch_arguments
        } | _names_set_inside(description.entities)
        for argument in description.get_launch_arguments():
            optional = argument._conditionally_included or argument.default_value is not None
            if not optional and argument.name not in given:
                raise RuntimeError(
                    f"Included launch description missing required argument '{argument.name}' "
                    f"(description: '{argument.description}'), given: [{', '.join(sorted(given))}]"
                )


def _names_set_inside(entities: Iterable[LaunchDescriptionEntity]) -> set[str]:
    """Plain names of arguments that includes inside of a description give to what they include."""
    names: set[str] = set()
    for entity in entities:
        if isinstance(entity, IncludeLaunchDescription):
            names.update(name for name, _ in entity.launch_arguments if isinstance(name, str))
        names |= _names_set_inside(entity.describe_sub_entities())
    return names
