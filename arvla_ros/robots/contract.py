"""The robot contract: one YAML file says how topics become observations and how actions become commands.

The running nodes, the demonstration writer and training all go through this module, so that what a policy was trained
on and what it meets on the arm cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from arvla_ros.paths import share_directory
from arvla_ros.robots import wx250s
from arvla_ros.robots.action_space import ActionSpace, JointDelta, JointPosition, JointSpace, JointTarget
from arvla_ros.robots.end_effector_space import Bridge, EndEffectorDelta, EndEffectorSpace, ForwardKinematics

JOINT_SPACES: dict[str, type[JointSpace]] = {"joint_delta": JointDelta, "joint_position": JointPosition}
END_EFFECTOR_SPACES: dict[str, type[EndEffectorSpace]] = {"ee_delta": EndEffectorDelta, "bridge": Bridge}
ACTION_SPACES = (*JOINT_SPACES, *END_EFFECTOR_SPACES)

_KINEMATICS: dict[tuple[str, tuple[str, ...]], ForwardKinematics] = {
    ("wx250s", wx250s.ARM_JOINTS): wx250s.forward_kinematics
}


class ContractError(ValueError):
    """A contract file, or data that should match it, does not."""


@dataclass(frozen=True)
class Camera:
    """One camera as it is published: topic and size in pixels."""

    name: str
    topic: str
    width: int
    height: int


@dataclass(frozen=True)
class RobotContract:
    """Names, sizes and units that data and commands of one robot follow.

    What the numbers of the policy's state ``[S]`` and action ``[A]`` mean is told by ``space``, the class that
    ``action_space`` names.
    """

    robot: str
    control_rate_hz: float
    arm_joints: tuple[str, ...]
    finger_joint: str
    action_space: str
    cameras: tuple[Camera, ...]
    image_width: int
    image_height: int

    @classmethod
    def load(cls, path: str | Path = "wx250s") -> RobotContract:
        """Read a contract from a YAML file, or by the name of one that the package ships.

        Raises:
            ContractError: the file is missing, or a field is missing or wrong; the message names it.
        """
        file = Path(path)
        if file.suffix not in (".yaml", ".yml"):
            file = share_directory() / "config" / f"{path}.yaml"
        if not file.is_file():
            raise ContractError(f"robot contract {str(path)!r}: no file {file}")
        try:
            return cls.from_dict(yaml.safe_load(file.read_text()))
        except yaml.YAMLError as error:
            raise ContractError(f"robot contract {file}: not YAML: {error}") from error
        except ContractError as error:
            raise ContractError(f"robot contract {file}: {error}") from error

    @classmethod
    def from_dict(cls, fields: Any) -> RobotContract:
        """Build a contract from parsed YAML or from a checkpoint's ``config.json``.

        Raises:
            ContractError: a field is missing or wrong.
        """
        if not isinstance(fields, dict):
            raise ContractError(f"expected a mapping, got {type(fields).__name__}")
        try:
            contract = cls(
                robot=str(fields["robot"]),
                control_rate_hz=float(fields["control_rate_hz"]),
                arm_joints=tuple(fields["arm_joints"]),
                finger_joint=str(fields["finger_joint"]),
                action_space=str(fields["action_space"]),
                cameras=tuple(Camera(**camera) for camera in fields["cameras"]),
                image_width=int(fields["policy_image"]["width"]),
                image_height=int(fields["policy_image"]["height"]),
            )
        except KeyError as error:
            raise ContractError(f"field {error} is missing") from error
        except (TypeError, ValueError) as error:
            raise ContractError(str(error)) from error
        contract._check()
        return contract

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as ``from_dict`` takes them."""
        return {
            "robot": self.robot,
            "control_rate_hz": self.control_rate_hz,
            "arm_joints": list(self.arm_joints),
            "finger_joint": self.finger_joint,
            "action_space": self.action_space,
            "cameras": [vars(camera) for camera in self.cameras],
            "policy_image": {"width": self.image_width, "height": self.image_height},
        }

    def _check(self) -> None:
        if not self.control_rate_hz > 0:
            raise ContractError(f"control_rate_hz {self.control_rate_hz} must be positive")
        if not self.arm_joints or not self.cameras:
            raise ContractError("arm_joints and cameras must not be empty")
        if min(self.image_width, self.image_height) < 1:
            raise ContractError(f"policy_image {self.image_width}x{self.image_height} must be at least 1x1 pixels")
        for camera in self.cameras:
            columns, rows = camera.width / self.image_width, camera.height / self.image_height
            if min(columns, rows) < 1 or columns % 1 or rows % 1:
                raise ContractError(
                    f"camera {camera.name!r} is {camera.width}x{camera.height}, not a whole multiple of "
                    f"policy_image {self.image_width}x{self.image_height}"
                )
        _ = self.space  # an action space that cannot be built is refused now, not at the first step

    def resized(self, image: tuple[int, int] | None, camera: tuple[int, int] | None) -> RobotContract:
        """Return the contract with other pictures; None leaves a size as it is.

        Args:
            image: Width and height of what the policy sees, pixels.
            camera: Width and height of every camera, pixels.

        Raises:
            ContractError: a size is not positive, or that of a camera not a whole multiple of the image's.
        """
        width, height = image or (self.image_width, self.image_height)
        sizes = [camera or (own.width, own.height) for own in self.cameras]
        cameras = tuple(
            replace(own, width=size[0], height=size[1]) for own, size in zip(self.cameras, sizes, strict=True)
        )
        contract = replace(self, cameras=cameras, image_width=width, image_height=height)
        contract._check()
        return contract

    @cached_property
    def space(self) -> ActionSpace[Any]:
        """What states and actions mean.

        Raises:
            ContractError: ``action_space`` is unknown, or asks for kinematics of an arm that are not known.
        """
        if self.action_space in JOINT_SPACES:
            return self.joint_space
        if self.action_space not in END_EFFECTOR_SPACES:
            raise ContractError(f"action_space {self.action_space!r} is none of {', '.join(ACTION_SPACES)}")
        forward_kinematics = _KINEMATICS.get((self.robot, self.arm_joints))
        if forward_kinematics is None:
            known = "; ".join(f"{robot} with joints {', '.join(joints)}" for robot, joints in _KINEMATICS)
            raise ContractError(
                f"action_space {self.action_space!r} needs the kinematics of {self.robot!r} with joints "
                f"{', '.join(self.arm_joints)}, but those known are of {known}; use {' or '.join(JOINT_SPACES)}"
            )
        return END_EFFECTOR_SPACES[self.action_space](forward_kinematics)

    @cached_property
    def joint_space(self) -> JointSpace:
        """The ``space`` of a contract whose actions ask for joints.

        Raises:
            ContractError: actions ask for a pose of the hand.
        """
        if self.action_space not in JOINT_SPACES:
            raise ContractError(
                f"action_space {self.action_space!r} asks for poses of the hand, which robots.commanding turns into "
                f"joints; this takes {' or '.join(JOINT_SPACES)}"
            )
        return JOINT_SPACES[self.action_space](self.arm_joints)

    @property
    def state_size(self) -> int:
        """Length of the policy state."""
        return len(self.space.state_dimensions)

    @property
    def action_size(self) -> int:
        """Length of the policy action."""
        return len(self.space.action_dimensions)

    def state(
        self,
        names: Sequence[str],
        positions: Sequence[float],
        previous: npt.NDArray[np.float32] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return the policy state ``[S]`` from a JointState, matched by joint name.

        Args:
            names: joints, in any order.
            positions: rad, and m for the finger.
            previous: ``[S]``, the state before, which a quaternion stays close to; None at the start.

        Raises:
            ContractError: a joint is missing, or names and positions differ in length.
        """
        measured = self.measured(names, positions)
        return self.space.state(measured.joints, measured.opening, previous)

    def measured(self, names: Sequence[str], positions: Sequence[float]) -> JointTarget:
        """Return arm joints ``[n]`` in rad and the opening in m from a JointState, matched by joint name.

        Raises:
            ContractError: a joint is missing, or names and positions differ in length.
        """
        if len(names) != len(positions):
            raise ContractError(f"joint state has {len(names)} names but {len(positions)} positions")
        by_name = dict(zip(names, positions, strict=True))
        missing = [joint for joint in (*self.arm_joints, self.finger_joint) if joint not in by_name]
        if missing:
            raise ContractError(f"joint state lacks {', '.join(missing)}; it has {', '.join(names)}")
        joints = np.array([by_name[joint] for joint in self.arm_joints], dtype=np.float64)
        return JointTarget(joints, 2.0 * by_name[self.finger_joint])

    def image(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return what the policy sees ``[image_height, image_width, 3]`` of a camera frame ``[H, W, 3]``, RGB.

        The whole frame is averaged over equal blocks, which needs no filter choice and no image library; a frame that
        has the size already is returned as it is.

        Raises:
            ContractError: the frame is not uint8 RGB, or not a whole multiple of the policy image.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ContractError(f"camera frame must be uint8 [H, W, 3], got {rgb.dtype} {list(rgb.shape)}")
        height, width = rgb.shape[:2]
        rows, columns = height // self.image_height, width // self.image_width
        if rows * self.image_height != height or columns * self.image_width != width or not rows * columns:
            raise ContractError(
                f"camera frame is {width}x{height}, not a whole multiple of {self.image_width}x{self.image_height}"
            )
        if rows == columns == 1:
            return rgb
        # Rows first: the sums along contiguous memory are the cheap ones, and uint16 holds up to 257 of them.
        by_rows = rgb.reshape(self.image_height, rows, width, 3).sum(axis=1, dtype=np.uint16)
        # A channel and a column of the blocks at a time: long strided additions, where a sum would loop over few.
        blocks = by_rows.reshape(self.image_height, self.image_width, columns, 3)
        total = np.full((3, self.image_height, self.image_width), rows * columns // 2, np.uint32)
        for column in range(columns):
            for channel in range(3):
                total[channel] += blocks[:, :, column, channel]
        averaged = np.empty((self.image_height, self.image_width, 3), np.uint8)
        averaged[:] = (total // (rows * columns)).transpose(1, 2, 0)
        return averaged

    def command(self, action: npt.NDArray[np.floating[Any]], state: npt.NDArray[np.floating[Any]]) -> JointTarget:
        """Return joint targets ``[n_arm]`` in rad and the gripper opening in m for an action taken in ``state``.

        Raises:
            ContractError: the action asks for a pose of the hand; ``space.target`` gives it.
        """
        return self.joint_space.target(action, state)

    def action(
        self,
        joint_target: npt.NDArray[np.floating[Any]],
        opening: float,
        state: npt.NDArray[np.floating[Any]],
    ) -> npt.NDArray[np.float32]:
        """Return the action that ``command`` would turn into this target: its inverse, for demonstrations.

        Raises:
            ContractError: actions ask for a pose of the hand; ``space.action`` takes it.
        """
        return self.joint_space.action(JointTarget(joint_target.astype(np.float64), opening), state)
