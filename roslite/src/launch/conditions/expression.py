"""Conditions on text that says true or false."""

from __future__ import annotations

from collections.abc import Iterable

from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions

_TRUE = ("true", "1")
_FALSE = ("false", "0")


class InvalidConditionExpressionError(Exception):
    """Text that should say true or false says something else."""


def evaluate_condition_expression(context: LaunchContext, expression: Iterable[Substitution]) -> bool:
    """Read substituted text as true ('true', '1') or false ('false', '0'), in any case.

    Raises:
        InvalidConditionExpressionError: it is neither.
    """
    text = perform_substitutions(context, expression)
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise InvalidConditionExpressionError(
        f"invalid condition expression, expected one of {[*_TRUE, *_FALSE]} but got '{text}'"
    )


class IfCondition(Condition):
    """Holds when the text says true."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self.__expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=self._predicate_func)

    def _predicate_func(self, context: LaunchContext) -> bool:
        """Evaluate, and remember nothing; launch files of others call it."""
        return evaluate_condition_expression(context, self.__expression)

    def describe(self) -> str:
        """The expression, in ROS 2's words."""
        return f"IfCondition({' + '.join(sub.describe() for sub in self.__expression)})"


class UnlessCondition(Condition):
    """Holds when the text says false."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self.__expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=self._predicate_func)

    def _predicate_func(self, context: LaunchContext) -> bool:
        """Evaluate, and remember nothing; launch files of others call it."""
        return not evaluate_condition_expression(context, self.__expression)

    def describe(self) -> str:
        """The expression, in ROS 2's words."""
        return f"UnlessCondition({' + '.join(sub.describe() for sub in self.__expression)})"
