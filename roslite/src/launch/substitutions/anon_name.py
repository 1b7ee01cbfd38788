"""Names that are unique to one run."""

from __future__ import annotations

import os
import random
import socket

from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions


class AnonName(Substitution):
    """A name made unique by host, process and chance; the same name gives the same result within one launch."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        """The name, in ROS 2's words."""
        return f"AnonName({' + '.join(sub.describe() for sub in self.__name)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the unique name."""
        name = perform_substitutions(context, self.__name)
        key = f"anon{name}"
        if key not in context.launch_configurations:
            unique = f"{name}_{socket.gethostname()}_{os.getpid()}_{random.randrange(2**63)}"
            context.launch_configurations[key] = "".join(char if char.isalnum() else "_" for char in unique)
        value: str = context.launch_configurations[key]
        return value
