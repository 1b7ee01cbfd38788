"""The type of arguments that may be one action or several."""

from collections.abc import Iterable

from .action import Action
from .launch_description_entity import SomeEntitiesType as SomeActionsType

SomeActionsType_types_tuple = (Action, Iterable)

__all__ = ["SomeActionsType", "SomeActionsType_types_tuple"]
