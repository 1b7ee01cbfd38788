"""The substitutions of launch."""

from launch.substitution import SubstitutionFailure, TextSubstitution

from .anon_name import AnonName
from .boolean import AllSubstitution, AndSubstitution, AnySubstitution, NotSubstitution, OrSubstitution
from .command import Command
from .comparison import EqualsSubstitution, IfElseSubstitution, NotEqualsSubstitution
from .environment_variable import EnvironmentVariable
from .files import FileContent, FindExecutable, ThisLaunchFile, ThisLaunchFileDir
from .launch_configuration import LaunchConfiguration
from .local_substitution import LocalSubstitution
from .paths import PathJoinSubstitution, PathSubstitution, StringJoinSubstitution
from .python_expression import PythonExpression

__all__ = [
    "AllSubstitution",
    "AndSubstitution",
    "AnonName",
    "AnySubstitution",
    "Command",
    "EnvironmentVariable",
    "EqualsSubstitution",
    "FileContent",
    "FindExecutable",
    "IfElseSubstitution",
    "LaunchConfiguration",
    "LocalSubstitution",
    "NotEqualsSubstitution",
    "NotSubstitution",
    "OrSubstitution",
    "PathJoinSubstitution",
    "PathSubstitution",
    "PythonExpression",
    "StringJoinSubstitution",
    "SubstitutionFailure",
    "TextSubstitution",
    "ThisLaunchFile",
    "ThisLaunchFileDir",
]
