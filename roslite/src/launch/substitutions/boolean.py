"""Logic over substitutions that read as booleans; results are 'true' or 'false'."""

from __future__ import annotations

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, SubstitutionFailure, normalize_to_list_of_substitutions
from launch.utilities import perform_typed_substitution


def _truth(context: LaunchContext, value: list[Substitution]) -> bool:
    try:
        return bool(perform_typed_substitution(context, value, bool))
    except (TypeError, ValueError) as error:
        raise SubstitutionFailure(str(error)) from error


class NotSubstitution(Substitution):
    """Negation."""

    def __init__(self, value: SomeSubstitutionsType) -> None:
        self.__value = normalize_to_list_of_substitutions(value)

    def perform(self, context: LaunchContext) -> str:
        """Evaluate."""
        return str(not _truth(context, self.__value)).lower()


class AllSubstitution(Substitution):
    """True if every value is."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        self.__values = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """Evaluate all values."""
        truths = [_truth(context, value) for value in self.__values]
        return str(all(truths)).lower()


class AnySubstitution(Substitution):
    """True if any value is."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        self.__values = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """Evaluate all values."""
        truths = [_truth(context, value) for value in self.__values]
        return str(any(truths)).lower()


class AndSubstitution(AllSubstitution):
    """True if both values are."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        super().__init__(left, right)


class OrSubstitution(AnySubstitution):
    """True if either value is."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        super().__init__(left, right)
