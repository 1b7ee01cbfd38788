"""A closed loop around the world at the policy's rate: what a checkpoint is evaluated on without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arvla_ros.control.safety import SafetyFilter
from arvla_ros.robots import wx250s
from arvla_ros.robots.commanding import Commander
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import Task, TaskStatus
from arvla_ros.sim.world import WidowXWorld

GUARD_RATE_HZ = 50.0
"""Within a control period the guard walks from the last target to the next, with commands at this rate."""


@dataclass(frozen=True)
class Observation:
    """What a policy gets at every step. The picture is apart: ``RolloutEnv.render_policy_image``."""

    state: npt.NDArray[np.float32]
    """``[S]`` of the contract's action space: by default arm joints in rad, opening between the fingers in m."""
    instruction: str


class RolloutEnv:
    """One arm, stepped at the contract's control rate.

    Actions become joints as in the control loop; commands pass the guard's limits of position and velocity, by its own
    code; not those of acceleration and workspace.
    """

    def __init__(self, task: Task, contract: RobotContract, randomize: bool = False) -> None:
        """Build the world, with ``randomize`` one that looks different after each reset; call ``reset`` next."""
        self.contract = contract
        self.world = WidowXWorld(task, contract, randomize)
        self._commander = Commander(contract)
        self._safety = SafetyFilter(wx250s.LIMITS)
        self._substeps = max(1, round(GUARD_RATE_HZ / contract.control_rate_hz))
        self._substep_s = 1 / contract.control_rate_hz / self._substeps
        self._begin()

    def reset(self, seed: int) -> Observation:
        """Begin the episode that ``seed`` stands for."""
        self.world.reset(seed)
        self._begin()
        return self._observe()

    def _begin(self) -> None:
        self._sent = self.world.scenario.arm
        self._state: npt.NDArray[np.float32] | None = None
        self._commander.reset(self._sent)

    @property
    def unreachable(self) -> str:
        """Why the arm held still in the last step: its action asked for a pose that no joints reach; else empty."""
        return self._commander.problem

    def step(self, action: npt.NDArray[np.float32]) -> Observation:
        """Execute a policy action ``[A]`` for one control period.

        Raises:
            ValueError: the action has the wrong length or is not finite.
        """
        for _ in self.substeps(action):
            pass
        return self._observe()

    def substeps(self, action: npt.NDArray[np.float32]) -> Iterator[None]:
        """Do what ``step`` does, with a pause after each command to the driver, at ``GUARD_RATE_HZ``: to film it.

        Raises:
            ValueError: the action has the wrong length or is not finite.
        """
        if action.shape != (self.contract.action_size,):
            raise ValueError(f"action must have shape [{self.contract.action_size}], got {list(action.shape)}")
        if not np.isfinite(action).all():
            raise ValueError(f"action is not finite: {action.tolist()}")
        target, opening = self._commander.follow(action, self._measure(), self._measured)
        goal = self._safety.limit_target(target, opening)
        for remaining in range(self._substeps, 0, -1):
            wanted = (goal.joints - self._sent) / (remaining * self._substep_s)
            self._sent = self._safety.step(self._sent, wanted, wanted, self._substep_s).joints
            self.world.set_arm_target(self._sent)
            self.world.set_gripper_target(goal.gripper)
            self.world.advance(self._substep_s)
            yield

    def _measure(self) -> npt.NDArray[np.float32]:
        self._measured = self.world.measured()
        self._state = self.contract.space.state(*self._measured, self._state)
        return self._state

    def render_policy_image(self) -> npt.NDArray[np.uint8]:
        """Return what the policy sees now: the first camera's frame, averaged down by the contract."""
        return self.contract.image(self.world.render(self.contract.cameras[0].name))

    def status(self) -> TaskStatus:
        """Return how the episode stands."""
        return self.world.status()

    @property
    def over(self) -> bool:
        """Whether the episode has succeeded or its time is up."""
        return self.status().success or self.world.elapsed >= self.world.task.time_limit_s - 1e-9

    def close(self) -> None:
        """Free what rendering holds."""
        self.world.close()

    def _observe(self) -> Observation:
        return Observation(self._measure(), self.world.instruction)
