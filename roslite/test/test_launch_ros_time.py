"""The launch's own clock: timers by ROS time."""

from launch import LaunchContext
from launch.actions import OpaqueFunction
from launch_helpers import run
from launch_ros.actions import RosTimer, SetUseSimTime
from ros_helpers import Start

CLOCK = """
    import rclpy
    from rosgraph_msgs.msg import Clock

    rclpy.init()
    node = rclpy.create_node("clock")
    publisher = node.create_publisher(Clock, "/clock", 10)
    clock = Clock()

    def tick():
        clock.clock.sec += 10
        publisher.publish(clock)

    node.create_timer(0.1, tick)
    rclpy.spin(node)
"""


def test_a_timer_waits_by_the_systems_clock(ros_domain: int) -> None:
    seen = []
    note = OpaqueFunction(function=lambda context: seen.append(context.is_shutdown))
    assert run(RosTimer(period=0.2, actions=[note])) == 0
    assert seen == [False]


def test_a_timer_waits_by_the_simulations_clock(start: Start) -> None:
    start(CLOCK)
    seen = []

    def note(context: LaunchContext) -> None:
        seen.append("up")

    assert run(SetUseSimTime(True), RosTimer(period=100.0, actions=[OpaqueFunction(function=note)])) == 0
    assert seen == ["up"]
