"""Parameters that explain themselves, refuse bad values with the reason, and take effect while the node runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter


@dataclass(frozen=True)
class Live:
    """How a new value of a live parameter is checked (raising ValueError) and then applied."""

    apply: Callable[[Any], None]
    check: Callable[[Any], None] = lambda value: None


def declare_number(
    node: Node, name: str, default: float, description: str, low: float, high: float, live: bool = False
) -> float:
    """Declare a float parameter with its range and return its value."""
    value_range = FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)
    return float(_declare(node, name, float(default), description, live, floating_point_range=[value_range]))


def declare_count(
    node: Node, name: str, default: int, description: str, low: int, high: int, live: bool = False
) -> int:
    """Declare an integer parameter with its range and return its value."""
    value_range = IntegerRange(from_value=low, to_value=high, step=1)
    return int(_declare(node, name, default, description, live, integer_range=[value_range]))


def declare_text(node: Node, name: str, default: str, description: str, live: bool = False) -> str:
    """Declare a string parameter and return its value."""
    return str(_declare(node, name, default, description, live))


def declare_texts(node: Node, name: str, default: Sequence[str], description: str) -> list[str]:
    """Declare a parameter that is a list of strings and return its value."""
    return [str(item) for item in _declare(node, name, list(default), description, live=False)]


def declare_numbers(
    node: Node, name: str, default: Sequence[float], description: str, live: bool = False
) -> list[float]:
    """Declare a parameter that is a list of floats and return its value."""
    return [float(item) for item in _declare(node, name, [float(item) for item in default], description, live)]


def declare_flag(node: Node, name: str, default: bool, description: str, live: bool = False) -> bool:
    """Declare a boolean parameter and return its value."""
    return bool(_declare(node, name, default, description, live))


def declare_live_numbers(node: Node, numbers: Sequence[tuple[object, str, str, float, float]]) -> dict[str, Live]:
    """Declare float parameters that are attributes of objects, and return how new values reach them.

    Args:
        node: Where they are declared.
        numbers: owner, whose value is the default; name of attribute and parameter; description with unit; lowest;
            highest.
    """
    live = {}
    for owner, name, description, low, high in numbers:
        setattr(owner, name, declare_number(node, name, getattr(owner, name), description, low, high, live=True))
        live[name] = Live(functools.partial(setattr, owner, name))
    return live


def apply_while_running(
    node: Node, live: Mapping[str, Live], check_together: Callable[[Mapping[str, Any]], None] = lambda values: None
) -> None:
    """Apply the named parameters when they are set; of a group set at once, all or none.

    Args:
        node: Where they are declared.
        live: How each is checked and applied.
        check_together: Raises ValueError if the new values, by name, do not go with each other or with the others.
    """

    def on_set(parameters: list[Parameter]) -> SetParametersResult:
        changes = [(live[parameter.name], parameter) for parameter in parameters if parameter.name in live]
        for change, parameter in changes:
            try:
                _check_finite(parameter.value)
                change.check(parameter.value)
            except ValueError as error:
                return SetParametersResult(successful=False, reason=f"{parameter.name}={parameter.value}: {error}")
        try:
            check_together({parameter.name: parameter.value for _, parameter in changes})
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        for change, parameter in changes:
            change.apply(parameter.value)
            node.get_logger().info(f"{parameter.name} is now {parameter.value}")
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


def _declare(node: Node, name: str, default: Any, description: str, live: bool, **ranges: Any) -> Any:
    descriptor = ParameterDescriptor(description=description, read_only=not live, **ranges)
    return node.declare_parameter(name, default, descriptor).value


def _check_finite(value: Any) -> None:
    # A range check by comparison lets NaN through.
    values = [value] if isinstance(value, float) else value if isinstance(value, Sequence) else []
    if any(isinstance(each, float) and not math.isfinite(each) for each in values):
        raise ValueError("must be a finite number")
