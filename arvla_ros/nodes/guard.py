"""The guard node: the only one that commands the arm.

Small on purpose: numpy and rclpy, no torch, so that it starts at once and outlives the policy.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from arvla_ros.control.arbitration import SOURCES, Refusal
from arvla_ros.control.clock_watch import ClockWatch
from arvla_ros.control.guard import Goal, Guard, Mode
from arvla_ros.control.joint_state_watch import JointStateWatch, StateFaultError, StateRefusedError
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.control.workspace import Workspace
from arvla_ros.msg import ArmCommand
from arvla_ros.nodes.arm_command import read_command
from arvla_ros.nodes.guard_driver import CommandTopics, DriverError, DriverServices
from arvla_ros.nodes.guard_parameters import declare_live
from arvla_ros.nodes.guard_preflight import Preflight, is_asleep
from arvla_ros.nodes.guard_report import GuardReport
from arvla_ros.nodes.parameters import declare_number, declare_text, declare_texts
from arvla_ros.nodes.priority import come_first
from arvla_ros.nodes.qos import ESTOP, NEWEST
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots import wx250s
from arvla_ros.robots.gripper_drives import DRIVES

CYCLE_RATE_HZ = 50.0
PERIOD_S = 1.0 / CYCLE_RATE_HZ
# A command is sent on with its arrival, unless something was sent less than this before; s.
SHORTEST_GAP_S = PERIOD_S / 4
# A cycle waits this long for a command that is about due, rather than going on without it; s.
WAIT_S = PERIOD_S / 8
# s after its start in which a guard gives way to another publisher, rather than holding.
STARTING_S = 5.0
HOME = Goal("home", wx250s.READY, wx250s.OPENING_UPPER)
SLEEP = Goal("sleep pose", wx250s.SLEEP)


class GuardNode(Node):
    """Between every source of commands and the driver; see ``control.guard`` for what it does."""

    def __init__(self) -> None:
        super().__init__("guard")
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        gripper_mode = declare_text(
            self, "gripper_mode", "linear_position", f"operating mode of the gripper: {', '.join(DRIVES)}"
        )
        if gripper_mode not in DRIVES:
            raise NodeError(f"parameter gripper_mode={gripper_mode!r} is none of {', '.join(DRIVES)}")
        self._make_guard()
        driver = DriverServices(self, robot_name)
        self._driver = driver
        self._preflight = Preflight(self, driver, wx250s.LIMITS, gripper_mode)
        self._topics = CommandTopics(self, robot_name, gripper_mode)
        self._watch = JointStateWatch(wx250s.ARM_JOINTS, wx250s.FINGER_JOINTS[0])
        self._clock_watch = ClockWatch()
        self._arrivals: deque[float] = deque(maxlen=100)
        self._started_at = self._cycled_at = time.monotonic()
        self._was_armed = False
        self._stops = 0
        self._connect(robot_name)
        come_first(self)

    def _make_guard(self) -> None:
        sources = declare_texts(self, "sources", SOURCES, "who may command; without action_expert it runs in shadow")
        unknown = [source for source in sources if source not in SOURCES]
        if unknown or not sources:
            raise NodeError(f"parameter sources={sources}: give some of {', '.join(SOURCES)}")
        workspace = Workspace(wx250s.extreme_points, wx250s.WORKSPACE_LOWER, wx250s.WORKSPACE_UPPER)
        acceleration = declare_number(
            self,
            "max_joint_acceleration",
            wx250s.ARM_ACCELERATION,
            "how fast every joint starts and stops, rad/s²",
            1.0,
            40.0,
        )
        self._safety = SafetyFilter(wx250s.LIMITS, acceleration=acceleration, workspace=workspace, period_s=PERIOD_S)
        self._guard = Guard(self._safety, PERIOD_S, sources)
        try:
            declare_live(self, self._guard, self._safety, workspace)
        except ValueError as error:
            raise NodeError(f"parameters workspace_min, workspace_max: {error}") from error

    def _connect(self, robot_name: str) -> None:
        self._report = GuardReport(self, self._guard, self._safety, self._joint_state_rate)
        self.create_subscription(JointState, f"/{robot_name}/joint_states", self._on_joint_states, 10)
        self.create_subscription(ArmCommand, "/arm/command", self._on_command, NEWEST)
        self.create_subscription(Bool, "/estop", self._on_estop, ESTOP)
        self.create_subscription(Bool, "/deadman", self._on_deadman, NEWEST)
        self.create_service(Trigger, "~/estop", self._on_estop_button)
        # These wait for answers of the driver: in the group of all others they would keep out what they wait for.
        waiting = ReentrantCallbackGroup()
        self.create_service(SetBool, "~/enable", self._on_enable, callback_group=waiting)
        self.create_service(Trigger, "~/home", self._on_home, callback_group=waiting)
        self.create_service(Trigger, "~/sleep", self._on_sleep, callback_group=waiting)
        self.create_service(SetBool, "~/torque", self._on_torque, callback_group=waiting)
        # Its own pace is nobody's to set: not that of a simulated clock, nor of one that jumps.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._tick = self.create_timer(PERIOD_S, self._on_tick, clock=steady)
        self._late = self.create_timer(WAIT_S, self._on_late, clock=steady)
        self._late.cancel()
        self.create_timer(1.0, self._look_for_others, clock=steady)

    def _on_joint_states(self, message: JointState) -> None:
        now, stamp_ns = time.monotonic(), to_ns(message.header.stamp)
        age = (now_ns(self) - stamp_ns) * 1e-9
        try:
            reading = self._watch.read(
                message.name, message.position, stamp_ns * 1e-9, age, self._guard.timeouts.state_timeout_s
            )
        except StateRefusedError as error:
            self._report.states_refused[error.kind] += 1
            self._guard.on_refused_state(str(error)[:200])
            if isinstance(error, StateFaultError):
                self._guard.on_fault(str(error))
            self.get_logger().warning(f"joint states refused: {str(error)[:200]}", throttle_duration_sec=5.0)
            return
        self._arrivals.append(now)
        self._guard.on_state(reading, now)

    def _on_command(self, message: ArmCommand) -> None:
        now = time.monotonic()
        armed = self._guard.mode is Mode.ACTIVE
        refusal = self._pass_on(message, now)
        if refusal:
            # A source that commands while nobody has armed it is only counted: the policy streams all the time.
            if armed:
                self.get_logger().warning(f"command refused: {refusal[:200]}", throttle_duration_sec=2.0)
            return
        self._report.took(message)
        if now - self._cycled_at >= SHORTEST_GAP_S:
            self._tick.reset()
            self._cycle()
        else:
            self._late.reset()

    def _pass_on(self, message: ArmCommand, now: float) -> str:
        guard = self._guard
        near = guard.joints
        if guard.mode is not Mode.ACTIVE or near is None:
            return guard.arbiter.refuse(Refusal("not_armed", f"not armed: {guard.reason}"))
        command = read_command(message, near, now_ns(self))
        return guard.arbiter.refuse(command) if isinstance(command, Refusal) else guard.on_command(command, now)

    def _on_estop(self, message: Bool) -> None:
        if message.data:
            self._stops += 1
            self._guard.press_estop()
        else:
            self._guard.release_estop()
        self.get_logger().warning("e-stop pressed" if message.data else "e-stop released: arm with /guard/enable")

    def _on_estop_button(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stops += 1
        self._guard.press_estop(stays=False)
        self.get_logger().warning("e-stop by /guard/estop")
        response.success, response.message = True, "stopped; arm with /guard/enable"
        return response

    def _on_deadman(self, message: Bool) -> None:
        self._guard.arbiter.on_deadman(message.data, time.monotonic())

    async def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            response.success, response.message = await self._start(self._guard.enable, for_a_source=True)
        else:
            self._stops += 1
            self._guard.disable("disarmed by /guard/enable")
            response.success, response.message = True, "disarmed"
        return response

    async def _on_home(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = await self._start(lambda now: self._guard.go_to(HOME, now))
        self._preflight.moved_home()
        return response

    async def _on_sleep(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = await self._start(lambda now: self._guard.go_to(SLEEP, now))
        return response

    async def _start(self, move: Callable[[float], tuple[bool, str]], for_a_source: bool = False) -> tuple[bool, str]:
        """Begin to move, once the preflight finds nothing against it."""
        problem = self._guard.not_ready(time.monotonic())
        if problem:
            return False, problem
        measured, stops = self._guard.measured, self._stops
        assert measured is not None
        problem = await self._preflight.problem(measured, self._joint_state_rate(), for_a_source)
        if problem:
            self._guard.disable(problem)
            return False, problem
        if stops != self._stops:
            return False, "stopped while the driver was asked: ask again"
        self._was_armed = True
        return move(time.monotonic())

    async def _on_torque(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        try:
            response.success, response.message = await (self._torque_on() if request.data else self._torque_off())
        except DriverError as error:
            response.success, response.message = False, str(error)
        return response

    async def _torque_off(self) -> tuple[bool, str]:
        if not is_asleep(self._guard.measured):
            return False, "the arm would fall: call /guard/sleep first"
        # First of all, nothing may be on its way that would move it.
        self._guard.block("torque", "the torque is off: call /guard/torque with true first")
        self._guard.forget()
        await self._driver.set_torque(False)
        return True, "torque is off"

    async def _torque_on(self) -> tuple[bool, str]:
        await self._driver.set_torque(True)
        # Whatever was measured before may have been moved by hand.
        self._guard.forget()
        self._watch.forget()
        self._guard.unblock("torque")
        return True, "torque is on: call /guard/enable or /guard/home"

    def _on_tick(self) -> None:
        if self._guard.arbiter.is_due(time.monotonic(), WAIT_S):
            self._late.reset()
        else:
            self._cycle()

    def _on_late(self) -> None:
        self._tick.reset()
        self._cycle()

    def _cycle(self) -> None:
        self._late.cancel()
        now, ros_ns = time.monotonic(), now_ns(self)
        jump = self._clock_watch.check(ros_ns * 1e-9, now)
        if jump:
            self._watch.forget()
            self._guard.on_clock_jump(jump)
            self.get_logger().warning(jump)
        self._cycled_at = now
        cycle = self._guard.cycle(now)
        if cycle.sent is not None and not self._guard.dry_run:
            measured = self._guard.measured
            self._topics.send(cycle.sent, cycle.sent_gripper, measured.opening if measured else float("nan"))
        self._report.publish(cycle, ros_ns)

    def _look_for_others(self) -> None:
        other = self._report.other_publisher = self._topics.other_publisher()
        if not other:
            self._guard.unblock("publisher")
        elif not self._was_armed and time.monotonic() - self._started_at < STARTING_S:
            # Two that started at the same moment: neither saw the other, neither has moved the arm.
            raise NodeError(other)
        else:
            self._guard.block("publisher", other)

    def _joint_state_rate(self) -> float:
        """Return the rate in Hz at which believable joint states have arrived lately."""
        times = self._arrivals
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0


def main() -> int:
    """Run the guard node."""
    return run(GuardNode)
