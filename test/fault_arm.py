"""The driver's side of a stack under test: an arm that follows, remembers every command, and misbehaves on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from interbotix_xs_msgs.srv import RegisterValues, RobotInfo
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState

from arvla_ros.robots import wx250s

PERIOD_S = 0.01
# Share of the way to its goal that the arm goes in a period, and rad/s at the most: it lags as servos do.
FOLLOWING, FASTEST = 0.5, 6.0
# More than a guard sends while the test's thread is busy elsewhere.
DEPTH = 1000

Distortion = Callable[[JointState], "JointState | None"]
"""What becomes of a reading before it is published; None: nothing is."""


@dataclass
class Record:
    """What reached the driver since a test began.

    Attributes:
        start: joints ``[6]`` in rad before the first command.
        times: when each arm command came, monotonic s.
        joints: each arm command ``[6]``, rad.
        openings: each gripper command.
        longest_pause_s: between two turns of this process's own 100 Hz timer: how late this machine is by itself.
    """

    start: npt.NDArray[np.float64]
    times: list[float] = field(default_factory=list)
    joints: list[npt.NDArray[np.float64]] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)
    longest_pause_s: float = 0.0

    @property
    def steps(self) -> npt.NDArray[np.float64]:
        """The change of each joint by each command ``[n, 6]``, rad."""
        return np.diff(np.array([self.start, *self.joints]), axis=0)

    @property
    def speeds(self) -> npt.NDArray[np.float64]:
        """The largest change of any joint by each command ``[n]``, rad."""
        return np.abs(self.steps).max(axis=1, initial=0.0)


class FakeArm:
    """Publishes joint states at 100 Hz, as the Interbotix driver does, and goes where it is told.

    Attributes:
        joints: where it is ``[6]``, rad.
        opening: between the fingers, m.
        distort: what becomes of its readings.
        answer_s: how long its services take.
        record: what it was told.
    """

    def __init__(self, node: Node) -> None:
        self.joints = wx250s.READY.copy()
        self.opening = 0.06
        self.distort: Distortion | None = None
        self.answer_s = 0.0
        self._goal = self.joints
        self._node = node
        self._turned_at = time.monotonic()
        self.record = Record(self.joints)
        self._states = node.create_publisher(JointState, "/wx250s/joint_states", 10)
        node.create_subscription(JointGroupCommand, "/wx250s/commands/joint_group", self._on_group, DEPTH)
        node.create_subscription(JointSingleCommand, "/wx250s/commands/joint_single", self._on_single, DEPTH)
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(PERIOD_S, self._turn, clock=self._clock)
        apart = self._apart = ReentrantCallbackGroup()
        node.create_service(RobotInfo, "/wx250s/get_robot_info", self._on_info, callback_group=apart)
        node.create_service(RegisterValues, "/wx250s/get_motor_registers", self._on_registers, callback_group=apart)

    def begin_record(self) -> None:
        """Forget what was sent so far."""
        last = self.record.joints[-1] if self.record.joints else self.joints
        self.record = Record(last)

    def _turn(self) -> None:
        now = time.monotonic()
        elapsed_s, self._turned_at = now - self._turned_at, now
        self.record.longest_pause_s = max(self.record.longest_pause_s, elapsed_s)
        farthest = FASTEST * elapsed_s
        self.joints = self.joints + np.clip(FOLLOWING * (self._goal - self.joints), -farthest, farthest)
        message = JointState(name=list(wx250s.JOINT_STATE_NAMES), position=self._positions())
        message.header.stamp = self._node.get_clock().now().to_msg()
        published = message if self.distort is None else self.distort(message)
        if published is not None:
            self._states.publish(published)

    def _positions(self) -> list[float]:
        finger = self.opening / 2
        return [*self.joints.tolist(), wx250s.servo_from_opening(self.opening), finger, -finger]

    def _on_group(self, message: JointGroupCommand) -> None:
        # The real driver dies of another name and drops another length; here the checks see it.
        joints = np.array(message.cmd, dtype=np.float64)
        if message.name != "arm" or joints.shape != self.joints.shape:
            joints = np.full_like(self.joints, np.nan)
        self.record.times.append(time.monotonic())
        self.record.joints.append(joints)
        if np.isfinite(joints).all():
            self._goal = joints

    def _on_single(self, message: JointSingleCommand) -> None:
        self.record.openings.append(message.cmd if message.name == "gripper" else float("nan"))
        self.opening = min(max(message.cmd, wx250s.OPENING_LOWER), wx250s.OPENING_UPPER)

    async def _on_info(self, request: RobotInfo.Request, response: RobotInfo.Response) -> RobotInfo.Response:
        await self._wait()
        response.profile_type = "velocity"
        response.mode = "position" if request.name == "arm" else "linear_position"
        response.joint_names = list(wx250s.ARM_JOINTS)
        response.joint_lower_limits = wx250s.ARM_LOWER.tolist()
        response.joint_upper_limits = wx250s.ARM_UPPER.tolist()
        response.joint_velocity_limits = [wx250s.ARM_VELOCITY] * len(wx250s.ARM_JOINTS)
        return response

    async def _on_registers(
        self, request: RegisterValues.Request, response: RegisterValues.Response
    ) -> RegisterValues.Response:
        await self._wait()
        response.values = [0] * (len(wx250s.ARM_JOINTS) if request.name == "arm" else 1)
        return response

    async def _wait(self) -> None:
        """Take as long as a bus takes that is read servo by servo, without stopping the joint states."""
        if self.answer_s > 0.0:
            answered = Future()
            timer = self._node.create_timer(
                self.answer_s, lambda: answered.set_result(None), callback_group=self._apart, clock=self._clock
            )
            await answered
            self._node.destroy_timer(timer)
