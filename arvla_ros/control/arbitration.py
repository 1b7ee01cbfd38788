"""Whose command counts: one source at a time, a person before a policy, a deadman where it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arvla_ros.control.joint_state_watch import FUTURE_TOLERANCE_S

Pose = npt.NDArray[np.float64]

SOURCES = ("action_expert", "teleop", "replay")
"""All that may command, unless the guard is told to take fewer."""
TELEOP = "teleop"
"""A person at the controls: takes over from the others, and needs no deadman beside its own."""

# Longest time over which a new target is approached: commands that come slower than this are held at their target.
LONGEST_SEGMENT_S = 0.2
DEADMAN_TIMEOUT_S = 0.3


@dataclass(frozen=True)
class Command:
    """One target of a source.

    Attributes:
        source: Who asks.
        joints: ``[n]`` rad; None: a pose that no joints reach, for which the last target is kept.
        gripper: Opening between the fingers in m.
        stamp: s on the ROS clock.
        age: s from the stamp to now.
        problem: Why ``joints`` is None.
        hold: Why the source cannot go on, in which case nothing else of the command counts; empty while it can.
    """

    source: str
    joints: Pose | None
    gripper: float
    stamp: float
    age: float
    problem: str = ""
    hold: str = ""


class Refusal(NamedTuple):
    """Why a command did not get through: a word to count by, and a sentence."""

    kind: str
    text: str


@dataclass
class Armed:
    """The source that gets through, its newest target, and by when that is to be reached."""

    name: str = ""
    target: Pose | None = None
    gripper: float = float("nan")
    stamp: float = float("-inf")
    commanded_at: float = float("-inf")
    segment_s: float = 0.0
    problem: str = ""


class Arbiter:
    """Keeps the armed source and refuses every command that is not from it, not its newest, or not from now.

    Attributes:
        sources: Names of those who may command.
        deadman_required: Commands of all but teleop pass only while the deadman is held.
        armed: The source that gets through; nameless until one has commanded.
        refused: Commands refused since the start, by kind.
    """

    def __init__(self, joint_count: int, period_s: float, sources: Sequence[str] = SOURCES) -> None:
        """Arbitrate over commands of ``joint_count`` joints for a guard that cycles every ``period_s``."""
        self.sources = tuple(sources)
        self.deadman_required = False
        self.armed = Armed()
        self.refused: Counter[str] = Counter()
        self.last_refusal = ""
        self._barred: dict[str, str] = {}
        self._joint_count = joint_count
        self._period_s = period_s
        self._deadman_held = False
        self._deadman_at = float("-inf")

    def clear(self) -> None:
        """Forget the armed source: the next one that commands may become it."""
        self.armed = Armed()

    def bar(self, source: str, why: str) -> None:
        """Refuse a source that says that it cannot go on, until a person arms anew; the others may command."""
        self._barred[source] = why

    def admit_all(self) -> None:
        """Take back ``bar``: a person has armed."""
        self._barred.clear()

    @property
    def barred(self) -> str:
        """Which sources are barred and why, as a sentence; empty if none is."""
        return "; ".join(f"{source}: {why}" for source, why in self._barred.items())

    def refuse(self, refusal: Refusal) -> str:
        """Count a refusal and return its text."""
        self.refused[refusal.kind] += 1
        self.last_refusal = refusal.text
        return refusal.text

    def check(self, command: Command, oldest_s: float, now: float) -> Refusal | None:
        """Return why a command must not get through, or None."""
        armed = self.armed
        if command.source not in self.sources:
            return Refusal("source", f"source {command.source[:40]!r} is none of {', '.join(self.sources)}")
        if command.source in self._barred:
            return Refusal("barred", f"{command.source!r} could not go on ({self._barred[command.source]}): arm anew")
        taking_over = command.source == TELEOP != armed.name
        if armed.name and command.source != armed.name and not taking_over:
            return Refusal("source", f"source {command.source!r} is not the armed one, {armed.name!r} is")
        if self._needs_deadman(command.source) and not self.deadman_held(now):
            return Refusal("deadman", "the deadman is not held")
        if command.age > oldest_s:
            return Refusal("old", f"command is {command.age:.2f} s old")
        if command.age < -FUTURE_TOLERANCE_S:
            return Refusal("future", f"command is {-command.age:.2f} s in the future")
        if command.stamp <= armed.stamp and not taking_over:
            return Refusal("not_newer", "command is not newer than the last one")
        if command.joints is not None and command.joints.shape != (self._joint_count,):
            return Refusal("length", f"command has {command.joints.size} joints, the arm has {self._joint_count}")
        return None

    def take(self, command: Command, target: Pose, gripper: float, now: float) -> None:
        """Make a command that passed ``check`` the armed source's newest, with ``target`` inside the limits."""
        armed = self.armed
        streams = command.source == armed.name and armed.target is not None
        interval = now - armed.commanded_at if streams else LONGEST_SEGMENT_S
        # The step that is sent with the command's arrival is the first of the segment.
        segment_s = max(min(interval, LONGEST_SEGMENT_S) - self._period_s, 0.0)
        self.armed = Armed(command.source, target, gripper, command.stamp, now, segment_s, command.problem)
        self.last_refusal = ""

    def is_due(self, now: float, wait_s: float) -> bool:
        """Return whether the armed source's next command is expected within ``wait_s``, by its last interval."""
        if self.armed.target is None:
            return False
        expected = self.armed.commanded_at + self.armed.segment_s + self._period_s
        return abs(expected - now) <= wait_s

    def on_deadman(self, held: bool, now: float) -> None:
        """Take in that the deadman is held or released."""
        self._deadman_held, self._deadman_at = held, now

    def deadman_held(self, now: float) -> bool:
        """Return whether the deadman is held, by what was heard lately."""
        return self._deadman_held and now - self._deadman_at <= DEADMAN_TIMEOUT_S

    def deadman_lost(self, now: float) -> str:
        """Return why the armed source has lost its deadman for good, or an empty string."""
        if not self.armed.name or not self._needs_deadman(self.armed.name):
            return ""
        silence = now - self._deadman_at
        return f"the deadman is silent for {silence:.2f} s" if silence > DEADMAN_TIMEOUT_S else ""

    def paused(self) -> bool:
        """Return whether the armed source waits for the deadman to be held again."""
        return bool(self.armed.name) and self._needs_deadman(self.armed.name) and not self._deadman_held

    def rest(self, now: float) -> None:
        """Drop the target but keep the source, whose silence counts from now."""
        self.armed.target, self.armed.commanded_at = None, now

    def _needs_deadman(self, source: str) -> bool:
        return self.deadman_required and source != TELEOP
