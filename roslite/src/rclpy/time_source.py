"""Lets ``/clock`` drive the clock of a node while its parameter ``use_sim_time`` is set."""

from typing import TYPE_CHECKING, Any

from rclpy.clock import ROSClock
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time

if TYPE_CHECKING:
    from rclpy.node import Node

CLOCK_TOPIC = "/clock"
USE_SIM_TIME_NAME = "use_sim_time"


class TimeSource:
    """Watches the parameter of a node, and ``/clock`` while it is true."""

    def __init__(self, node: "Node", clock: ROSClock) -> None:
        self._node = node
        self._clock = clock
        self._subscription: Any = None
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        value = node.get_parameter(USE_SIM_TIME_NAME).value
        if not isinstance(value, bool):
            raise ValueError(f"Invalid type for parameter '{USE_SIM_TIME_NAME}' {value!r} should be bool")
        self._follow(value)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def _check(self, parameters: list[Parameter]) -> Any:
        from rcl_interfaces.msg import SetParametersResult

        for parameter in parameters:
            if parameter.name == USE_SIM_TIME_NAME and parameter.type_ is not Parameter.Type.BOOL:
                reason = f"'{USE_SIM_TIME_NAME}' parameter set to something besides a bool"
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[Parameter]) -> None:
        for parameter in parameters:
            if parameter.name == USE_SIM_TIME_NAME:
                self._follow(parameter.value)

    def _follow(self, enabled: bool) -> None:
        from rosgraph_msgs.msg import Clock as ClockMessage

        self._clock._set_ros_time_is_active(enabled)
        if enabled and self._subscription is None:
            qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._subscription = self._node.create_subscription(ClockMessage, CLOCK_TOPIC, self._on_clock, qos)
        elif not enabled and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _on_clock(self, message: Any) -> None:
        self._clock.set_ros_time_override(Time.from_msg(message.clock))
