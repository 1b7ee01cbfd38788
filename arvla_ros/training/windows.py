"""Demonstrations in memory, and the batches that training draws from them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.policy.instructions import InstructionTokenizer
from arvla_ros.sim.demonstrations import ACTION, LABEL, NAMED, OBJECTS, STATE, object_positions
from arvla_ros.training.scenes import Scenes


@dataclass(frozen=True)
class SightBatch:
    """Single images.

    Attributes:
        images: ``[B, H, W, 3]`` uint8.
        words: ``[B, length]`` word ids of an instruction.
        named: ``[B]`` which object it names.
        objects: ``[B, n, 2]`` where all objects are: x, y in ``base_link``, m.
    """

    images: Tensor
    words: Tensor
    named: Tensor
    objects: Tensor


@dataclass(frozen=True)
class WindowBatch:
    """Stretches of episodes of ``T = history + horizon`` steps; the step after the history is the anchor.

    Attributes:
        states: ``[B, T, S]`` measured states, raw units.
        actions: ``[B, T, A]`` what the expert wanted there, raw units.
        inside: ``[B, T]`` bool, which steps belong to the episode.
        sight: the image at the anchor and the episode's instruction.
    """

    states: Tensor
    actions: Tensor
    inside: Tensor
    sight: SightBatch


class DemonstrationWindows:
    """All steps of all demonstrations, one after the other; about 37 kB of memory a step.

    Images are what the first camera saw, decoded; actions are the expert's where it says them, else what was sent.

    Args:
        dataset: where they come from.
        scenes: more pictures to learn sight from.
        instructions: every instruction that the task can give; they make the vocabulary.
        generator: source of all randomness of the batches.

    Raises:
        DatasetError: an episode is damaged, or a feature is missing that training needs.
        InstructionError: an episode has an instruction that the task does not give.
    """

    def __init__(
        self,
        dataset: LeRobotDataset,
        scenes: Scenes,
        instructions: tuple[str, ...],
        generator: torch.Generator,
    ) -> None:
        dataset.require(STATE, ACTION, OBJECTS, NAMED)
        if not dataset.info.cameras:
            raise DatasetError(f"{dataset.root} has no camera: a policy learns from what it sees")
        camera = dataset.info.cameras[0]
        label = LABEL if LABEL in dataset.info.features else ACTION
        episodes = list(dataset)
        self._generator = generator
        self._scenes = scenes
        self.states = torch.cat([torch.from_numpy(episode.column(STATE)) for episode in episodes])
        self.actions = torch.cat([torch.from_numpy(episode.column(label)) for episode in episodes])
        self.objects = torch.stack([torch.from_numpy(object_positions(episode)[0, :, :2]) for episode in episodes])
        self.images = torch.cat([torch.from_numpy(episode.frames(camera)) for episode in episodes])
        lengths = torch.tensor([len(episode) for episode in episodes])
        self._lengths = lengths
        self._first = torch.cumsum(lengths, 0) - lengths
        self._episode_of = torch.repeat_interleave(torch.arange(len(episodes)), lengths)
        tokenizer = InstructionTokenizer(instructions)
        self._words = torch.stack([tokenizer.encode(episode.task) for episode in episodes])
        named_objects = [int(episode.column(NAMED)[0]) for episode in episodes]
        self._named = torch.tensor(named_objects)
        spoken = {(named, episode.task) for named, episode in zip(named_objects, episodes, strict=True)}
        self._ways_to_name = [
            torch.stack([tokenizer.encode(instruction) for target, instruction in sorted(spoken) if target == named])
            for named in range(self.objects.shape[1])
            if any(target == named for target, _ in spoken)
        ]

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.states)

    @property
    def episodes(self) -> int:
        """The number of episodes."""
        return len(self._lengths)

    def sight(self, batch_size: int) -> SightBatch:
        """Draw images, half of them of scenes, each under an instruction for any of its objects."""
        from_scenes = batch_size // 2
        steps = self._integers(len(self), batch_size - from_scenes)
        scenes = self._integers(len(self._scenes.images), from_scenes)
        images = torch.cat((self.images[steps], self._scenes.images[scenes]))
        objects = torch.cat((self.objects[self._episode_of[steps]], self._scenes.objects[scenes]))
        named = self._integers(len(self._ways_to_name), batch_size)
        words = [
            ways[self._integers(len(ways), 1)[0]] for ways in (self._ways_to_name[index] for index in named.tolist())
        ]
        return SightBatch(images, torch.stack(words), named, objects)

    def windows(self, batch_size: int, history: int, horizon: int, longest_pause: int) -> WindowBatch:
        """Draw windows around any step of any episode.

        Args:
            batch_size: number of windows.
            history: steps before the anchor.
            horizon: steps from the anchor on, the anchor included.
            longest_pause: an episode is preceded by 0 … longest_pause steps in which the arm rests where it starts.
        """
        pause = self._integers(longest_pause + 1, batch_size)
        steps = self._integers(len(self), batch_size)
        episode = self._episode_of[steps]
        # Among the first steps of an episode, let some anchors fall into the pause before it.
        anchor = steps - self._first[episode]
        anchor = torch.where(anchor < longest_pause, anchor - pause, anchor)
        place = anchor[:, None] + torch.arange(-history, horizon)
        last = self._lengths[episode][:, None] - 1
        inside = (place >= -pause[:, None]) & (place <= last)
        index = self._first[episode][:, None] + place.clamp(torch.zeros_like(last), last)
        image = index[:, history]
        sight = SightBatch(self.images[image], self._words[episode], self._named[episode], self.objects[episode])
        return WindowBatch(self.states[index], self.actions[index], inside, sight)

    def _integers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._generator)
