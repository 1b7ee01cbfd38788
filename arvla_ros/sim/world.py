"""The simulated WidowX at the level of its driver and its camera: targets in, joint states and pictures out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arvla_ros.robots import wx250s
from arvla_ros.robots.action_space import JointTarget
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.appearance import Appearance
from arvla_ros.sim.props import SHADOW_RADIUS
from arvla_ros.sim.rendering import CameraRenderer, RenderingError, mujoco
from arvla_ros.sim.scene import build_model
from arvla_ros.sim.servos import GRIPPER, MILLIAMPERE_PER_NEWTON_METRE, MOTORS_PER_JOINT, Servos
from arvla_ros.sim.shadows import Shadows
from arvla_ros.sim.tasks import Scenario, Task, TaskStatus

Array = npt.NDArray[np.float64]

_JUDGE_PERIOD_S = 0.02
_IDENTITY: Array = np.eye(4)

# What casts a shadow: from body to body, half-width in m.
_LINKS = [
    ("upper_arm_link", "upper_forearm_link", 0.04),
    ("upper_forearm_link", "wrist_link", 0.045),
    ("left_finger_link", "right_finger_link", 0.04),
]


class JointReading(NamedTuple):
    """One ``joint_states`` message of the Interbotix driver."""

    names: tuple[str, ...]
    positions: Array
    """``[9]`` rad, fingers m; in steps of the servos' encoders."""
    velocities: Array
    """``[9]`` rad/s, 0 for the fingers."""
    efforts: Array
    """``[9]`` mA, 0 for the fingers."""


