"""A launch description: what a launch file returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from . import logging
from .launch_context import LaunchContext
from .launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from .actions import DeclareLaunchArgument


class LaunchDescription(LaunchDescriptionEntity):
    """Entities to visit in order."""

    def __init__(
        self,
        initial_entities: Iterable[LaunchDescriptionEntity] | None = None,
        *,
        deprecated_reason: str | None = None,
    ) -> None:
        self.__entities = list(initial_entities or [])
        self.__deprecated_reason = deprecated_reason

    @property
    def entities(self) -> list[LaunchDescriptionEntity]:
        """The entities."""
        return self.__entities

    @property
    def deprecated(self) -> bool:
        """Whether this description should no longer be used."""
        return self.__deprecated_reason is not None

    @property
    def deprecated_reason(self) -> str | None:
        """Why not, and what to use in its place."""
        return self.__deprecated_reason

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        """Append an entity."""
        self.__entities.append(entity)

    def add_action(self, action: LaunchDescriptionEntity) -> None:
        """Append an action."""
        self.add_entity(action)

    def visit(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Yield the entities."""
        if self.__deprecated_reason is not None:
            where = context.get_locals_as_dict().get("current_launch_file_path", "description")
            logging.get_logger("launch").warning(f"launch file [{where}] is deprecated: {self.__deprecated_reason}")
        return self.__entities

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The entities."""
        return self.__entities

    def get_launch_arguments(self, conditional_inclusion: bool = False) -> list[DeclareLaunchArgument]:
        """Find the arguments declared here and in everything included, as far as known without a context.

        The first declaration of a name counts.
        """
        found: dict[str, DeclareLaunchArgument] = {}
        _collect_arguments(self.__entities, found, conditional=conditional_inclusion)
        return list(found.values())


def _collect_arguments(
    entities: Iterable[LaunchDescriptionEntity], found: dict[str, DeclareLaunchArgument], *, conditional: bool
) -> None:
    from .actions import DeclareLaunchArgument, ResetLaunchConfigurations

    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument) and entity.name not in found:
            entity._conditionally_included = conditional or entity.condition is not None
            found[entity.name] = entity
        if isinstance(entity, ResetLaunchConfigurations):
            return  # what is declared behind it cannot be set from outside
        _collect_arguments(entity.describe_sub_entities(), found, conditional=False)
        for _, sub_entities in entity.describe_conditional_sub_entities():
            _collect_arguments(sub_entities, found, conditional=True)
