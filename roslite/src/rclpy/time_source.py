"""Lets ``/clock`` drive clocks while the parameter ``use_sim_time`` of a node is set."""

import weakref
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType, ROSClock
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time

if TYPE_CHECKING:
    from rclpy.node import Node

CLOCK_TOPIC = "/clock"
USE_SIM_TIME_NAME = "use_sim_time"


class TimeSource:
    """Watches the parameter of a node, and ``/clock`` while it is true."""

    def __init__(self, *, node: "Node | None" = None) -> None:
        self._node: weakref.ref[Node] | None = None
        self._clocks: list[ROSClock] = []
        self._subscription: Any = None
        self._last_time = Time(clock_type=ClockType.ROS_TIME)
        self._ros_time_is_active = False
        if node is not None:
            self.attach_node(node)

    @property
    def ros_time_is_active(self) -> bool:
        """Whether ``/clock`` drives the clocks."""
        return self._ros_time_is_active

    @ros_time_is_active.setter
    def ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._ros_time_is_active:
            return
        self._ros_time_is_active = enabled
        for clock in self._clocks:
            clock._set_ros_time_is_active(enabled)
        if enabled:
            self._subscribe()
        else:
            self._unsubscribe()

    def attach_node(self, node: "Node") -> None:
        """Follow the parameter of a node, and no other's.

        Raises:
            TypeError: it is not a node.
        """
        from rclpy.node import Node

        if not isinstance(node, Node):
            raise TypeError("Node must be of type rclpy.node.Node")
        if self._node is not None:
            self.detach_node()
        self._node = weakref.ref(node)
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        parameter = node.get_parameter(USE_SIM_TIME_NAME)
        if parameter.type_ is Parameter.Type.BOOL:
            self.ros_time_is_active = parameter.value
            self._subscribe()
        else:
            node.get_logger().error(
                f"Invalid type for parameter '{USE_SIM_TIME_NAME}' {parameter.type_!r} should be bool"
            )
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def detach_node(self) -> None:
        """Follow the parameter of the node no more.

        Raises:
            RuntimeError: the node is gone, but not the subscription that it had for ``/clock``.
        """
        node = self._attached
        if node is None and self._subscription is not None:
            raise RuntimeError("Unable to destroy previously created clock subscription")
        if node is not None:
            self._unsubscribe()
            node.remove_on_set_parameters_callback(self._check)
            node.remove_post_set_parameters_callback(self._apply)
        self._node = None

    def attach_clock(self, clock: Clock) -> None:
        """Drive a clock.

        Raises:
            ValueError: it is not a clock of ROS time.
        """
        if not isinstance(clock, ROSClock):
            raise ValueError("Only clocks with type ROS_TIME can be attached.")
        clock.set_ros_time_override(self._last_time)
        clock._set_ros_time_is_active(self._ros_time_is_active)
        self._clocks.append(clock)

    @property
    def _attached(self) -> "Node | None":
        return None if self._node is None else self._node()

    def _subscribe(self) -> None:
        from rosgraph_msgs.msg import Clock as ClockMessage

        node = self._attached
        if self._ros_time_is_active and self._subscription is None and node is not None:
            qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._subscription = node.create_subscription(ClockMessage, CLOCK_TOPIC, self.clock_callback, qos)

    def _unsubscribe(self) -> None:
        node = self._attached
        if self._subscription is not None and node is not None:
            node.destroy_subscription(self._subscription)
            self._subscription = None

    def clock_callback(self, msg: Any) -> None:
        """Set the clocks to a message of ``/clock``."""
        self._last_time = Time.from_msg(msg.clock)
        for clock in self._clocks:
            clock.set_ros_time_override(self._last_time)

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
                self.ros_time_is_active = parameter.value
