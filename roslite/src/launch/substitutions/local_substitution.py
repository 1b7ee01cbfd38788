"""A local of the launch context, such as the event being handled."""

from __future__ import annotations

import re

from launch.launch_context import LaunchContext
from launch.substitution import Substitution, SubstitutionFailure

_STEP = re.compile(r"\.?(\w+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")


class LocalSubstitution(Substitution):
    """A member of `context.locals` by an expression of names, attributes and items: `event.action`, `args['name']`."""

    def __init__(self, expression: str, *, description: str | None = None) -> None:
        self.__expression = expression
        self.__description = description

    @property
    def expression(self) -> str:
        """The expression."""
        return self.__expression

    def describe(self) -> str:
        """The expression or its description, in ROS 2's words."""
        return f"LocalVar('{self.__description or self.__expression}')"

    def perform(self, context: LaunchContext) -> str:
        """Look the local up.

        Raises:
            SubstitutionFailure: the expression does not lead to a value.
        """
        value: object = context.get_locals_as_dict()
        end = 0
        for step in _STEP.finditer(self.__expression):
            if step.start() != end:
                break
            value = self.__follow(value, step, first=end == 0)
            end = step.end()
        if end != len(self.__expression):
            raise SubstitutionFailure(f"cannot read local '{self.__expression}' beyond character {end}")
        return str(value)

    def __follow(self, value: object, step: re.Match[str], *, first: bool) -> object:
        attribute, single, double, index = step.groups()
        try:
            if attribute is not None and not first:
                return getattr(value, attribute)
            key = next(part for part in (attribute, single, double, index) if part is not None)
            return value[int(key) if key is index else key]  # type: ignore[index]
        except (AttributeError, LookupError, TypeError) as error:
            raise SubstitutionFailure(f"local '{self.__expression}' does not exist in the launch context") from error
