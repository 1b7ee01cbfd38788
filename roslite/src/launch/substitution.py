"""Substitutions: text that is known only when the launch runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext
    from .some_substitutions_type import SomeSubstitutionsType


class SubstitutionFailure(RuntimeError):  # noqa: N818 (ROS 2's name)
    """A substitution has no value in this launch context."""


class Substitution:
    """Base of all substitutions: something a context turns into text."""

    def describe(self) -> str:
        """Text for people, without a context to evaluate in."""
        return f"{type(self).__name__}()"

    def perform(self, context: LaunchContext) -> str:
        """Return the text in this context.

        Raises:
            SubstitutionFailure: there is no value.
        """
        raise NotImplementedError


class TextSubstitution(Substitution):
    """Plain text as a substitution."""

    def __init__(self, *, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution expected Text object got '{type(text)}' instead.")
        self.__text = text

    @property
    def text(self) -> str:
        """The text."""
        return self.__text

    def describe(self) -> str:
        """The text in quotes."""
        return f"'{self.__text}'"

    def perform(self, context: LaunchContext) -> str:
        """Return the text."""
        return self.__text


def normalize_to_list_of_substitutions(subs: SomeSubstitutionsType) -> list[Substitution]:
    """Turn a string, a substitution, or an iterable of these into a list of substitutions.

    Raises:
        TypeError: an item is neither a string nor a substitution.
    """
    if isinstance(subs, (str, Substitution)):
        return [_normalize_one(subs)]
    return [_normalize_one(item) for item in subs]


def _normalize_one(item: object) -> Substitution:
    if isinstance(item, Substitution):
        return item
    if isinstance(item, str):
        return TextSubstitution(text=item)
    raise TypeError(f"Failed to normalize given item of type '{type(item)}', when only 'str' or 'Substitution' allowed")


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Evaluate substitutions in a context and join the results."""
    return "".join(context.perform_substitution(sub) for sub in subs)
