"""Comparison and choice (from ROS 2 Jazzy on)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from launch.conditions.expression import evaluate_condition_expression
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class EqualsSubstitution(Substitution):
    """'true' if both sides are equal: as numbers where both are numbers, else as text."""

    def __init__(self, left: Any | Iterable[Any] | None, right: Any | Iterable[Any] | None) -> None:
        self.__left = _operand(left)
        self.__right = _operand(right)

    def perform(self, context: LaunchContext) -> str:
        """Compare."""
        return str(self._equal(context)).lower()

    def _equal(self, context: LaunchContext) -> bool:
        left = perform_substitutions(context, self.__left)
        right = perform_substitutions(context, self.__right)
        if left == right:
            return True
        try:
            return math.isclose(float(left), float(right))
        except ValueError:
            truths = {"true": True, "false": False}
            return left.lower() in truths and truths.get(left.lower()) is truths.get(right.lower())


class NotEqualsSubstitution(EqualsSubstitution):
    """'true' if the sides differ."""

    def perform(self, context: LaunchContext) -> str:
        """Compare."""
        return str(not self._equal(context)).lower()


class IfElseSubstitution(Substitution):
    """One of two values, by a condition."""

    def __init__(
        self,
        condition: SomeSubstitutionsType,
        if_value: SomeSubstitutionsType = "",
        else_value: SomeSubstitutionsType = "",
    ) -> None:
        self.__condition = normalize_to_list_of_substitutions(condition)
        self.__if_value = normalize_to_list_of_substitutions(if_value)
        self.__else_value = normalize_to_list_of_substitutions(else_value)

    def perform(self, context: LaunchContext) -> str:
        """Evaluate the condition, then the value it chooses."""
        holds = evaluate_condition_expression(context, self.__condition)
        return perform_substitutions(context, self.__if_value if holds else self.__else_value)


def _operand(value: Any) -> list[Substitution]:
    if value is None:
        return []
    if isinstance(value, (str, Substitution)) or not isinstance(value, Iterable):
        value = [value]
    return normalize_to_list_of_substitutions(
        item if isinstance(item, (str, Substitution)) else str(item) for item in value
    )
