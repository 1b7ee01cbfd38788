"""A Python expression over substituted text."""

from __future__ import annotations

import importlib
import math
from typing import Any

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class PythonExpression(Substitution):
    """The value of a Python expression as text; `math` and further modules are at hand.

    As in ROS 2, the expression is evaluated as code: a launch file is trusted with what it puts into it.
    """

    def __init__(self, expression: SomeSubstitutionsType, python_modules: SomeSubstitutionsType = ("math",)) -> None:
        self.__expression = normalize_to_list_of_substitutions(expression)
        self.__modules = normalize_to_list_of_substitutions(python_modules)

    @property
    def expression(self) -> list[Substitution]:
        """The expression."""
        return self.__expression

    @property
    def python_modules(self) -> list[Substitution]:
        """Modules that the expression may name."""
        return self.__modules

    def describe(self) -> str:
        """The expression, in ROS 2's words."""
        return f"PythonExpr({' + '.join(sub.describe() for sub in self.__expression)})"

    def perform(self, context: LaunchContext) -> str:
        """Evaluate the expression; whatever it raises is raised here."""
        names: dict[str, Any] = dict(vars(math))
        for module in self.__modules:
            name = context.perform_substitution(module)
            names[name] = importlib.import_module(name)
        return str(eval(perform_substitutions(context, self.__expression), {}, names))
