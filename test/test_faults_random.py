"""Whole runs of a real guard under random commands, readings, people and parameters; every seed is its own run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from fault_checks import assert_safe
from fault_stack import Stack, stack_of
from sensor_msgs.msg import JointState

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.robots import wx250s

EVENTS, PAUSE_S = 250, 0.015
USUAL = {"max_joint_velocity": math.pi, "speed_scale": 1.0, "command_timeout_s": 0.5, "state_timeout_s": 0.5}
STRANGE = (math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0)


@pytest.fixture(scope="module")
def stack(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("random")) as stack:
        stack.start("guard")
        stack.wait_for_guard()
        yield stack


class Monkey:
    """Does one random thing after the other; what it asks of the guard it does not wait for."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self._random = np.random.default_rng(seed)
        # Commands and arming often, so that the arm moves at all.
        self._deeds: list[Callable[[], object]] = [
            *[self._command] * 10,
            *[stack.call_enable] * 4,
            self._wild_command,
            self._misread,
            self._read_well,
            self._home,
            self._press_estop,
            self._release_estop,
            self._release_estop,
            self._set_parameter,
            self._swing,
        ]

    def act(self) -> None:
        self._deeds[self._random.integers(len(self._deeds))]()

    def _pick(self, *values: object) -> object:
        return values[self._random.integers(len(values))]

    def _command(self) -> None:
        joints = self._random.uniform(wx250s.ARM_LOWER - 1.0, wx250s.ARM_UPPER + 1.0)
        self._send(joints, gripper_opening=self._random.uniform(0.0, 0.1))

    def _wild_command(self) -> None:
        joints = self._random.normal(scale=10.0, size=self._random.integers(9))
        strange = self._random.random(len(joints)) < 0.3
        joints[strange] = self._random.choice(STRANGE, strange.sum())
        self._send(joints, gripper_opening=float(self._random.choice(STRANGE)), use_pose=self._random.random() < 0.3)

    def _send(self, joints: np.ndarray, **fields: object) -> None:
        source = str(self._pick("action_expert", "action_expert", "action_expert", "teleop", "replay", "", "stranger"))
        message: ArmCommand = self._stack.swing.message(joints, source=source, **fields)
        message.header.stamp.sec += int(self._random.choice([0, 0, 0, 0, 0, 0, 0, 0, -1, 1]))
        self._stack.swing.send(message)

    def _misread(self) -> None:
        strange = self._random.choice([math.nan, math.inf, 1e300, -math.pi])

        def distort(reading: JointState) -> JointState:
            reading.position = [float(strange)] * len(reading.name)
            return reading

        self._stack.arm.distort = self._pick(distort, lambda reading: None)

    def _read_well(self) -> None:
        self._stack.arm.distort = None

    def _home(self) -> None:
        self._stack.ask_home()

    def _press_estop(self) -> None:
        self._stack.press_estop(True, button=int(self._random.integers(2)))

    def _release_estop(self) -> None:
        self._stack.press_estop(False, button=int(self._random.integers(2)))

    def _set_parameter(self) -> None:
        name = str(self._pick(*USUAL))
        self._stack.set_parameters("guard", **{name: float(self._random.choice([*STRANGE, 0.05, 0.1, 0.5, 1.0, 3.0]))})

    def _swing(self) -> None:
        self._stack.swing.running = not self._stack.swing.running


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_nothing_unsafe_is_sent_and_a_person_can_go_on(stack, seed):
    stack.begin()
    monkey = Monkey(stack, seed)
    for _ in range(EVENTS):
        monkey.act()
        stack.watch(PAUSE_S)
    stack.arm.distort = None
    assert_safe(stack)
    assert stack.arm.record.speeds.max() > 1e-3, "nothing moved: the run says nothing"
    for name, value in USUAL.items():
        stack.wait_for(stack.set_parameters("guard", **{name: value}).done, "parameters as before")
    stack.begin()
    stack.swing.running = True
    stack.arm_and_move()
    assert stack.in_mode(GuardState.MODE_ACTIVE)
    assert_safe(stack)
