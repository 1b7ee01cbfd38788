"""Demonstrations in simulation as episodes of a LeRobot dataset: which columns there are, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from arvla_ros.episodes.layout import DatasetError, Feature, read_json
from arvla_ros.episodes.lerobot_reader import LeRobotDataset, StoredEpisode
from arvla_ros.episodes.lerobot_writer import SOURCE_PATH
from arvla_ros.episodes.staging import Episode, EpisodeFormat
from arvla_ros.robots.contract import ContractError, RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import Disturbance, make_expert
from arvla_ros.sim.props import Prop
from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.tasks import Task
from arvla_ros.sim.tasks.base import Array

STATE = "observation.state"
ACTION = "action"
"""What was sent: the expert's action, or that and a push."""
LABEL = "action.expert"
"""What the expert wants in that state: what a policy learns."""
OBJECTS = "observation.environment_state"
"""``[7 n]``: of each object the middle of its underside (m in ``base_link``) and its quaternion w, x, y, z."""
NAMED = "named_object"
"""Which object the instruction names, counted as in ``OBJECTS``; only of tasks whose instructions name one."""
STAMP = "stamp_ns"
"""Simulated ns since the reset."""
SUCCESS = "next.success"
"""Whether the task is done once the step is over."""
SCORE = "next.score"
"""The task's rubric once the step is over, 0 to 1."""
SEED = "seed"
"""The environment's seed: ``RolloutEnv.reset(seed)`` gives the same beginning."""

_STEPS_AFTER_SUCCESS = 5
_POSE = ("x", "y", "z", "qw", "qx", "qy", "qz")


@runtime_checkable
class NamesObject(Protocol):
    """A task whose every instruction names one object."""

    def target(self, instruction: str) -> Prop:
        """Return the object."""


@dataclass(frozen=True)
class Source:
    """What ``meta/source.json`` says of demonstrations in simulation."""

    task: str
    object_names: tuple[str, ...]
    seed: int
    disturb: float
    miss: float
    randomize: bool
    camera_size: tuple[int, int]
    """Width and height of what was rendered and averaged down to the policy's image, pixels."""
    contract: RobotContract
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            **vars(self),
            "object_names": list(self.object_names),
            "camera_size": list(self.camera_size),
            "contract": self.contract.to_dict(),
        }

    @classmethod
    def read(cls, dataset: LeRobotDataset) -> Source:
        """Read where a dataset comes from.

        Raises:
            DatasetError: it is not from the simulation.
        """
        path = dataset.root / SOURCE_PATH
        held = read_json(path, "only demonstrations of `arvla sim record` can be used here")
        try:
            return cls(
                task=str(held["task"]),
                object_names=tuple(held["object_names"]),
                seed=int(held["seed"]),
                disturb=float(held["disturb"]),
                miss=float(held["miss"]),
                randomize=bool(held["randomize"]),
                camera_size=(int(held["camera_size"][0]), int(held["camera_size"][1])),
                contract=RobotContract.from_dict(held["contract"]),
                versions=dict(held["versions"]),
            )
        except KeyError as error:
            raise DatasetError(f"{path} lacks {error}: the dataset is not from `arvla sim record`") from error
        except (ContractError, IndexError, TypeError, ValueError) as error:
            raise DatasetError(f"{path}: {error}") from error


def demonstrate(env: RolloutEnv, seed: int, disturb: float, miss: float = 0.0) -> Episode:
    """Let the expert do the task once, disturbed or not, and hold what it reached for half a second more."""
    observation = env.reset(seed)
    rng = np.random.default_rng((seed, 1))
    world, task = env.world, env.world.task
    expert, disturbance = make_expert(task.name, rng, miss), Disturbance(rng, disturb)
    rows: list[dict[str, npt.ArrayLike]] = []
    left = _STEPS_AFTER_SUCCESS
    while left > 0 and world.elapsed < task.time_limit_s - 1e-9:
        action = expert.action(world)
        sent = disturbance(action)
        rows.append(
            {
                **{camera_feature(camera.name): _image(env, camera.name) for camera in env.contract.cameras},
                STATE: observation.state,
                LABEL: action,
                ACTION: sent,
                OBJECTS: np.concatenate([pose_numbers(world.object_pose(prop.name)) for prop in task.props]),
                STAMP: round(world.elapsed * 1e9),
                SEED: seed,
            }
        )
        observation = env.step(sent)
        status = env.status()
        rows[-1].update({SUCCESS: status.success, SCORE: status.score})
        left -= status.success
    if isinstance(task, NamesObject):
        named = task.props.index(task.target(world.instruction))
        rows = [{**row, NAMED: named} for row in rows]
    return Episode.from_steps(world.instruction, rows, episode_format(task, env.contract))


def _image(env: RolloutEnv, camera: str) -> npt.NDArray[np.uint8]:
    return env.contract.image(env.world.render(camera))


def camera_feature(camera: str) -> str:
    """Return the name of a camera's feature."""
    return f"observation.images.{camera}"


def episode_format(task: Task, contract: RobotContract) -> EpisodeFormat:
    """Return what the episodes of a task are, at the contract's rate, joints and cameras.

    Raises:
        DatasetError: the control rate is not a whole number.
    """
    if not contract.control_rate_hz.is_integer():
        raise DatasetError(f"control_rate_hz {contract.control_rate_hz} must be a whole number for a dataset")
    actions = tuple(dimension.name for dimension in contract.space.action_dimensions)
    poses = tuple(f"{prop.name}.{key}" for prop in task.props for key in _POSE)
    features: Mapping[str, Feature] = {
        STATE: _numbers(tuple(dimension.name for dimension in contract.space.state_dimensions)),
        ACTION: _numbers(actions),
        LABEL: _numbers(actions),
        **{camera_feature(camera.name): _camera(contract) for camera in contract.cameras},
        OBJECTS: _numbers(poses),
        **({NAMED: Feature("int64", (1,))} if isinstance(task, NamesObject) else {}),
        STAMP: Feature("int64", (1,)),
        SUCCESS: Feature("bool", (1,)),
        SCORE: Feature("float32", (1,)),
        SEED: Feature("int64", (1,)),
    }
    return EpisodeFormat(int(contract.control_rate_hz), features, contract.robot)


def pose_numbers(pose: Array) -> Array:
    """Return position and quaternion ``[7]`` (w first, w not negative) of a pose ``[4, 4]``."""
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(pose[:3, :3]).reshape(9))
    return np.concatenate([pose[:3, 3], quaternion if quaternion[0] >= 0 else -quaternion])


def object_positions(episode: StoredEpisode) -> npt.NDArray[np.float32]:
    """Return where the objects were ``[T, n, 3]``, in the order of ``Source.object_names``: m in ``base_link``."""
    poses: npt.NDArray[np.float32] = episode.column(OBJECTS).reshape(len(episode), -1, len(_POSE))
    return poses[:, :, :3]


def _numbers(names: tuple[str, ...]) -> Feature:
    return Feature("float32", (len(names),), names)


def _camera(contract: RobotContract) -> Feature:
    return Feature("video", (contract.image_height, contract.image_width, 3), ("height", "width", "channels"))
