"""What roslite's timers do when simulated time ends, which ROS 2 leaves open."""

from rclpy.clock import ClockType, ROSClock
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time import Time
from ros_helpers import spin_until


def ros_time(seconds: float) -> Time:
    return Time(seconds=seconds, clock_type=ClockType.ROS_TIME)


def test_a_timer_waits_for_the_rest_of_its_period_when_simulated_time_ends(node: Node) -> None:
    node.set_parameters([Parameter("use_sim_time", value=True)])
    clock = node.get_clock()
    assert isinstance(clock, ROSClock)
    clock.set_ros_time_override(ros_time(100))
    timer = node.create_timer(3600.0, lambda: None)
    clock.set_ros_time_override(ros_time(100 + 3599.98))
    ticks: list[int] = []
    timer.callback = lambda: ticks.append(1)
    node.set_parameters([Parameter("use_sim_time", value=False)])
    spin_until(node, lambda: ticks)
