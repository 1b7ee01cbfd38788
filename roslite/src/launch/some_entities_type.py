"""The type of arguments that may be one entity or several."""

from .launch_description_entity import SomeEntitiesType

__all__ = ["SomeEntitiesType"]
