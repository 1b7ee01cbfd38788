"""The parameter services of a node."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import rclpy
import yaml
from rcl_interfaces.msg import Parameter, ParameterDescriptor, ParameterType, ParameterValue, SetParametersResult
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.node import Node

from ros2cli.command import CommandError
from ros2cli.graph import SOUGHT_FOR_S, add_node_arguments

FIELDS = {
    ParameterType.PARAMETER_BOOL: ("bool_value", "Boolean value is:", "boolean"),
    ParameterType.PARAMETER_INTEGER: ("integer_value", "Integer value is:", "integer"),
    ParameterType.PARAMETER_DOUBLE: ("double_value", "Double value is:", "double"),
    ParameterType.PARAMETER_STRING: ("string_value", "String value is:", "string"),
    ParameterType.PARAMETER_BYTE_ARRAY: ("byte_array_value", "Byte values are:", "byte array"),
    ParameterType.PARAMETER_BOOL_ARRAY: ("bool_array_value", "Boolean values are:", "boolean array"),
    ParameterType.PARAMETER_INTEGER_ARRAY: ("integer_array_value", "Integer values are:", "integer array"),
    ParameterType.PARAMETER_DOUBLE_ARRAY: ("double_array_value", "Double values are:", "double array"),
    ParameterType.PARAMETER_STRING_ARRAY: ("string_array_value", "String values are:", "string array"),
}
"""Of each type: the field that holds the value, the words before it, the type's name."""

_SCALARS = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
}
_ARRAYS = {
    bool: ParameterType.PARAMETER_BOOL_ARRAY,
    int: ParameterType.PARAMETER_INTEGER_ARRAY,
    float: ParameterType.PARAMETER_DOUBLE_ARRAY,
    str: ParameterType.PARAMETER_STRING_ARRAY,
}


def add_owner_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that name the node whose parameters are meant."""
    add_node_arguments(parser)
    parser.add_argument("node_name", help="Name of the ROS node")
    parser.add_argument(
        "--include-hidden-nodes", action="store_true", help="Consider hidden nodes as well, as it is done anyway"
    )


def _call(node: Node, full_name: str, service: str, srv_type: Any, request: Any) -> Any:
    client = node.create_client(srv_type, f"{full_name}/{service}")
    if not client.wait_for_service(timeout_sec=SOUGHT_FOR_S):
        raise CommandError(f"Wait for service timed out: '{full_name}/{service}'")
    future = client.call_async(request)
    rclpy.spin_until_future_complete(node, future, timeout_sec=SOUGHT_FOR_S)
    if not future.done():
        raise CommandError(f"'{full_name}/{service}' gave no answer within {SOUGHT_FOR_S:g} s: does the node spin?")
    node.destroy_client(client)
    return future.result()


def list_parameters(node: Node, full_name: str, prefixes: Iterable[str] = ()) -> list[str]:
    """Return the names of a node's parameters, sorted."""
    request = ListParameters.Request(prefixes=list(prefixes))
    return sorted(_call(node, full_name, "list_parameters", ListParameters, request).result.names)


def get_parameters(node: Node, full_name: str, names: list[str]) -> list[ParameterValue]:
    """Return values of a node's parameters; none at all if one of them is not declared."""
    return list(_call(node, full_name, "get_parameters", GetParameters, GetParameters.Request(names=names)).values)


def describe_parameters(node: Node, full_name: str, names: list[str]) -> list[ParameterDescriptor]:
    """Return descriptors of a node's parameters; none at all if one of them is not declared."""
    request = DescribeParameters.Request(names=names)
    return list(_call(node, full_name, "describe_parameters", DescribeParameters, request).descriptors)


def set_parameters(node: Node, full_name: str, parameters: list[Parameter]) -> list[SetParametersResult]:
    """Set a node's parameters, each by itself, and return the results."""
    request = SetParameters.Request(parameters=parameters)
    return list(_call(node, full_name, "set_parameters", SetParameters, request).results)


def python_value(value: ParameterValue) -> Any:
    """Return what a parameter value holds; None if it is not set."""
    if value.type not in FIELDS:
        return None
    held = getattr(value, FIELDS[value.type][0])
    return held if isinstance(held, (bool, int, float, str)) else list(held)


def parameter_value(value: Any) -> ParameterValue:
    """Make a parameter value of a bool, int, float, str, or list of one of these; others become text."""
    if type(value) in _SCALARS:
        kind = _SCALARS[type(value)]
    elif value == []:
        kind = ParameterType.PARAMETER_BOOL_ARRAY  # as ROS 2 has it: nothing tells of what type the elements are
    elif isinstance(value, list) and len({type(item) for item in value}) == 1 and type(value[0]) in _ARRAYS:
        kind = _ARRAYS[type(value[0])]
    else:
        kind, value = ParameterType.PARAMETER_STRING, str(value)
    return ParameterValue(type=kind, **{FIELDS[kind][0]: value})


def parse_value(text: str) -> ParameterValue:
    """Read a parameter value as YAML; text that is no YAML is itself."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return parameter_value(text)
    if isinstance(value, list) and len({type(item) for item in value} & _ARRAYS.keys()) != 1 and value:
        return parameter_value(text)
    return parameter_value(value if isinstance(value, (bool, int, float, str, list)) else text)
