"""Text joined from components: paths, and whatever else has a delimiter."""

from __future__ import annotations

import os
from collections.abc import Iterable

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class StringJoinSubstitution(Substitution):
    """Components with a delimiter between (from ROS 2 Kilted on); each may itself be a list."""

    def __init__(self, substitutions: Iterable[SomeSubstitutionsType], delimiter: SomeSubstitutionsType = "") -> None:
        self.__components = [normalize_to_list_of_substitutions(item) for item in substitutions]
        self.__delimiter = normalize_to_list_of_substitutions(delimiter)

    @property
    def substitutions(self) -> list[list[Substitution]]:
        """The components."""
        return self.__components

    @property
    def delimiter(self) -> list[Substitution]:
        """The text between."""
        return self.__delimiter

    def perform(self, context: LaunchContext) -> str:
        """Join the components."""
        components = (perform_substitutions(context, component) for component in self.__components)
        return perform_substitutions(context, self.__delimiter).join(components)


class PathJoinSubstitution(Substitution):
    """Path components joined by the system's separator; each may itself be a list (from ROS 2 Kilted on)."""

    def __init__(self, substitutions: Iterable[SomeSubstitutionsType]) -> None:
        self.__components = [normalize_to_list_of_substitutions(item) for item in substitutions]

    @property
    def substitutions(self) -> list[list[Substitution]]:
        """The components."""
        return self.__components

    def __truediv__(self, component: SomeSubstitutionsType) -> PathJoinSubstitution:
        """Append a component."""
        return PathJoinSubstitution([*self.__components, component])

    def describe(self) -> str:
        """The components, in ROS 2's words."""
        parts = (" + ".join(sub.describe() for sub in component) for component in self.__components)
        return f"PathJoin('{' + '.join(parts)}')"

    def perform(self, context: LaunchContext) -> str:
        """Join the components."""
        return os.path.join(*(perform_substitutions(context, component) for component in self.__components))


class PathSubstitution(PathJoinSubstitution):
    """A path to go on from with `/` (from ROS 2 Kilted on): `PathSubstitution(folder) / "maps" / name`."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        super().__init__(normalize_to_list_of_substitutions(path))
