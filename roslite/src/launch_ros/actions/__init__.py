"""The actions of launch_ros."""

from typing import TYPE_CHECKING, Any

from .composable_nodes import ComposableNodeContainer, LoadComposableNodes
from .node import Node
from .ros_time import ROSTimer, RosTimer, SetUseSimTime
from .scope import (
    PushROSNamespace,
    PushRosNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
    SetROSLogDir,
)

if TYPE_CHECKING:
    from .lifecycle_node import LifecycleNode

__all__ = [
    "ComposableNodeContainer",
    "LifecycleNode",
    "LoadComposableNodes",
    "Node",
    "PushROSNamespace",
    "PushRosNamespace",
    "ROSTimer",
    "RosTimer",
    "SetParameter",
    "SetParametersFromFile",
    "SetROSLogDir",
    "SetRemap",
    "SetUseSimTime",
]


def __getattr__(name: str) -> Any:
    """Import what needs rclpy when it is asked for: few launch files do, and it takes longer than all the rest."""
    if name != "LifecycleNode":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from .lifecycle_node import LifecycleNode

    return LifecycleNode
