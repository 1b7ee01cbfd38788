"""The event handlers of launch."""

from .on_action_event import OnActionEventBase, OnExecutionComplete, OnProcessExit, OnProcessIO, OnProcessStart
from .on_event import OnIncludeLaunchDescription, OnShutdown, event_named

__all__ = [
    "OnActionEventBase",
    "OnExecutionComplete",
    "OnIncludeLaunchDescription",
    "OnProcessExit",
    "OnProcessIO",
    "OnProcessStart",
    "OnShutdown",
    "event_named",
]
