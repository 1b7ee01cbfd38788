"""``arvla episodes rerun``: a recorded run of the policy computed again from its bag, step by step.

Every control step is on record with its state, its picture's age and its action; the pictures are in the bag. The same
checkpoint must give the same actions: where it does not, the bag is not of this checkpoint, or something has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro

from arvla_ros.episodes.bag_images import to_rgb
from arvla_ros.episodes.bags import Bag, BagMessage, stamp_ns
from arvla_ros.episodes.episode_folder import INFO_FILE, EpisodeInfo
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy

_STEP, _INSTRUCTION = "/action_expert/step", "/instruction"
# Staleness is told as a float32 in s: a picture within this of the time that it gives is the one.
_SAME_PICTURE_NS = 2_000_000
SAME = 1e-4
"""Actions closer than this, in their raw units, are the same: other processors round otherwise."""


@dataclass(frozen=True)
class RerunConfig:
    """What to compute again."""

    episode: tyro.conf.Positional[Path]
    """Folder of a recorded episode, or any bag."""
    checkpoint: Path
    """Checkpoint folder that drove."""


@dataclass(frozen=True)
class Rerun:
    """What came out.

    Attributes:
        differences: ``[N]`` largest difference of each action that could be compared, raw units.
        skipped: steps whose history began before the recording, or whose picture is not in it.
    """

    differences: npt.NDArray[np.float64]
    skipped: int


def rerun(config: RerunConfig) -> int:
    """Print how many actions came out the same; return 0 if all did.

    Raises:
        DatasetError: there is nothing to compare.
        CheckpointError: the checkpoint cannot be used.
    """
    policy, perceiver = StreamingPolicy.load(config.checkpoint), Perceiver.load(config.checkpoint)
    result = compute_again(config.episode, policy, perceiver)
    same = int((result.differences <= SAME).sum())
    print(
        f"{same} of {len(result.differences)} actions the same (within {SAME:g}), largest difference "
        f"{result.differences.max():.2e}; {result.skipped} steps could not be compared"
    )
    return 0 if same == len(result.differences) else 1


def compute_again(folder: Path, policy: StreamingPolicy, perceiver: Perceiver) -> Rerun:
    """Return how far the actions of a bag are from those that this policy computes.

    Raises:
        DatasetError: the bag holds no steps of a policy, or none that can be compared.
    """
    camera = policy.contract.cameras[0].topic
    topics = {camera, f"{camera}/compressed", _STEP, _INSTRUCTION}
    instruction = EpisodeInfo.read(folder).instruction if (folder / INFO_FILE).exists() else ""
    with Bag(folder) as bag:
        differences, skipped = [], 0
        for difference in _differences(bag.read(topics), policy, perceiver, instruction):
            if difference is None:
                skipped += 1
            else:
                differences.append(difference)
    if not differences:
        raise DatasetError(
            f"{folder}: no step of a policy can be compared ({skipped} could not): it needs {_STEP} and {camera}, from "
            "a reset of the action expert on"
        )
    return Rerun(np.array(differences), skipped)


def _differences(
    messages: Iterator[BagMessage], policy: StreamingPolicy, perceiver: Perceiver, instruction: str
) -> Iterator[float | None]:
    """Yield for each step the largest difference of its action; None where the bag tells too little."""
    pictures: dict[int, Any] = {}
    last_step, anchored_ns, complete = -1, -1, False
    for each in messages:
        if each.topic == _INSTRUCTION:
            instruction = str(each.message.data)
        elif each.topic != _STEP:
            pictures[stamp_ns(each.message)] = each.message
        elif len(each.message.state) and np.isfinite(each.message.action).all():
            step = each.message
            if step.step <= last_step or last_step < 0:
                policy.reset()
                complete, anchored_ns = step.step == 0, -1
            last_step = int(step.step)
            picture = _picture(pictures, step)
            if picture is not None and picture != anchored_ns:
                image = policy.contract.image(to_rgb(pictures[picture]))
                policy.set_prefix(perceiver.perceive(image[None], instruction), int(step.anchor_step))
                anchored_ns = picture
                pictures = {stamp: held for stamp, held in pictures.items() if stamp >= picture}
            action = policy.step(last_step, np.asarray(step.state, dtype=np.float32))
            # Before the first prefix a step counts for the history alone.
            known = complete and (step.staleness < 0 or picture is not None)
            complete = known
            yield float(np.abs(action - step.action).max()) if known and step.staleness >= 0 else None


def _picture(pictures: dict[int, Any], step: Any) -> int | None:
    """Return the stamp of the picture that a step attended to, None if it attended to none, or it is not there."""
    if step.staleness < 0:
        return None
    captured = stamp_ns(step) - round(float(step.staleness) * 1e9)
    nearest = min(pictures, key=lambda stamp: abs(stamp - captured), default=None)
    return nearest if nearest is not None and abs(nearest - captured) <= _SAME_PICTURE_NS else None
