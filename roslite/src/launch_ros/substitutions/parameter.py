"""Parameters that hold for all nodes."""

from __future__ import annotations

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)


class Parameter(Substitution):
    """The value that `SetParameter` has set for all nodes."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    @property
    def name(self) -> list[Substitution]:
        """The parameter's name."""
        return self.__name

    def describe(self) -> str:
        """The name, in ROS 2's words."""
        return f"Parameter(name={' + '.join(sub.describe() for sub in self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Look the parameter up.

        Raises:
            SubstitutionFailure: it is not set.
        """
        name = perform_substitutions(context, self.__name)
        for item in context.launch_configurations.get("global_params", ()):
            if isinstance(item, tuple) and item[0] == name:
                return str(item[1])
        raise SubstitutionFailure(f"parameter '{name}' not found")
