"""Action spaces of the hand's pose: deltas from the measured pose, and BridgeData V2's from the target before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from arvla_ros.robots import rotations
from arvla_ros.robots.action_space import ActionSpace, Array, ArrayLike, Dimension, EndEffectorTarget, Vector

ForwardKinematics = Callable[[Array], Array]


class EndEffectorSpace(ActionSpace[EndEffectorTarget]):
    """The state begins with the position of the hand, m in ``base_link``; its joints' forward kinematics tell it."""

    def __init__(self, forward_kinematics: ForwardKinematics) -> None:
        self._forward_kinematics = forward_kinematics

    def target_from_joints(self, joints: ArrayLike, opening: float) -> EndEffectorTarget:
        """Return the pose of the hand; see ``ActionSpace.target_from_joints``."""
        pose = self._pose(joints)
        return EndEffectorTarget(pose[:3, 3], rotations.from_matrix(pose[:3, :3]), opening)

    def _pose(self, joints: ArrayLike) -> Array:
        return self._forward_kinematics(np.asarray(joints, dtype=np.float64))


_POSITION = tuple(Dimension(axis, "m", "quantile") for axis in "xyz")
_SHIFT = tuple(Dimension(f"d{axis}", "m", "quantile") for axis in "xyz")
_QUATERNION = tuple(Dimension(f"q{axis}", "", "none") for axis in "xyzw")
_TURN = tuple(Dimension(f"dq{axis}", "", "none") for axis in "xyzw")


class EndEffectorDelta(EndEffectorSpace):
    """The hand is shifted and turned from its measured pose, along and about the axes of ``base_link``.

    3 translation, 4 quaternion, 1 gripper (AR-VLA, appendix V-B). The paper states neither the frame nor whether poses
    are absolute: here they are deltas along the base's axes, as in BridgeData V2. A turn has a w that is not negative.
    """

    state_dimensions = (*_POSITION, *_QUATERNION, Dimension("opening", "m", "range"))
    action_dimensions = (*_SHIFT, *_TURN, Dimension("opening", "m", "range"))

    def state(self, joints: ArrayLike, opening: float, previous: ArrayLike | None = None) -> Vector:
        """Return position, quaternion and opening; see ``ActionSpace.state``."""
        pose = self._pose(joints)
        near = rotations.IDENTITY if previous is None else previous[3:7]
        return np.hstack((pose[:3, 3], rotations.from_matrix(pose[:3, :3], near), opening)).astype(np.float32)

    def target(
        self, action: ArrayLike, state: ArrayLike, previous: EndEffectorTarget | None = None
    ) -> EndEffectorTarget:
        """Return the measured pose, shifted and turned; see ``ActionSpace.target``.

        The quaternion is in the hemisphere of the previous target's, at the start of the state's.
        """
        measured = rotations.unit(state[3:7], state[3:7])
        turned = rotations.multiply(rotations.unit(action[3:7]), measured)
        return EndEffectorTarget(
            position=state[:3].astype(np.float64) + action[:3],
            rotation=rotations.unit(turned, measured if previous is None else previous.rotation),
            opening=float(action[7]),
        )

    def action(self, target: EndEffectorTarget, state: ArrayLike, previous: EndEffectorTarget | None = None) -> Vector:
        """Return shift and turn from the measured pose; see ``ActionSpace.action``."""
        turn = rotations.multiply(target.rotation, rotations.inverse(rotations.unit(state[3:7])))
        return np.hstack((target.position - state[:3], rotations.unit(turn), target.opening)).astype(np.float32)


_RPY = tuple(Dimension(name, "rad", "quantile") for name in ("roll", "pitch", "yaw"))
_RPY_TURN = tuple(Dimension(f"d{name}", "rad", "quantile") for name in ("roll", "pitch", "yaw"))
# BridgeData V2 measures rotations from a hand that points straight down: D maps the hand's x axis to the base's -z.
_DOWN: Array = rotations.from_matrix(np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]))
# Its gripper value is 0 where one finger is 10 mm from the middle, 1 where it is 35 mm, and not clipped.
_CLOSED, _STROKE = 0.010, 0.025


class Bridge(EndEffectorSpace):
    """BridgeData V2: ``T_target = P Δ P⁻¹ T_previous``, so that lag never adds up to a sinking arm.

    Δ shifts and turns along the axes of ``base_link``, P is the translation to the *measured* position, so the turn
    pivots there, and ``T_previous`` is the previous *target* (``rail-berkeley/bridge_data_robot``,
    ``robot_base_env.py``, ``_next_qpos``). Rotations of the state are roll, pitch, yaw of ``R Dᵀ``, with D the hand
    pointing down; the gripper is 0 closed, 1 open.
    """

    state_dimensions = (*_POSITION, *_RPY, Dimension("gripper", "", "range"))
    action_dimensions = (*_SHIFT, *_RPY_TURN, Dimension("gripper", "", "range"))

    def state(self, joints: ArrayLike, opening: float, previous: ArrayLike | None = None) -> Vector:
        """Return position, roll, pitch, yaw and gripper; see ``ActionSpace.state``."""
        pose = self._pose(joints)
        from_down = rotations.multiply(rotations.from_matrix(pose[:3, :3]), rotations.inverse(_DOWN))
        return np.hstack((pose[:3, 3], rotations.to_rpy(from_down), _gripper(opening))).astype(np.float32)

    def target(
        self, action: ArrayLike, state: ArrayLike, previous: EndEffectorTarget | None = None
    ) -> EndEffectorTarget:
        """Return the previous target, shifted and turned; see ``ActionSpace.target``."""
        before, pivot = previous or _measured(state), state[:3].astype(np.float64)
        turn = rotations.from_rpy(action[3:6])
        return EndEffectorTarget(
            position=pivot + action[:3] + rotations.rotate(turn, before.position - pivot),
            rotation=rotations.unit(rotations.multiply(turn, before.rotation), before.rotation),
            opening=2.0 * (_CLOSED + _STROKE * float(action[6])),
        )

    def action(self, target: EndEffectorTarget, state: ArrayLike, previous: EndEffectorTarget | None = None) -> Vector:
        """Return shift and turn from the previous target; see ``ActionSpace.action``."""
        before, pivot = previous or _measured(state), state[:3].astype(np.float64)
        turn = rotations.unit(rotations.multiply(target.rotation, rotations.inverse(before.rotation)))
        shift = target.position - pivot - rotations.rotate(turn, before.position - pivot)
        return np.hstack((shift, rotations.to_rpy(turn), _gripper(target.opening))).astype(np.float32)


def _measured(state: ArrayLike) -> EndEffectorTarget:
    """Return the pose of a Bridge state, the target of a hand at rest."""
    rotation = rotations.multiply(rotations.from_rpy(state[3:6]), _DOWN)
    return EndEffectorTarget(state[:3].astype(np.float64), rotation, 2.0 * (_CLOSED + _STROKE * float(state[6])))


def _gripper(opening: float) -> float:
    return (opening / 2.0 - _CLOSED) / _STROKE
