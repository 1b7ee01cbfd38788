"""The simulated WidowX: takes and gives exactly what the Interbotix driver and camera nodes would.

It makes the time of its world itself. With ``use_sim_time`` it publishes that time on /clock, for all the others;
otherwise its time is the system's.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from arvla_ros.msg import TaskStatus
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.camera_topics import CameraTopics
from arvla_ros.nodes.driver_services import create_driver_services
from arvla_ros.nodes.parameters import (
    Live,
    apply_while_running,
    declare_count,
    declare_flag,
    declare_number,
    declare_text,
)
from arvla_ros.nodes.qos import LATCHED
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.scripted_operator import ScriptedOperator
from arvla_ros.nodes.stamps import now_ns, to_msg
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.camera_thread import CameraThread
from arvla_ros.sim.driver import STARTUP, Driver, DriverError
from arvla_ros.sim.pace import Pace
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.world import WidowXWorld

# The driver polls its bus, and publishes, once in this time.
PERIOD_NS = 10_000_000
STATUS_EVERY = 10
# Between two looks at whether a period may begin, when simulated time is as fast as it can be.
SHORTEST_TICK_S = 0.0005


class SimWidowXNode(Node):
    """A MuJoCo arm, table and task. Each period of simulated time ends with joint states."""

    def __init__(self) -> None:
        super().__init__("sim_widowx")
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the driver that this stands in for")
        self._seed = declare_count(
            self,
            "seed",
            0,
            "seed of the first layout, or set later, of the next; else the next is one more",
            0,
            2**31 - 1,
            True,
        )
        self._next_seed = self._seed + 1
        apply_while_running(self, {"seed": Live(functools.partial(setattr, self, "_next_seed"))})
        rate_hz = declare_number(self, "camera_rate_hz", 15.0, "camera frames, Hz of simulated time", 1.0, 60.0)
        factor = declare_number(
            self,
            "real_time_factor",
            1.0,
            "simulated s in a real one; 0: as many as it can; needs use_sim_time",
            0.0,
            100.0,
        )
        scripted = declare_flag(self, "scripted_operator", False, "let the task's scripted expert drive, as teleop")
        compressed = declare_flag(self, "compressed", False, "publish JPEG pictures on .../compressed as well")
        self._world = self._make_world()
        self._driver = Driver(self._world, self._declare_modes())
        self._makes_clock = bool(self.get_parameter("use_sim_time").value)
        if factor != 1.0 and not self._makes_clock:
            raise NodeError(
                f"parameter real_time_factor={factor:g}: only with use_sim_time:=true, here and for all other nodes; "
                "without it, time is the system's"
            )
        # Simulated time goes on where the system's is, so that no restart sets the clock back.
        self._time_ns = time.time_ns()
        self._periods = self._frames = self._missed_frames = 0
        self._frame_ns = 1e9 / rate_hz
        self._control_every = round(1e9 / self._world.contract.control_rate_hz / PERIOD_NS)
        self._create_topics(robot_name)
        self._operator = self._make_operator() if scripted else None
        topics = CameraTopics(self, self._world.contract.cameras, compressed)
        self._cameras = CameraThread(self._world, topics.names, topics.publish)
        self._pace = Pace(PERIOD_NS, factor, time.monotonic_ns())
        tick_s = PERIOD_NS * 1e-9 / factor if factor else SHORTEST_TICK_S
        self.create_timer(tick_s, self._on_tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        diagnostics.publish_diagnostics(self, self._report)

    def _make_world(self) -> WidowXWorld:
        task = declare_text(self, "task", "reach", "what to do")
        contract = RobotContract.load(declare_text(self, "contract", "wx250s", "robot contract: says which cameras"))
        try:
            world = WidowXWorld(make_task(task), contract)
        except TaskError as error:
            raise NodeError(f"parameter task={task!r}: {error}") from error
        world.reset(self._seed)
        return world

    def _make_operator(self) -> ScriptedOperator:
        try:
            operator = ScriptedOperator(self, self._world)
        except TaskError as error:
            raise NodeError(f"parameter scripted_operator: {error}") from error
        operator.begin(self._seed)
        return operator

    def _declare_modes(self) -> str:
        modes = declare_text(self, "modes", "ours", f"the driver's modes file: {' or '.join(STARTUP)}")
        if modes not in STARTUP:
            raise NodeError(f"parameter modes={modes!r} is neither {' nor '.join(STARTUP)}")
        return modes

    def _create_topics(self, robot_name: str) -> None:
        self._joint_states = self.create_publisher(JointState, f"/{robot_name}/joint_states", 10)
        self._clock_topic = self.create_publisher(ClockMessage, "/clock", 10) if self._makes_clock else None
        self._status = self.create_publisher(TaskStatus, "~/task", LATCHED)
        commands = f"/{robot_name}/commands"
        self.create_subscription(JointGroupCommand, f"{commands}/joint_group", self._on_group, 10)
        self.create_subscription(JointSingleCommand, f"{commands}/joint_single", self._on_single, 10)
        create_driver_services(self, f"/{robot_name}", self._driver)
        self.create_service(Trigger, "~/reset", self._on_reset)

    def _on_group(self, message: JointGroupCommand) -> None:
        self._command(lambda: self._driver.command_group(message.name, [float(value) for value in message.cmd]))

    def _on_single(self, message: JointSingleCommand) -> None:
        self._command(lambda: self._driver.command_single(message.name, float(message.cmd)))

    def _command(self, command: Callable[[], None]) -> None:
        """Carry out a command as the driver does: what it cannot take is logged and dropped."""
        try:
            command()
        except DriverError as error:
            self.get_logger().error(f"command dropped: {error}", throttle_duration_sec=5.0)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._seed, self._next_seed = self._next_seed, self._next_seed + 1
        self._world.reset(self._seed)
        if self._operator is not None:
            self._operator.begin(self._seed)
        self._publish_status()
        response.success, response.message = True, f"seed {self._seed}: {self._world.instruction}"
        return response

    def _on_tick(self) -> None:
        if self._cameras.error is not None:
            raise NodeError(f"cameras: {self._cameras.error}") from self._cameras.error
        due = self._pace.due(time.monotonic_ns())
        if not self._makes_clock:
            self._time_ns = now_ns(self) - due * PERIOD_NS
        for _ in range(due):
            if not self._take_period():
                break

    def _take_period(self) -> bool:
        """Let one period pass; return False if it has to wait for a picture, where simulated time can wait."""
        if self._periods * PERIOD_NS >= self._frames * self._frame_ns:
            if not self._cameras.busy:
                self._take_pictures()
            elif self._makes_clock:
                return False
        self._driver.advance(PERIOD_NS * 1e-9)
        self._time_ns += PERIOD_NS
        self._periods += 1
        self._pace.take()
        if self._clock_topic is not None:
            self._clock_topic.publish(ClockMessage(clock=to_msg(self._time_ns)))
        if not self._driver.busy:
            self._publish_joint_states()
        if self._periods % STATUS_EVERY == 0:
            self._publish_status()
        if self._operator is not None and self._periods % self._control_every == 0:
            self._operator.act(self._time_ns)
        return True

    def _take_pictures(self) -> None:
        """Take the pictures that are due; where the renderer was too slow for some, they are missed."""
        slot = int(self._periods * PERIOD_NS / self._frame_ns)
        self._missed_frames += slot - self._frames
        self._frames = slot + 1
        self._cameras.shoot(self._time_ns)

    def _publish_joint_states(self) -> None:
        reading = self._world.joint_state()
        message = JointState(
            name=list(reading.names),
            position=reading.positions.tolist(),
            velocity=reading.velocities.tolist(),
            effort=reading.efforts.tolist(),
        )
        message.header.stamp = to_msg(self._time_ns)
        self._joint_states.publish(message)

    def _publish_status(self) -> None:
        status = self._world.status()
        message = TaskStatus(
            task=self._world.task.name,
            seed=self._seed,
            instruction=self._world.instruction,
            elapsed=status.elapsed,
            time_limit=self._world.task.time_limit_s,
            score=status.score,
            success=status.success,
            detail=status.detail,
        )
        message.header.stamp = to_msg(self._time_ns)
        self._status.publish(message)

    def _report(self) -> diagnostics.Report:
        status = self._world.status()
        figures = {"seed": self._seed, "score": f"{status.score:.2f}", "missed_frames": self._missed_frames}
        return diagnostics.OK, status.detail, figures

    def destroy_node(self) -> None:
        """End the camera thread, too."""
        if hasattr(self, "_cameras"):
            self._cameras.close()
        super().destroy_node()


def main() -> int:
    """Run the simulated WidowX."""
    return run(SimWidowXNode)
