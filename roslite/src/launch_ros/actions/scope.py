"""Actions that hold for every node behind them, until the end of their group."""

from __future__ import annotations

from typing import Any

from launch import Action, Condition, LaunchContext
from launch.actions import SetEnvironmentVariable
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.utilities.names import make_namespace_absolute, prefix_namespace, validate_namespace
from launch_ros.utilities.parameters import evaluate_parameter_dict, normalize_parameter_dict

# Launch configurations that hold what these actions set; ROS 2's names.
NAMESPACE = "ros_namespace"
PARAMETERS = "global_params"
REMAPS = "ros_remaps"


def _append(context: LaunchContext, key: str, *items: Any) -> None:
    """Append to a list in the configurations without changing the list that an outer scope holds."""
    context.launch_configurations[key] = [*context.launch_configurations.get(key, ()), *items]


class PushRosNamespace(Action):
    """Put nodes into a namespace; a relative one goes below the namespace that holds already."""

    def __init__(self, namespace: SomeSubstitutionsType, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__namespace = normalize_to_list_of_substitutions(namespace)

    def execute(self, context: LaunchContext) -> None:
        """Set the namespace.

        Raises:
            ValueError: it is not valid.
        """
        pushed = perform_substitutions(context, self.__namespace)
        namespace = make_namespace_absolute(prefix_namespace(context.launch_configurations.get(NAMESPACE), pushed))
        assert namespace is not None
        validate_namespace(namespace)
        context.launch_configurations[NAMESPACE] = namespace


PushROSNamespace = PushRosNamespace


class SetParameter(Action):
    """Set a parameter of all nodes; their own parameters win over it."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__parameter = normalize_parameter_dict({tuple(normalize_to_list_of_substitutions(name)): value})

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        _append(context, PARAMETERS, *evaluate_parameter_dict(context, self.__parameter).items())


class SetParametersFromFile(Action):
    """Give all nodes a parameter file."""

    def __init__(self, filename: SomeSubstitutionsType, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__filename = normalize_to_list_of_substitutions(filename)

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        _append(context, PARAMETERS, perform_substitutions(context, self.__filename))


class SetRemap(Action):
    """Remap a name in all nodes."""

    def __init__(
        self, src: SomeSubstitutionsType, dst: SomeSubstitutionsType, *, condition: Condition | None = None
    ) -> None:
        super().__init__(condition=condition)
        self.__src = normalize_to_list_of_substitutions(src)
        self.__dst = normalize_to_list_of_substitutions(dst)

    def execute(self, context: LaunchContext) -> None:
        """Set it."""
        _append(
            context, REMAPS, (perform_substitutions(context, self.__src), perform_substitutions(context, self.__dst))
        )


class SetROSLogDir(SetEnvironmentVariable):
    """Set the folder for the log files of nodes."""

    def __init__(self, new_log_dir: SomeSubstitutionsType, *, condition: Condition | None = None) -> None:
        super().__init__("ROS_LOG_DIR", new_log_dir, condition=condition)
