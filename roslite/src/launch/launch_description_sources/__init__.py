"""Sources of launch descriptions: launch files."""

from launch.invalid_launch_file_error import InvalidLaunchFileError

from .launch_files import (
    AnyLaunchDescriptionSource,
    InvalidFrontendLaunchFileError,
    InvalidPythonLaunchFileError,
    PythonLaunchDescriptionSource,
    get_launch_description_from_any_launch_file,
    get_launch_description_from_python_launch_file,
    load_python_launch_file_as_module,
)

__all__ = [
    "AnyLaunchDescriptionSource",
    "InvalidFrontendLaunchFileError",
    "InvalidLaunchFileError",
    "InvalidPythonLaunchFileError",
    "PythonLaunchDescriptionSource",
    "get_launch_description_from_any_launch_file",
    "get_launch_description_from_python_launch_file",
    "load_python_launch_file_as_module",
]
