"""Actions on the clock of the launch itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from launch import Action, Condition, LaunchContext
from launch.actions import TimerAction


class SetUseSimTime(Action):
    """Make the launch's own node, and with it its `RosTimer`s, take its time from /clock or not."""

    def __init__(self, value: bool, *, condition: Condition | None = None) -> None:
        super().__init__(condition=condition)
        self.__value = value

    @property
    def value(self) -> bool:
        """Whether it does."""
        return self.__value

    def execute(self, context: LaunchContext) -> None:
        """Set the parameter of the node."""
        from launch_ros.ros_adapters import get_ros_node
        from rclpy.parameter import Parameter

        node = get_ros_node(context)
        if node is not None:
            node.set_parameters([Parameter("use_sim_time", Parameter.Type.BOOL, self.__value)])


class RosTimer(TimerAction):
    """Visit actions after a time by ROS's clock; see `SetUseSimTime` for which that is."""

    def _call_later(self, context: LaunchContext, period: float, function: Callable[[], None]) -> None:
        from launch_ros.ros_adapters import get_ros_node

        node = get_ros_node(context)
        if node is None:
            return
        loop = asyncio.get_running_loop()

        def time_is_up() -> None:
            timer.cancel()
            loop.call_soon_threadsafe(function)

        timer = node.create_timer(period, time_is_up)


ROSTimer = RosTimer
