"""ROS 2's launch extensions for nodes, as far as Python launch files use them."""

import importlib
from typing import TYPE_CHECKING, Any

from . import actions, parameter_descriptions, substitutions, utilities

if TYPE_CHECKING:
    from . import event_handlers, events, ros_adapters

__all__ = [
    "actions",
    "event_handlers",
    "events",
    "parameter_descriptions",
    "ros_adapters",
    "substitutions",
    "utilities",
]


def __getattr__(name: str) -> Any:
    """Import what needs rclpy when it is asked for: few launch files do, and it takes longer than all the rest."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return importlib.import_module(f"{__name__}.{name}")
