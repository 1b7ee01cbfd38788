"""Helpers shared by actions and substitutions, and used by extensions of launch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType
from launch.substitution import normalize_to_list_of_substitutions, perform_substitutions

from .type_utils import normalize_typed_substitution, perform_typed_substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = [
    "create_future",
    "ensure_argument_type",
    "is_a",
    "is_a_subclass",
    "normalize_to_list_of_entities",
    "normalize_to_list_of_substitutions",
    "normalize_typed_substitution",
    "perform_substitutions",
    "perform_typed_substitution",
    "visit_all_entities_and_collect_futures",
]


def is_a(obj: object, entity_type: type) -> bool:
    """Whether the object is an instance of the type."""
    return isinstance(obj, entity_type)


def is_a_subclass(obj: object, entity_type: type) -> bool:
    """Whether the object is an instance, or the class a subclass, of the type."""
    return isinstance(obj, entity_type) or (isinstance(obj, type) and issubclass(obj, entity_type))


def ensure_argument_type(
    argument: object, types: type | Iterable[type], argument_name: str, caller: str | None = None
) -> None:
    """Raise TypeError unless the argument is an instance of one of the types."""
    allowed = (types,) if isinstance(types, type) else tuple(types)
    if isinstance(argument, allowed):
        return
    where = "" if caller is None else f" {caller}"
    names = ", ".join(str(allowed_type) for allowed_type in allowed)
    raise TypeError(
        f"{where} expected '{argument_name}' to be one of [{names}], but got '{argument}' of type '{type(argument)}'"
    )


def normalize_to_list_of_entities(entities: SomeEntitiesType | Iterable[Any]) -> list[LaunchDescriptionEntity]:
    """Flatten an entity or nested iterables of entities into a list."""
    if isinstance(entities, LaunchDescriptionEntity):
        return [entities]
    return [entity for item in entities for entity in normalize_to_list_of_entities(item)]


def create_future(loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
    """Return a new future of the loop."""
    return loop.create_future()


def visit_all_entities_and_collect_futures(
    entity: LaunchDescriptionEntity, context: LaunchContext
) -> list[tuple[LaunchDescriptionEntity, asyncio.Future[None]]]:
    """Visit an entity and all that it yields, depth first, and return those that have work going on, with its end."""
    sub_entities = entity.visit(context)
    future = entity.get_asyncio_future()
    found = [] if future is None else [(entity, future)]
    for sub_entity in sub_entities or ():
        found += visit_all_entities_and_collect_futures(sub_entity, context)
    return found
