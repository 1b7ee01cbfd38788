"""ROS 2's launch extensions for nodes, as far as Python launch files use them."""

import importlib
from typing import TYPE_CHECKING, Any

from launch.module_names import add_module_names

from . import actions, descriptions, parameter_descriptions, substitutions, utilities

if TYPE_CHECKING:
    from . import event_handlers, events, ros_adapters

__all__ = [
    "actions",
    "descriptions",
    "event_handlers",
    "events",
    "parameter_descriptions",
    "ros_adapters",
    "substitutions",
    "utilities",
]

add_module_names(
    {
        "launch_ros.actions": {
            "launch_ros.actions.composable_nodes": "composable_node_container load_composable_nodes",
            "launch_ros.actions.ros_time": "ros_timer set_use_sim_time",
            "launch_ros.actions.scope": (
                "push_ros_namespace set_parameter set_parameters_from_file set_remap set_ros_log_dir"
            ),
        },
        "launch_ros.substitutions": {
            "launch_ros.substitutions.packages": "executable_in_package find_package",
        },
        "launch_ros.utilities": {
            "launch_ros.utilities.names": "namespace_utils normalize_remap_rule",
            "launch_ros.utilities.parameters": "evaluate_parameters normalize_parameters",
        },
    }
)


def __getattr__(name: str) -> Any:
    """Import what needs rclpy when it is asked for: few launch files do, and it takes longer than all the rest."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return importlib.import_module(f"{__name__}.{name}")