class WidowXWorld:
    """Arm, table and the objects of one task.

    The servos behave as the real ones do without a motion profile: the goal moves to a new target at no more than pi
    rad/s, and the joint follows it as a first-order system of 0.04 to 0.07 s (a goal that moves at 1 rad/s leads by
    0.04 to 0.07 rad). Gravity is compensated. ``sim.driver`` gives them profiles and other
    modes. Same seed and same calls give the same states.

    Attributes:
        task: What the objects are there for.
        servos: What moves the joints.
        timestep: Length of a physics step in s.
        scenario: How this episode began.
        instruction: What is asked for in this episode.
        elapsed: Simulated s since the reset.
    """

    def __init__(self, task: Task, contract: RobotContract, randomize: bool = False) -> None:
        """Build the world in its state after ``reset(0)``.

        Args:
            task: What the objects are there for.
            contract: Says which cameras there are.
            randomize: Draw light, colours, table and camera at each reset, from its seed.
        """
        self.task = task
        self.contract = contract
        self.model = build_model(task.props, task.camera)
        self.data = mujoco.MjData(self.model)
        self.servos = Servos(self.model)
        self.timestep = float(self.model.opt.timestep)
        bodies = {prop.name: self.data.body(prop.name) for prop in task.props}
        sites = {name: self.data.site(name) for name in ("ee_gripper_link", "fingertips")}
        # Views into MuJoCo's own memory: looking a name up would cost more than reading a pose.
        self._frames = {name: (item.xmat.reshape(3, 3), item.xpos) for name, item in {**bodies, **sites}.items()}
        self._cameras = {camera.name: camera for camera in contract.cameras}
        self._renderers: dict[tuple[int, int], CameraRenderer] = {}
        joints = [self.model.joint(name) for name in (*wx250s.ARM_JOINTS, *wx250s.FINGER_JOINTS)]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self._shadows = Shadows(self.model, _LINKS, {prop.name: SHADOW_RADIUS[prop.shape] for prop in task.props})
        self._appearance = Appearance(self.model) if randomize else None
        self._judge_steps = round(_JUDGE_PERIOD_S / self.timestep)
        self.reset(0)

    @property
    def elapsed(self) -> float:
        """Simulated s since the reset."""
        return self._steps * self.timestep

    def reset(self, seed: int) -> Scenario:
        """Begin the episode that ``seed`` stands for, at rest, and return how it begins."""
        if self._appearance is not None:
            self._appearance.draw(np.random.default_rng((seed, 2)))
            for renderer in self._renderers.values():
                renderer.reload_textures()
        return self.start(self.task.sample(np.random.default_rng(seed)))

    def start(self, scenario: Scenario) -> Scenario:
        """Begin the episode that ``scenario`` describes, at rest."""
        mujoco.mj_resetData(self.model, self.data)
        finger = scenario.opening / 2
        self.data.qpos[self._qpos] = [*scenario.arm, finger, -finger]
        for name, place in scenario.objects.items():
            half = place.yaw / 2
            self.data.joint(name).qpos = [place.x, place.y, 0.0, np.cos(half), 0.0, 0.0, np.sin(half)]
        self.scenario = scenario
        self.servos.start(np.array([*scenario.arm, finger]))
        self.servos.step(self.data)
        self._steps = 0
        mujoco.mj_forward(self.model, self.data)
        self.set_instruction(scenario.instruction)
        return scenario

    def set_instruction(self, instruction: str) -> None:
        """Ask for something else from now on; the score starts again.

        Raises:
            TaskError: the task knows no such instruction.
        """
        judge = self.task.judge(instruction)
        judge.observe(self)
        self.instruction, self._judge = instruction, judge

    def set_arm_target(self, positions: npt.ArrayLike) -> None:
        """Command the arm joints ``[6]`` in rad, as a ``joint_group`` command does; servos stop at their limits.

        Raises:
            ValueError: not six finite numbers.
        """
        target = np.asarray(positions, dtype=np.float64)
        if target.shape != (6,) or not np.isfinite(target).all():
            raise ValueError(f"arm target must be 6 finite joint angles in rad, got {target.tolist()}")
        for servo, position in enumerate(target.tolist()):
            self.servos.move_to(servo, position)

    def set_gripper_target(self, opening: float) -> None:
        """Command the opening between the fingers in m, as a ``linear_position`` command does.

        Raises:
            ValueError: not a finite number.
        """
        if not np.isfinite(opening):
            raise ValueError(f"gripper target must be a finite opening in m, got {opening}")
        self.servos.move_to(GRIPPER, float(opening) / 2)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of simulated time pass, rounded to whole physics steps of 2 ms.

        Raises:
            ValueError: that is less than one physics step.
        """
        steps = round(seconds / self.timestep)
        if steps < 1:
            raise ValueError(f"{seconds} s is shorter than a physics step of {self.timestep} s")
        end = self._steps + steps
        while self._steps < end:
            until_judged = self._judge_steps - self._steps % self._judge_steps
            batch = min(until_judged, end - self._steps)
            self._step(batch)
            self._steps += batch
            if batch == until_judged:
                self._judge.observe(self)

    def _step(self, steps: int) -> None:
        """Take physics steps; before each, the servos' goals move."""
        goals = self.servos.plan(steps)
        if goals is None:
            for _ in range(steps):
                self.servos.step(self.data)
                mujoco.mj_step(self.model, self.data)
            return
        controls = self.data.ctrl[: goals.shape[1]]
        for goal in goals:
            controls[:] = goal
            mujoco.mj_step(self.model, self.data)

    def status(self) -> TaskStatus:
        """Return how the episode stands; it is judged every 20 ms of simulated time."""
        return self._judge.status()

    def joint_state(self) -> JointReading:
        """Return the joints as the Interbotix driver publishes them."""
        positions = self._positions()
        servo = positions[6]
        by_motors = self.data.qfrc_actuator + self.data.qfrc_gravcomp + self.data.qfrc_applied
        torque = by_motors[self._dofs]
        current = torque[:6] / MOTORS_PER_JOINT[:6] * MILLIAMPERE_PER_NEWTON_METRE
        finger_per_rad = (wx250s.finger_from_servo(servo + 1e-4) - wx250s.finger_from_servo(servo - 1e-4)) / 2e-4
        speed, force = self.data.qvel[self._dofs[6]], torque[6]
        return JointReading(
            wx250s.JOINT_STATE_NAMES,
            np.array(positions),
            np.array([*self.data.qvel[self._dofs[:6]], speed / finger_per_rad, 0.0, 0.0]),
            np.array([*current, force * finger_per_rad * MILLIAMPERE_PER_NEWTON_METRE, 0.0, 0.0]),
        )

    def measured(self) -> JointTarget:
        """Return arm joints in rad and opening in m as the contract reads them from ``joint_state``."""
        return self.contract.measured(wx250s.JOINT_STATE_NAMES, self._positions())

    def state(self, previous: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
        """Return the policy state ``[S]`` that the contract reads from ``joint_state``, close to the one before."""
        return self.contract.state(wx250s.JOINT_STATE_NAMES, self._positions(), previous)

    def _positions(self) -> list[float]:
        """Return the nine positions of ``joint_state``."""
        arm = _encode(self.data.qpos[self._qpos[:6]]).tolist()
        # The solver's limits are soft: a finger that is pushed a little beyond its stop reads as being at the stop.
        opening = min(max(2 * self.data.qpos[self._qpos[6]], wx250s.OPENING_LOWER), wx250s.OPENING_UPPER)
        servo = float(_encode(wx250s.servo_from_opening(opening)))
        finger = wx250s.finger_from_servo(servo)
        return [*arm, servo, finger, -finger]

    def ee_pose(self) -> Array:
        """Return the pose ``[4, 4]`` of ``ee_gripper_link`` in ``base_link``."""
        return self._pose("ee_gripper_link")

    def fingertips(self) -> Array:
        """Return the pose ``[4, 4]`` of the point between the fingertips, x along the fingers."""
        return self._pose("fingertips")

    def object_pose(self, name: str) -> Array:
        """Return the pose ``[4, 4]`` of the middle of an object's underside in ``base_link``."""
        return self._pose(name)

    def render(self, camera: str = "side", data: mujoco.MjData | None = None) -> npt.NDArray[np.uint8]:
        """Return what a camera sees now, or saw when ``data`` was copied, RGB ``[H, W, 3]`` as large as by contract.

        Raises:
            RenderingError: no such camera, an impossible size, or no way to render on this machine.
        """
        if camera not in self._cameras or mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_CAMERA, camera) < 0:
            raise RenderingError(f"camera {camera!r} is none of the contract's: {', '.join(self._cameras)}")
        size = (self._cameras[camera].width, self._cameras[camera].height)
        if size not in self._renderers:
            self._renderers[size] = CameraRenderer(self.model, *size, self._shadows.draw)
        return self._renderers[size].render(self.data if data is None else data, camera)

    def close(self) -> None:
        """Free what rendering holds."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def _pose(self, name: str) -> Array:
        pose: Array = _IDENTITY.copy()
        pose[:3, :3], pose[:3, 3] = self._frames[name]
        return pose


def _encode(angle: npt.ArrayLike) -> Array:
    """Round rad to whole steps of the encoder, as a servo reports its position."""
    return np.asarray(np.round(np.asarray(angle) / wx250s.ENCODER_STEP) * wx250s.ENCODER_STEP)
