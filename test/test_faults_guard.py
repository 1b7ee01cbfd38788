"""Faults of what the guard hears: of the arm's readings, of whoever commands it, of the e-stop and of parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from fault_checks import assert_fault_stops_the_arm, assert_goes_on, assert_safe
from fault_stack import Stack, stack_of
from sensor_msgs.msg import JointState

from arvla_ros.msg import ArmCommand

STATE_TIMEOUT_S = COMMAND_TIMEOUT_S = 0.5


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("guard")) as stack:
        stack.start("guard", state_timeout_s=STATE_TIMEOUT_S, command_timeout_s=COMMAND_TIMEOUT_S)
        stack.wait_for_guard()
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Stack:
    shared.begin()
    shared.swing.running = True
    return shared


# Joint states


def silent(reading: JointState) -> None:
    return None


def failed_bus_read(reading: JointState) -> JointState:
    reading.position = [-math.pi] * len(reading.name)
    return reading


def without_the_elbow(reading: JointState) -> JointState:
    index = reading.name.index("elbow")
    reading.name = [name for name in reading.name if name != "elbow"]
    reading.position = [*reading.position[:index], *reading.position[index + 1 :]]
    return reading


def of_another_arm(reading: JointState) -> JointState:
    reading.name = [f"joint_{index}" for index in range(len(reading.name))]
    return reading


def one_short(reading: JointState) -> JointState:
    reading.position = reading.position[:-1]
    return reading


def not_a_number(reading: JointState) -> JointState:
    reading.position = [math.nan, *reading.position[1:]]
    return reading


@pytest.mark.parametrize(
    ("distort", "reason"),
    [
        (silent, "no joint states"),
        (failed_bus_read, "-pi for all joints: failed bus read"),
        (without_the_elbow, "joint state.*lacks elbow"),
        (of_another_arm, "joint state.*lacks waist"),
        (one_short, "joint state.* 9 names but 8 positions"),
        (not_a_number, "joint states are not finite"),
    ],
)
def test_without_joint_states_to_believe_the_arm_comes_to_rest(stack, distort, reason):
    def fault() -> None:
        stack.arm.distort = distort

    def over() -> None:
        stack.arm.distort = None

    assert_fault_stops_the_arm(stack, fault, over, reason, STATE_TIMEOUT_S)


def test_joint_states_in_another_order_and_of_more_joints_are_as_good(stack):
    def shuffled(reading: JointState) -> JointState:
        reading.name = ["track", *reversed(reading.name)]
        reading.position = [0.5, *reversed(reading.position)]
        return reading

    stack.arm_and_move()
    stack.arm.distort = shuffled
    assert_goes_on(stack)


# Commands


def late(command: ArmCommand) -> ArmCommand:
    command.header.stamp.sec -= 2
    return command


def early(command: ArmCommand) -> ArmCommand:
    command.header.stamp.sec += 3600
    return command


def unstamped(command: ArmCommand) -> ArmCommand:
    command.header.stamp.sec = command.header.stamp.nanosec = 0
    return command


def nan_joint(command: ArmCommand) -> ArmCommand:
    command.joint_positions[3] = math.nan
    return command


def infinite_gripper(command: ArmCommand) -> ArmCommand:
    command.gripper_opening = math.inf
    return command


def five_joints(command: ArmCommand) -> ArmCommand:
    command.joint_positions = command.joint_positions[:-1]
    return command


def unknown_joints(command: ArmCommand) -> ArmCommand:
    command.joint_names = [f"joint_{index}" for index in range(6)]
    return command


def pose_of_nowhere(command: ArmCommand) -> ArmCommand:
    command.use_pose = True
    command.pose.position.x = command.pose.orientation.w = math.nan
    return command


def gives_up(command: ArmCommand) -> ArmCommand:
    command.hold = "picture is 3.10 s old, more than max_staleness_s 3"
    return command


@pytest.mark.parametrize(
    ("distort", "reason"),
    [
        (silent, "no command from 'action_expert'"),
        (nan_joint, "command of 'action_expert' is not finite"),
        (infinite_gripper, "command of 'action_expert' is not finite"),
        (pose_of_nowhere, "not finite"),
        (five_joints, "command has 5 joints, the arm has 6"),
        (unknown_joints, "command is not for the joints waist, shoulder"),
        (late, "command is .* s old"),
        (unstamped, "command is .* s old"),
        (early, "command is .* s in the future"),
        (gives_up, "picture is 3.10 s old, more than max_staleness_s 3"),
    ],
)
def test_without_commands_to_follow_the_arm_comes_to_rest(stack, distort, reason):
    def fault() -> None:
        stack.swing.distort = distort

    def over() -> None:
        stack.swing.distort = None

    assert_fault_stops_the_arm(stack, fault, over, reason, COMMAND_TIMEOUT_S)


def test_a_target_3_rad_away_is_not_jumped_to(stack):
    def jump(command: ArmCommand) -> ArmCommand:
        command.joint_positions[0] -= 3.0
        return command

    stack.arm_and_move()
    stack.swing.distort = jump
    stack.watch(0.5)
    assert_safe(stack)


def test_a_source_that_is_not_the_armed_one_changes_nothing(stack):
    stack.arm_and_move()
    for _ in range(20):
        stack.swing.send(stack.swing.message([1.5] * 6, source="replay"))
        stack.watch(0.01)
    assert_goes_on(stack)
