"""The events of launch."""

from . import matchers, process
from .basic import ExecutionComplete, IncludeLaunchDescription, Shutdown, TimerEvent
from .matchers import matches_action

__all__ = [
    "ExecutionComplete",
    "IncludeLaunchDescription",
    "Shutdown",
    "TimerEvent",
    "matchers",
    "matches_action",
    "process",
]
