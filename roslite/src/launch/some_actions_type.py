"""The type of arguments that may be one action or several."""

from .launch_description_entity import SomeEntitiesType as SomeActionsType

__all__ = ["SomeActionsType"]
