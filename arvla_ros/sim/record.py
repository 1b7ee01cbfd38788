"""Records demonstrations of the scripted expert, on all cores; run again, it goes on where it stopped."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import arvla_ros
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.lerobot_writer import LeRobotWriter
from arvla_ros.episodes.staging import EpisodeFormat, stage
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim import demonstrations as columns
from arvla_ros.sim.demonstrations import Source, demonstrate, episode_format
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import make_expert
from arvla_ros.sim.tasks import make_task

# Seeds of demonstrations begin here, so that evaluation on small seeds is always on layouts never trained on.
FIRST_SEED = 1_000_000


@dataclass(frozen=True)
class RecordConfig:
    """What to record, and where to."""

    out: Path
    """Folder of the LeRobot dataset; recording resumes what it holds."""
    task: str = "reach"
    """What to do: reach, stack3 or pusht2."""
    episodes: int = 800
    """How many demonstrations the folder is to hold."""
    seed: int = 0
    """Another seed gives other demonstrations."""
    disturb: float | None = None
    """Probability of a push beginning in a step, from which the expert then recovers; 0 for none, without it 0.12 for
    reach and 0.04 for others."""
    miss: float = 0.0
    """Probability that the expert misses a grasp on purpose, and tries again."""
    randomize: bool = False
    """Draw light, colours and camera from the seed."""
    robot: str = "wx250s"
    """Contract: a YAML file, or one that the package ships. `wx250s_wrist` records the wrist camera as well."""
    image_size: tuple[int, int] | None = None
    """Width and height of the recorded pictures; without it what the contract's policy sees, 128 96."""
    camera_size: tuple[int, int] | None = None
    """Width and height that are rendered, whole multiples of the image's, and averaged; without it twice the image's.
    As large as the image is fastest and has jagged edges; 640 480 is the camera of the contract."""
    workers: int = 0
    """Processes; 0 for one a core."""

    def __post_init__(self) -> None:
        if not (0 <= self.pushes <= 1 and 0 <= self.miss <= 1):
            raise DatasetError(f"disturb {self.pushes} and miss {self.miss} are probabilities, 0 to 1")
        if self.episodes < 1 or min(self.workers, self.seed) < 0:
            raise DatasetError(
                f"episodes {self.episodes} must be at least 1, workers {self.workers} and seed {self.seed} not negative"
            )

    @property
    def pushes(self) -> float:
        """What ``disturb`` is for this task."""
        if self.disturb is not None:
            return self.disturb
        return 0.12 if self.task == "reach" else 0.04

    @property
    def contract(self) -> RobotContract:
        """What a policy is trained for: with ``image_size`` or ``camera_size``, cameras are as they are rendered here.

        Raises:
            ContractError: there is none of this name, or sizes do not go together.
        """
        contract = RobotContract.load(self.robot)
        if self.image_size is None and self.camera_size is None:
            return contract
        return contract.resized(self.image_size, self._rendered_size(contract))

    @property
    def rendered_size(self) -> tuple[int, int]:
        """Width and height of what is rendered.

        Twice the default image, averaged down, gives the picture of a camera of 640 x 480 to 39 dB, closer than what
        video makes of it (36 dB).
        """
        return self._rendered_size(RobotContract.load(self.robot))

    def _rendered_size(self, contract: RobotContract) -> tuple[int, int]:
        width, height = self.image_size or (contract.image_width, contract.image_height)
        return self.camera_size or (2 * width, 2 * height)


def record(config: RecordConfig) -> int:
    """Record what the folder still lacks; return the exit code.

    Raises:
        TaskError: there is no such task, or no expert for it.
        DatasetError: the folder holds something else.
    """
    if config.task == "pusht2":
        # Not above: it needs gym-pusht, which the arm does not.
        from arvla_ros.sim.pusht2.record import FORMAT, PushT2Recorder, source_of

        return _record(config, FORMAT, source_of(config), PushT2Recorder)
    task, contract = make_task(config.task, "pusht2"), config.contract
    make_expert(config.task, np.random.default_rng(0))
    source = Source(
        task=task.name,
        object_names=tuple(prop.name for prop in task.props),
        seed=config.seed,
        disturb=config.pushes,
        miss=config.miss,
        randomize=config.randomize,
        camera_size=config.rendered_size,
        contract=contract,
        versions={"arvla_ros": arvla_ros.__version__, "mujoco": version("mujoco")},
    )
    return _record(config, episode_format(task, contract), source.to_dict(), _ArmRecorder)


@dataclass(frozen=True)
class Recorded:
    """What a worker says of an episode."""

    success: bool
    simulated_s: float
    processor_s: float


Recorder = Callable[[int, Path], Recorded]
"""What a worker process keeps: records demonstration ``index`` into a folder."""
MakeRecorder = Callable[[RecordConfig], Recorder]


def _record(config: RecordConfig, form: EpisodeFormat, source: dict[str, Any], make: MakeRecorder) -> int:
    with LeRobotWriter(config.out, form, source) as writer:
        held = len(writer)
        recorded = list(_record_missing(config, writer, make))
    print(f"{config.out}: {max(held, config.episodes)} episodes, {len(recorded)} of them new", end="")
    if recorded:
        simulated, spent = sum(one.simulated_s for one in recorded), sum(one.processor_s for one in recorded)
        print(
            f", {sum(one.success for one in recorded)} of these succeeded; {simulated / spent:.1f} x real time per core"
        )
    else:
        print()
    return 0


def _record_missing(config: RecordConfig, writer: LeRobotWriter, make: MakeRecorder) -> Iterator[Recorded]:
    """Record in worker processes, and yield what becomes part of the dataset, in the order of seeds."""
    missing = range(len(writer), config.episodes)
    folders = [writer.part(index) for index in missing]
    workers = min(config.workers or os.cpu_count() or 1, max(len(missing), 1))
    # Spawned, not forked: an OpenGL context does not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(workers, mp_context=spawn, initializer=_open, initargs=(make, config)) as pool,
        tqdm(total=config.episodes, initial=config.episodes - len(missing), unit="episode", desc=config.task) as bar,
    ):
        try:
            for folder, recorded in zip(folders, pool.map(_record_one, missing, folders), strict=True):
                writer.adopt(folder)
                bar.update()
                yield recorded
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class _ArmRecorder:
    """Records demonstrations of the arm."""

    def __init__(self, config: RecordConfig) -> None:
        self._config = config
        task, contract = make_task(config.task), config.contract
        self._form: EpisodeFormat = episode_format(task, contract)
        self._env = RolloutEnv(task, contract.resized(None, config.rendered_size), config.randomize)

    def __call__(self, index: int, folder: Path) -> Recorded:
        started, config = time.process_time(), self._config
        episode = demonstrate(self._env, demonstration_seed(config.seed, index), config.pushes, config.miss)
        stage(folder, self._form, episode)
        success = episode.columns[columns.SUCCESS]
        return Recorded(bool(success[-1]), len(success) / self._form.fps, time.process_time() - started)


_recorder: Recorder | None = None


def _open(make: MakeRecorder, config: RecordConfig) -> None:
    global _recorder
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _recorder = make(config)


def _die_with_parent() -> None:
    """End this process once its parent was killed, which could not tell it to."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _record_one(index: int, folder: Path) -> Recorded:
    assert _recorder is not None
    return _recorder(index, folder)


def demonstration_seed(seed: int, index: int) -> int:
    """Return the environment's seed of demonstration ``index``."""
    return FIRST_SEED * (1 + seed) + index
