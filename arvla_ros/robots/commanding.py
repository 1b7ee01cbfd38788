"""From the actions of a policy to the joints that the arm is told to go to, for every action space."""

from __future__ import annotations

import math

import numpy as np

from arvla_ros.robots import inverse_kinematics, rotations
from arvla_ros.robots.action_space import Array, ArrayLike, EndEffectorTarget, JointTarget
from arvla_ros.robots.contract import RobotContract

LEAD_RAD = 0.5
"""How far the told joints may be ahead of the measured ones where a step begins: a servo trails by less."""
LEAD_M, LEAD_TURN = 0.1, 0.5
"""How far the hand may be told to be ahead of where it is, m and rad: twice BridgeData's largest action."""


class Commander:
    """Keeps what the arm was told last, and takes the next step from there.

    The target before, which BridgeData's actions are composed on, is the pose of the joints that were *told*. So an
    action that was refused, shortened or slowed is not carried on, and nothing winds up.

    Attributes:
        problem: why the last action was not followed and the arm holds; empty if it was.
        limited: whether the last step was shortened.
    """

    def __init__(self, contract: RobotContract, rate_hz: float | None = None) -> None:
        """Command the robot of a contract, ``rate_hz`` times a second; the contract's own rate if None.

        Actions mean a step of the contract's period. At a higher rate each takes its share of the way from the target
        before, which gives the speed that the policy was trained at; at a lower rate the arm is slower.
        """
        self._space = contract.space
        self._share = min(1.0, contract.control_rate_hz / rate_hz) if rate_hz else 1.0
        self.reset()

    def reset(self, told: Array | None = None) -> None:
        """Begin anew from joints ``[n]`` in rad that the arm was told, or, if None, from where it is measured next."""
        self._told, self._opening = told, math.nan
        self.problem, self.limited = "", False

    def follow(
        self, action: ArrayLike, state: ArrayLike, measured: JointTarget, longest: float = math.inf
    ) -> JointTarget:
        """Return where the arm shall go for an action; where it was told before, if that cannot be had.

        Args:
            action: ``[A]`` in raw units, finite.
            state: ``[S]`` in raw units, which the action was taken in.
            measured: where the arm was at the same moment.
            longest: what no joint's target may move by in this step, rad.
        """
        joints = measured.joints
        before = joints if self._told is None else np.clip(self._told, joints - LEAD_RAD, joints + LEAD_RAD)
        opening = measured.opening if math.isnan(self._opening) else self._opening
        self.problem, self.limited = "", False
        try:
            wanted = self._space.target(action, state, self._space.target_from_joints(before, opening))
            goal, self._opening = self._goal(wanted, before, joints), wanted.opening
        except (inverse_kinematics.UnreachableError, rotations.RotationError) as error:
            self.problem, goal, self._opening = str(error), before, opening
        largest = float(np.abs(goal - before).max())
        if largest > longest:
            self.limited, goal = True, before + (goal - before) * (longest / largest)
        self._told = goal
        return JointTarget(goal, self._opening)

    def _goal(self, wanted: JointTarget | EndEffectorTarget, before: Array, measured: Array) -> Array:
        """Return the joints of this step towards a target.

        Raises:
            UnreachableError: no joints bring the hand there, or none near those told before.
        """
        if isinstance(wanted, JointTarget):
            return wanted.joints if self._share == 1.0 else before + self._share * (wanted.joints - before)
        joints = inverse_kinematics.solve(wanted.position, wanted.rotation, before)
        ahead = _towards(self._space.target_from_joints(measured, wanted.opening), wanted)
        step = ahead if self._share == 1.0 else _towards(self._pose(before), ahead, self._share)
        return joints if step is wanted else inverse_kinematics.solve(step.position, step.rotation, before)

    def _pose(self, joints: Array) -> EndEffectorTarget:
        pose: EndEffectorTarget = self._space.target_from_joints(joints, self._opening)
        return pose


def _towards(start: EndEffectorTarget, end: EndEffectorTarget, share: float | None = None) -> EndEffectorTarget:
    """Return the pose a share of the way; without one, ``end`` or, where it is too far, the farthest on the way."""
    shift = end.position - start.position
    turn = rotations.unit(rotations.multiply(end.rotation, rotations.inverse(start.rotation)))
    angle, length = rotations.angle(turn), float(np.linalg.norm(turn[:3]))
    if share is None:
        share = min(1.0, LEAD_M / max(float(np.linalg.norm(shift)), 1e-9), LEAD_TURN / max(angle, 1e-9))
        if share == 1.0:
            return end
    part = rotations.from_axis_angle(turn[:3] / length, share * angle) if length > 0.0 else rotations.IDENTITY
    rotation = rotations.unit(rotations.multiply(part, start.rotation), start.rotation)
    return EndEffectorTarget(start.position + share * shift, rotation, end.opening)
