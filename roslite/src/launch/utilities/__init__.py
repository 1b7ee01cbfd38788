"""Helpers shared by actions and substitutions, and used by extensions of launch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launch.launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType
from launch.substitution import normalize_to_list_of_substitutions, perform_substitutions

from .type_utils import normalize_typed_substitution, perform_typed_substitution

__all__ = [
    "ensure_argument_type",
    "is_a",
    "is_a_subclass",
    "normalize_to_list_of_entities",
    "normalize_to_list_of_substitutions",
    "normalize_typed_substitution",
    "perform_substitutions",
    "perform_typed_substitution",
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
