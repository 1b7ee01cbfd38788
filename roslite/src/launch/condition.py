"""Conditions decide whether an action is carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Condition:
    """A predicate over the launch context, asked when the action is visited."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        self._predicate = predicate
        self.__last_evaluation: bool | None = None

    def describe(self) -> str:
        """Text for people."""
        return repr(self)

    def evaluate(self, context: LaunchContext) -> bool:
        """Ask the predicate and remember its answer; without a predicate it is False."""
        self.__last_evaluation = self._predicate is not None and self._predicate(context)
        return self.__last_evaluation

    @property
    def last_evaluation(self) -> bool | None:
        """The latest answer, None before the first."""
        return self.__last_evaluation
