"""The simulated WidowX: takes and gives exactly what the Interbotix driver and a camera node would."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cv_bridge import CvBridge
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from arvla_ros.msg import TaskStatus
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.parameters import declare_count, declare_number, declare_text
from arvla_ros.nodes.qos import LATCHED
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.rendering import RenderingError
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.world import WidowXWorld

# The driver polls its bus, and publishes, at this rate.
JOINT_STATE_RATE_HZ = 100.0
# After a stall the simulation catches up by this much at the most, rather than freezing the node with physics.
LONGEST_STEP_NS = 100_000_000


class SimWidowXNode(Node):
    """A MuJoCo arm, table and task in real time."""

    def __init__(self) -> None:
        super().__init__("sim_widowx")
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the driver that this stands in for")
        task = declare_text(self, "task", "reach", "what to do")
        self._seed = declare_count(self, "seed", 0, "seed of the first layout; each reset takes the next", 0, 2**31 - 1)
        camera_rate_hz = declare_number(self, "camera_rate_hz", 15.0, "camera frames, Hz", 1.0, 60.0)
        contract = RobotContract.load("wx250s")
        self._camera = contract.cameras[0]
        try:
            self._world = WidowXWorld(make_task(task), contract)
            self._world.reset(self._seed)
        except TaskError as error:
            raise NodeError(f"parameter task={task!r}: {error}") from error
        self._timestep_ns = round(self._world.timestep * 1e9)
        self._bridge = CvBridge()
        self._advanced_ns = now_ns(self)
        self._joint_states = self.create_publisher(JointState, f"/{robot_name}/joint_states", 10)
        self._images = self.create_publisher(Image, self._camera.topic, qos_profile_sensor_data)
        self._status = self.create_publisher(TaskStatus, "~/task", LATCHED)
        commands = f"/{robot_name}/commands"
        self.create_subscription(JointGroupCommand, f"{commands}/joint_group", self._on_group, 10)
        self.create_subscription(JointSingleCommand, f"{commands}/joint_single", self._on_single, 10)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_timer(1.0 / JOINT_STATE_RATE_HZ, self._on_bus)
        self.create_timer(1.0 / camera_rate_hz, self._on_camera)
        self.create_timer(0.1, self._publish_status)
        diagnostics.publish_diagnostics(self, self._report)

    def _on_group(self, message: JointGroupCommand) -> None:
        if message.name != "arm":
            self.get_logger().error(f"no group {message.name!r}: only 'arm'", throttle_duration_sec=5.0)
            return
        self._set(lambda: self._world.set_arm_target(np.asarray(message.cmd, dtype=np.float64)))

    def _on_single(self, message: JointSingleCommand) -> None:
        if message.name != "gripper":
            self.get_logger().error(f"no single joint {message.name!r}: only 'gripper'", throttle_duration_sec=5.0)
            return
        self._set(lambda: self._world.set_gripper_target(float(message.cmd)))

    def _set(self, command: Callable[[], None]) -> None:
        """Carry out a command as the driver does: what it cannot take is logged and dropped."""
        try:
            command()
        except ValueError as error:
            self.get_logger().error(f"command dropped: {error}", throttle_duration_sec=5.0)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._seed += 1
        self._world.reset(self._seed)
        self._advanced_ns = now_ns(self)
        self._publish_status()
        response.success, response.message = True, f"seed {self._seed}: {self._world.instruction}"
        return response

    def _on_bus(self) -> None:
        self._advance()
        reading = self._world.joint_state()
        message = JointState(
            name=list(reading.names),
            position=reading.positions.tolist(),
            velocity=reading.velocities.tolist(),
            effort=reading.efforts.tolist(),
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._joint_states.publish(message)

    def _on_camera(self) -> None:
        self._advance()
        stamp = self.get_clock().now().to_msg()
        try:
            frame = self._world.render(self._camera.name)
        except RenderingError as error:
            raise NodeError(f"camera {self._camera.name!r}: {error}") from error
        message = self._bridge.cv2_to_imgmsg(frame, "rgb8")
        message.header.stamp = stamp
        message.header.frame_id = self._camera.name
        self._images.publish(message)

    def _advance(self) -> None:
        """Let the physics catch up with the clock."""
        now = now_ns(self)
        if not 0 <= now - self._advanced_ns <= LONGEST_STEP_NS:
            self._advanced_ns = now - LONGEST_STEP_NS
        steps = (now - self._advanced_ns) // self._timestep_ns
        if steps:
            self._world.advance(steps * self._world.timestep)
            self._advanced_ns += steps * self._timestep_ns

    def _publish_status(self) -> None:
        status = self._world.status()
        message = TaskStatus(
            task=self._world.task.name,
            seed=self._seed,
            instruction=self._world.instruction,
            elapsed=status.elapsed,
            score=status.score,
            success=status.success,
            detail=status.detail,
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(message)

    def _report(self) -> diagnostics.Report:
        status = self._world.status()
        return diagnostics.OK, status.detail, {"seed": self._seed, "score": f"{status.score:.2f}"}


def main() -> int:
    """Run the simulated WidowX."""
    return run(SimWidowXNode)
