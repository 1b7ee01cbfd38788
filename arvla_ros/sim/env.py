"""A closed loop around the world at the policy's rate: what a checkpoint is evaluated on without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arvla_ros.control.safety import SafetyFilter
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import Task, TaskStatus
from arvla_ros.sim.world import WidowXWorld

GUARD_RATE_HZ = 50.0
"""Within a control period the guard walks from the last target to the next, with commands at this rate."""


@dataclass(frozen=True)
class Observation:
    """What a policy gets at every step. The picture is apart: ``RolloutEnv.render_policy_image``."""

    state: npt.NDArray[np.float32]
    """``[7]``: arm joints in rad, opening between the fingers in m."""
    instruction: str


class RolloutEnv:
    """One arm, stepped at the contract's control rate; commands pass the same limits as the guard's."""

    def __init__(self, task: Task, contract: RobotContract, randomize: bool = False) -> None:
        """Build the world, with ``randomize`` one that looks different after each reset; call ``reset`` next."""
        self.contract = contract
        self.world = WidowXWorld(task, contract, randomize)
        self._safety = SafetyFilter(wx250s.LIMITS)
        self._substeps = max(1, round(GUARD_RATE_HZ / contract.control_rate_hz))
        self._substep_s = 1 / contract.control_rate_hz / self._substeps
        self._sent = self.world.scenario.arm

    def reset(self, seed: int) -> Observation:
        """Begin the episode that ``seed`` stands for."""
        self._sent = self.world.reset(seed).arm
        return self._observe()

    def step(self, action: npt.NDArray[np.float32]) -> Observation:
        """Execute a policy action ``[7]`` for one control period.

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
        if action.shape != (self.contract.state_size,):
            raise ValueError(f"action must have shape [{self.contract.state_size}], got {list(action.shape)}")
        target, opening = self.contract.command(action, self.world.state())
        for remaining in range(self._substeps, 0, -1):
            towards = self._sent + (target - self._sent) / remaining
            safe = self._safety.apply(towards, opening, self._sent, self._substep_s)
            self._sent = safe.joints
            self.world.set_arm_target(safe.joints)
            self.world.set_gripper_target(safe.gripper)
            self.world.advance(self._substep_s)
            yield

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
        return Observation(self.world.state(), self.world.instruction)
