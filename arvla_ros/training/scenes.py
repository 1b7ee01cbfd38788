"""Single pictures of random scenes: far more layouts for the eyes than there are demonstrations for the hand."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld

HAND_LOWER, HAND_UPPER = np.array([0.12, -0.16, 0.07]), np.array([0.37, 0.16, 0.27])
"""Box in which the hand is, pointing down: m in ``base_link``."""
# Scenes that a worker renders at a time; as few as that need no workers.
_CHUNK = 50

Rendered = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Scenes:
    """Pictures, and where things are in them.

    Attributes:
        images: ``[n, H, W, 3]`` uint8, as the policy sees them.
        objects: ``[n, objects, 2]`` x, y in ``base_link``, m.
    """

    images: Tensor
    objects: Tensor


def render_scenes(task: str, contract: RobotContract, count: int, seed: int) -> Scenes:
    """Draw layouts as the task does and put the hand anywhere above the table; on all cores.

    Raises:
        TaskError: there is no such task.
        RenderingError: this machine cannot render.
    """
    if count <= _CHUNK:
        world = WidowXWorld(make_task(task), contract)
        try:
            return _scenes([_stack(_render(world, seed, 0, count))])
        finally:
            world.close()
    chunks = [(seed, first, min(_CHUNK, count - first)) for first in range(0, count, _CHUNK)]
    # Spawned, not forked: an OpenGL context does not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn, initializer=_open, initargs=(task, contract)) as pool:
        try:
            return _scenes(list(tqdm(pool.map(_render_chunk, chunks), total=len(chunks), desc=f"{count} scenes")))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_world: WidowXWorld | None = None


def _open(task: str, contract: RobotContract) -> None:
    global _world
    _world = WidowXWorld(make_task(task), contract)


def _render_chunk(chunk: tuple[int, int, int]) -> Rendered:
    assert _world is not None
    return _stack(_render(_world, *chunk))


def _render(world: WidowXWorld, seed: int, first: int, count: int) -> Iterator[Rendered]:
    """Yield picture and positions of the scenes from ``first`` on."""
    for index in range(first, first + count):
        # Three numbers seed another stream than any single number, which is what an episode begins from.
        rng = np.random.default_rng((seed, 2, index))
        scenario = world.task.sample(rng)
        arm = wx250s.gripper_down(rng.uniform(HAND_LOWER, HAND_UPPER))
        world.start(dataclasses.replace(scenario, arm=arm))
        places = [(scenario.objects[prop.name].x, scenario.objects[prop.name].y) for prop in world.task.props]
        image = world.contract.image(world.render(world.contract.cameras[0].name))
        yield image, np.array(places, dtype=np.float32)


def _stack(scenes: Iterable[Rendered]) -> Rendered:
    images, objects = zip(*scenes, strict=True)
    return np.stack(images), np.stack(objects)


def _scenes(chunks: Iterable[Rendered]) -> Scenes:
    images, objects = zip(*chunks, strict=True)
    return Scenes(torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(objects)))
