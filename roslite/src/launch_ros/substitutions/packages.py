"""Packages and their executables."""

from __future__ import annotations

import os
import shutil

from ament_index_python.packages import get_package_prefix, get_package_share_directory
from launch.launch_context import LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import (
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)


class FindPackage(Substitution):
    """A folder of a package; subclasses say which."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        self.__package = normalize_to_list_of_substitutions(package)

    @property
    def package(self) -> list[Substitution]:
        """The package's name."""
        return self.__package

    def find(self, package_name: str) -> str:
        """Return the folder.

        Raises:
            PackageNotFoundError: the package is not in the ament index.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """The name, in ROS 2's words."""
        return f"{type(self).__name__}(pkg={' + '.join(sub.describe() for sub in self.__package)})"

    def perform(self, context: LaunchContext) -> str:
        """Return the folder.

        Raises:
            PackageNotFoundError: the package is not in the ament index.
        """
        return self.find(perform_substitutions(context, self.__package))


class FindPackagePrefix(FindPackage):
    """The prefix that a package is installed under."""

    def find(self, package_name: str) -> str:
        """Return the prefix."""
        return get_package_prefix(package_name)


class FindPackageShare(FindPackage):
    """The share folder of a package: `<prefix>/share/<package>`."""

    def find(self, package_name: str) -> str:
        """Return the share folder."""
        return get_package_share_directory(package_name)


class ExecutableInPackage(FindPackagePrefix):
    """Path of an executable in a package's libexec folder: `<prefix>/lib/<package>/`."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        super().__init__(package)
        self.__executable = normalize_to_list_of_substitutions(executable)

    @property
    def executable(self) -> list[Substitution]:
        """The executable's name."""
        return self.__executable

    def perform(self, context: LaunchContext) -> str:
        """Return the path.

        Raises:
            PackageNotFoundError: the package is not in the ament index.
            SubstitutionFailure: it has no such executable.
        """
        executable = perform_substitutions(context, self.__executable)
        package = perform_substitutions(context, self.package)
        prefix = super().perform(context)
        libexec = os.path.join(prefix, "lib", package)
        if not os.path.isdir(libexec):
            raise SubstitutionFailure(
                f"package '{package}' found at '{prefix}', but libexec directory '{libexec}' does not exist"
            )
        path = shutil.which(executable, path=libexec)
        if path is None:
            raise SubstitutionFailure(f"executable '{executable}' not found on the libexec directory '{libexec}'")
        return path
