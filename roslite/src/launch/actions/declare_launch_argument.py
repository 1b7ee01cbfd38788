"""Launch arguments."""

from __future__ import annotations

from collections.abc import Sequence

from launch.action import Action
from launch.condition import Condition
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class DeclareLaunchArgument(Action):
    """Declare an argument of the launch file: given as `name:=value`, read by `LaunchConfiguration(name)`."""

    def __init__(
        self,
        name: str,
        *,
        default_value: SomeSubstitutionsType | None = None,
        description: str | None = None,
        choices: Sequence[str] | None = None,
        condition: Condition | None = None,
    ) -> None:
        """Declare the argument.

        Args:
            name: its name.
            default_value: what it is when not given; without one it is required.
            description: text for `--show-args`.
            choices: the values allowed, any when None.
            condition: whether it is declared.

        Raises:
            RuntimeError: there are no choices, or the default is none of them.
        """
        super().__init__(condition=condition)
        self.__name = name
        self.__default_value = None if default_value is None else normalize_to_list_of_substitutions(default_value)
        self.__choices = choices
        if choices is not None and not choices:
            raise RuntimeError("Provided choices arg is empty. Use None to ignore the choice list.")
        if choices is not None and isinstance(default_value, str) and default_value not in choices:
            raise RuntimeError(f'Provided default_value "{default_value}" is not in provided choices "{choices}".')
        self.__description = _describe(description, self.__choices)
        self._conditionally_included = False

    @property
    def name(self) -> str:
        """The name."""
        return self.__name

    @property
    def default_value(self) -> list[Substitution] | None:
        """The default, None for a required argument."""
        return self.__default_value

    @property
    def description(self) -> str:
        """The description with the choices."""
        return self.__description

    @property
    def choices(self) -> Sequence[str] | None:
        """The values allowed, None for any."""
        return self.__choices

    def execute(self, context: LaunchContext) -> None:
        """Give the argument its default if it has no value, and check its value.

        Raises:
            RuntimeError: it is required and missing, or none of the choices.
        """
        configurations = context.launch_configurations
        if self.__name not in configurations:
            if self.__default_value is None:
                raise RuntimeError(f'Required launch argument "{self.__name}" was not provided.')
            configurations[self.__name] = perform_substitutions(context, self.__default_value)
        value = configurations[self.__name]
        if self.__choices is not None and value not in self.__choices:
            raise RuntimeError(
                f'Argument "{self.__name}" provided value "{value}" is not valid. Valid options are: {self.__choices}'
            )


def _describe(description: str | None, choices: Sequence[str] | None) -> str:
    if choices is None:
        return "no description given" if description is None else description
    if description is None:
        return f"One of: {choices}"
    return f"{description.removesuffix('.')}. Valid choices are: {choices}"
