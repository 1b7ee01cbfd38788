"""Kinds of clocks."""

from enum import IntEnum


class ClockType(IntEnum):
    """What a clock shows: ROS time (the system's unless simulated), the system's, or a steady count."""

    UNINITIALIZED = 0
    ROS_TIME = 1
    SYSTEM_TIME = 2
    STEADY_TIME = 3
