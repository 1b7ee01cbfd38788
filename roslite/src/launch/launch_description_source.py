"""Where a launch description comes from."""

from __future__ import annotations

from . import logging
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .some_substitutions_type import SomeSubstitutionsType
from .substitution import normalize_to_list_of_substitutions, perform_substitutions


class LaunchDescriptionSource:
    """A launch description with its location; subclasses load it from there when it is needed."""

    def __init__(
        self,
        launch_description: LaunchDescription | None = None,
        location: SomeSubstitutionsType = "<string>",
        method: str = "unspecified mechanism from a script",
    ) -> None:
        self.__launch_description = launch_description
        self.__location = normalize_to_list_of_substitutions(location)
        self.__expanded_location: str | None = None
        self.__method = method

    @property
    def location(self) -> str:
        """The location; its description in words before it is known."""
        if self.__expanded_location is None:
            return " + ".join(sub.describe() for sub in self.__location)
        return self.__expanded_location

    @property
    def method(self) -> str:
        """How the description is made, in words."""
        return self.__method

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Return the description, loaded if necessary; whatever the launch file raises is raised here."""
        if self.__expanded_location is None:
            self.__expanded_location = perform_substitutions(context, self.__location)
        if self.__launch_description is None:
            self.__launch_description = self._get_launch_description(self.__expanded_location)
        return self.__launch_description

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Return the description if its location is known without a context and holds one, else None."""
        if self.__launch_description is not None:
            return self.__launch_description
        try:
            return self._get_launch_description(perform_substitutions(LaunchContext(), self.__location))
        except Exception as error:
            # A look ahead only: the file may never be included, and if it is, its error comes then.
            logging.get_logger("launch").debug(f"cannot look into {self.location} beforehand: {error}")
            return None

    def _get_launch_description(self, location: str) -> LaunchDescription:
        raise RuntimeError(f"LaunchDescriptionSource '{location}' was created without a launch description")
