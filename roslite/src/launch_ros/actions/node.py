"""Nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from launch import LaunchContext, logging
from launch.actions import ExecuteProcess
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.parameter_descriptions import write_parameter_file
from launch_ros.substitutions import ExecutableInPackage
from launch_ros.utilities.names import (
    make_namespace_absolute,
    normalize_remap_rules,
    prefix_namespace,
    validate_namespace,
    validate_node_name,
)
from launch_ros.utilities.parameters import EvaluatedParameters, evaluate_parameters, normalize_parameters

from .scope import NAMESPACE, PARAMETERS, REMAPS


class Node(ExecuteProcess):
    """Run an executable of a package as a ROS node; see `launch.actions.ExecuteLocal` for how it is run."""

    UNSPECIFIED_NODE_NAME = "<node_name_unspecified>"
    UNSPECIFIED_NODE_NAMESPACE = "<node_namespace_unspecified>"

    def __init__(
        self,
        *,
        executable: SomeSubstitutionsType,
        package: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        namespace: SomeSubstitutionsType | None = None,
        exec_name: SomeSubstitutionsType | None = None,
        parameters: Iterable[Any] | None = None,
        remappings: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
        ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        """Describe the node.

        Args:
            executable: name of the executable in the package, or path of one if no package is given.
            package: the package.
            name: the node's name, in place of the one in its code.
            namespace: the node's namespace; a relative one goes below that of `PushRosNamespace`.
            exec_name: the process's label in the log, default the executable's name.
            parameters: dictionaries of parameters, which may nest and hold substitutions, and parameter files; what
                comes later wins.
            remappings: pairs of names, from and to.
            ros_arguments: arguments behind `--ros-args`.
            arguments: arguments before it.
            kwargs: what `ExecuteProcess` takes.
        """
        first = executable if package is None else [ExecutableInPackage(executable=executable, package=package)]
        cmd = [first, *(arguments or ())]
        if ros_arguments is not None:
            cmd += ["--ros-args", *ros_arguments]
        super().__init__(cmd=cmd, name=exec_name, **kwargs)
        self.__package = package
        self.__executable = executable
        self.__node_name = None if name is None else normalize_to_list_of_substitutions(name)
        self.__namespace = None if namespace is None else normalize_to_list_of_substitutions(namespace)
        self.__parameters = normalize_parameters(parameters or ())
        self.__remappings = list(normalize_remap_rules(remappings or ()))
        self.__final_name: str | None = None
        self.__expanded_namespace = self.UNSPECIFIED_NODE_NAMESPACE
        self.__expanded_remappings: list[tuple[str, str]] = []

    @property
    def node_package(self) -> SomeSubstitutionsType | None:
        """The package."""
        return self.__package

    @property
    def node_executable(self) -> SomeSubstitutionsType:
        """The executable."""
        return self.__executable

    @property
    def node_name(self) -> str:
        """The fully qualified name, with `<...unspecified>` for parts that the node itself decides.

        Raises:
            RuntimeError: the action has not been carried out yet.
        """
        if self.__final_name is None:
            raise RuntimeError("cannot access 'node_name' before executing action")
        return self.__final_name

    @property
    def expanded_node_namespace(self) -> str:
        """The namespace."""
        return self.__expanded_namespace

    @property
    def expanded_remapping_rules(self) -> list[tuple[str, str]]:
        """The remappings."""
        return self.__expanded_remappings

    def is_node_name_fully_specified(self) -> bool:
        """Whether name and namespace are both given."""
        return "unspecified>" not in self.node_name

    def prepare(self, context: LaunchContext) -> None:
        """Evaluate the substitutions, and add the arguments that tell the node its name, parameters and remappings.

        Raises:
            ValueError: name or namespace is not valid.
        """
        ros_arguments = ["--ros-args", *self.__name_arguments(context)]
        for argument in self.__parameter_arguments(context):
            ros_arguments += argument
        self.__expanded_remappings = [
            *context.launch_configurations.get(REMAPS, ()),
            *(
                (perform_substitutions(context, source), perform_substitutions(context, target))
                for source, target in self.__remappings
            ),
        ]
        for source, target in self.__expanded_remappings:
            ros_arguments += ["-r", f"{source}:={target}"]
        self.process_description.cmd.extend(normalize_to_list_of_substitutions(item) for item in ros_arguments)
        super().prepare(context)

    def __name_arguments(self, context: LaunchContext) -> list[str]:
        arguments: list[str] = []
        name = self.UNSPECIFIED_NODE_NAME
        if self.__node_name is not None:
            name = perform_substitutions(context, self.__node_name)
            validate_node_name(name)
            arguments += ["-r", f"__node:={name}"]
        namespace = self.__evaluated_namespace(context)
        if namespace is not None:
            validate_namespace(namespace)
            self.__expanded_namespace = namespace
            arguments += ["-r", f"__ns:={namespace}"]
        self.__final_name = f"{self.__expanded_namespace.rstrip('/')}/{name}"
        return arguments

    def __evaluated_namespace(self, context: LaunchContext) -> str | None:
        own: list[Substitution] | None = self.__namespace
        namespace = None if own is None else perform_substitutions(context, own)
        return make_namespace_absolute(prefix_namespace(context.launch_configurations.get(NAMESPACE), namespace))

    def __parameter_arguments(self, context: LaunchContext) -> Iterator[list[str]]:
        """Those that hold for all nodes first, so that the node's own win."""
        for item in context.launch_configurations.get(PARAMETERS, ()):
            if isinstance(item, tuple):
                yield ["-p", f"{item[0]}:={_as_yaml(item[1])}"]
            else:
                yield from self.__file_arguments([Path(item)])
        yield from self.__file_arguments(evaluate_parameters(context, self.__parameters))

    def __file_arguments(self, parameters: EvaluatedParameters) -> Iterator[list[str]]:
        for item in parameters:
            path = item if isinstance(item, Path) else self.__write(item)
            if not path.is_file():
                logging.get_logger("launch_ros.actions.node").warning(f"Parameter file path is not a file: {path}")
                continue
            yield ["--params-file", str(path)]

    def __write(self, parameters: dict[str, Any]) -> Path:
        target = self.node_name if self.is_node_name_fully_specified() else "/**"
        return write_parameter_file(yaml.safe_dump({target: {"ros__parameters": parameters}}))


def _as_yaml(value: Any) -> str:
    """A value on one line, as `-p name:=value` takes it."""
    in_a_list = yaml.safe_dump([value], default_flow_style=True, width=math.inf)
    return in_a_list.strip()[1:-1]
