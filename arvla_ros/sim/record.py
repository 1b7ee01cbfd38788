"""Records demonstrations of the scripted expert, on all cores; run again, it goes on where it stopped."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

import arvla_ros
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.demonstrations import (
    DatasetInfo,
    Demonstration,
    DemonstrationError,
    episode_path,
    write_episode,
    write_info,
)
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import Disturbance, make_expert
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.tasks.reach import Reach, goal_above

# Seeds of demonstrations begin here, so that evaluation on small seeds is always on layouts never trained on.
FIRST_SEED = 1_000_000
_STEPS_AFTER_SUCCESS = 5


@dataclass(frozen=True)
class RecordConfig:
    """What to record, and where to."""

    out: Path
    """Folder for the demonstrations; recording resumes what it holds."""
    task: str = "reach"
    """What to do."""
    episodes: int = 800
    """How many demonstrations the folder is to hold."""
    seed: int = 0
    """Another seed gives other demonstrations."""
    disturb: float = 0.12
    """Probability of a push beginning in a step, from which the expert then recovers; 0 for none."""
    workers: int = 0
    """Processes; 0 for one a core."""


def record(config: RecordConfig) -> int:
    """Record what the folder still lacks; return the exit code.

    Raises:
        TaskError: there is no such task.
        DemonstrationError: the folder holds demonstrations of another kind, or an option is out of range.
    """
    if config.episodes < 1 or not 0 <= config.disturb <= 1 or config.workers < 0 or config.seed < 0:
        raise DemonstrationError(
            f"episodes {config.episodes} must be at least 1, disturb {config.disturb} in 0 to 1, "
            f"workers {config.workers} and seed {config.seed} not negative"
        )
    task, contract = make_task(config.task), RobotContract.load()
    write_info(
        config.out,
        DatasetInfo(
            task=task.name,
            object_names=tuple(prop.name for prop in task.props),
            seed=config.seed,
            disturb=config.disturb,
            contract=contract,
            versions={"arvla_ros": arvla_ros.__version__, "mujoco": version("mujoco")},
        ),
    )
    missing = [index for index in range(config.episodes) if not episode_path(config.out, index).exists()]
    workers = min(config.workers or os.cpu_count() or 1, max(len(missing), 1))
    # Spawned, not forked: an OpenGL context does not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_open, initargs=(config,)) as pool:
        try:
            succeeded = sum(tqdm(pool.map(_record_one, missing), total=len(missing), unit="episode", desc=config.task))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(f"{config.out}: {config.episodes} episodes, {len(missing)} of them new, {succeeded} of these succeeded")
    return 0


class _Recorder:
    """What a worker process keeps between episodes."""

    def __init__(self, config: RecordConfig) -> None:
        self.config = config
        self.env = RolloutEnv(make_task(config.task), RobotContract.load())


_recorder: _Recorder | None = None


def _open(config: RecordConfig) -> None:
    global _recorder
    _recorder = _Recorder(config)


def _record_one(index: int) -> bool:
    assert _recorder is not None
    config = _recorder.config
    demonstration = demonstrate(_recorder.env, demonstration_seed(config.seed, index), config.disturb)
    write_episode(episode_path(config.out, index), demonstration)
    return demonstration.success


def demonstration_seed(seed: int, index: int) -> int:
    """Return the environment's seed of demonstration ``index``."""
    return FIRST_SEED * (1 + seed) + index


def demonstrate(env: RolloutEnv, seed: int, disturb: float) -> Demonstration:
    """Let the expert do the task once, disturbed or not, and hold what it reached for half a second more."""
    observation = env.reset(seed)
    rng = np.random.default_rng((seed, 1))
    expert, disturbance = make_expert(env.world.task.name, rng), Disturbance(rng, disturb)
    target = Reach().target(observation.instruction)
    goal = goal_above(env.world, target)
    props = env.world.task.props
    objects = [env.world.object_pose(prop.name)[:3, 3] for prop in props]
    images, states, actions, executed = [], [], [], []
    left = _STEPS_AFTER_SUCCESS
    while left > 0 and env.world.elapsed < env.world.task.time_limit_s - 1e-9:
        action = expert.action(env.world)
        images.append(env.render_policy_image())
        states.append(observation.state)
        actions.append(action)
        executed.append(disturbance(action))
        observation = env.step(executed[-1])
        left -= env.status().success
    return Demonstration(
        seed=seed,
        instruction=observation.instruction,
        success=env.status().success,
        images=np.stack(images),
        states=np.stack(states),
        actions=np.stack(actions),
        executed=np.stack(executed),
        target=props.index(target),
        goal=goal.astype(np.float32),
        objects=np.stack(objects).astype(np.float32),
    )
