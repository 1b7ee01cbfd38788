"""Time that jumps, sleeping by a clock, and rates."""

import threading
from typing import Any

import pytest
import rclpy
from rclpy.clock import Clock, ClockChange, ClockType, JumpThreshold, ROSClock, TimeJump
from rclpy.duration import Duration
from rclpy.exceptions import ROSInterruptException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.time import Time
from rclpy.time_source import TimeSource

ANY_JUMP = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))


def ros_time(seconds: float) -> Time:
    return Time(seconds=seconds, clock_type=ClockType.ROS_TIME)


@pytest.fixture
def source_and_clock() -> tuple[TimeSource, ROSClock]:
    """Make a clock that the test drives."""
    source, clock = TimeSource(), ROSClock()
    source.attach_clock(clock)
    source.ros_time_is_active = True
    return source, clock


def test_jumps_are_told_before_and_after(source_and_clock: tuple[TimeSource, ROSClock]) -> None:
    source, clock = source_and_clock
    seen: list[Any] = []
    clock.set_ros_time_override(ros_time(10))
    with clock.create_jump_callback(ANY_JUMP, pre_callback=lambda: seen.append(clock.now()), post_callback=seen.append):
        clock.set_ros_time_override(ros_time(4))
        source.ros_time_is_active = False
    clock.set_ros_time_override(ros_time(20))
    before, jump, _, change = seen
    assert before == ros_time(10)
    assert (jump.clock_change, jump.delta) == (ClockChange.ROS_TIME_NO_CHANGE, Duration(seconds=-6))
    assert change.clock_change == ClockChange.ROS_TIME_DEACTIVATED


def test_only_jumps_beyond_the_threshold_count(source_and_clock: tuple[TimeSource, ROSClock]) -> None:
    source, clock = source_and_clock
    jumps: list[TimeJump] = []
    threshold = JumpThreshold(min_forward=Duration(seconds=1), min_backward=None, on_clock_change=False)
    handle = clock.create_jump_callback(threshold, post_callback=jumps.append)
    for seconds in (0.5, 1.4, 2.4, 0.1):
        clock.set_ros_time_override(ros_time(seconds))
    source.ros_time_is_active = False
    assert [jump.delta for jump in jumps] == [Duration(seconds=1)]
    handle.unregister()


def test_senseless_thresholds_and_callbacks_are_refused() -> None:
    with pytest.raises(ValueError, match="min_forward"):
        JumpThreshold(min_forward=Duration(seconds=-1), min_backward=None)
    with pytest.raises(ValueError, match="min_backward"):
        JumpThreshold(min_forward=None, min_backward=Duration(seconds=1))
    with pytest.raises(ValueError, match="threshold"):
        JumpThreshold(min_forward=None, min_backward=None, on_clock_change=False)
    with pytest.raises(ValueError, match="callable"):
        Clock().create_jump_callback(ANY_JUMP)


def test_sleeping_by_a_simulated_clock_ends_when_its_time_comes(
    ros: None, source_and_clock: tuple[TimeSource, ROSClock]
) -> None:
    _, clock = source_and_clock
    results: list[bool] = []
    sleeper = threading.Thread(target=lambda: results.append(clock.sleep_until(ros_time(5))))
    sleeper.start()
    clock.set_ros_time_override(ros_time(4))
    assert not results
    clock.set_ros_time_override(ros_time(6))
    sleeper.join(timeout=30)
    assert results == [True]


def test_sleep_ends_with_the_source_of_time_and_with_the_context(
    ros: None, source_and_clock: tuple[TimeSource, ROSClock]
) -> None:
    source, clock = source_and_clock
    results: list[bool] = []
    for end in (lambda: setattr(source, "ros_time_is_active", False), rclpy.shutdown):
        source.ros_time_is_active = True
        sleeper = threading.Thread(target=lambda: results.append(clock.sleep_for(Duration(seconds=1e6))))
        sleeper.start()
        sleeper.join(timeout=0.2)
        assert sleeper.is_alive()
        end()
        sleeper.join(timeout=30)
    assert results == [False, False]


def test_steady_and_system_clocks_sleep(ros: None) -> None:
    for clock_type in (ClockType.STEADY_TIME, ClockType.SYSTEM_TIME):
        clock = Clock(clock_type=clock_type)
        before = clock.now()
        assert clock.sleep_for(Duration(seconds=0.02))
        assert clock.now() - before >= Duration(seconds=0.02)
    with pytest.raises(ValueError, match="clock type"):
        clock.sleep_until(ros_time(1))


def test_a_rate_ticks_until_it_is_destroyed_or_ros_ends(node: Node) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    rate, doomed = node.create_rate(100.0), node.create_rate(0.001)
    for _ in range(3):
        rate.sleep()
    errors: list[type[Exception]] = []

    def oversleep() -> None:
        try:
            doomed.sleep()
        except (RuntimeError, ROSInterruptException) as error:
            errors.append(type(error))

    sleeper = threading.Thread(target=oversleep)
    sleeper.start()
    sleeper.join(timeout=0.1)
    assert sleeper.is_alive()
    executor.shutdown()
    spinner.join(timeout=30)
    rclpy.shutdown()
    sleeper.join(timeout=30)
    assert errors == [ROSInterruptException]


def test_times_and_durations_compare_only_with_their_kind() -> None:
    with pytest.raises(TypeError):
        assert Time(seconds=1) == 1
    with pytest.raises(TypeError):
        assert Duration(seconds=1) == 1
    with pytest.raises(TypeError):
        assert Time(seconds=1) < Duration(seconds=2)
