"""A recorded run as arrays: what the guard, the action expert and the driver said, on one time axis.

Seconds count from the bag's first message and are when a message was received, which every topic has; differences
between messages of one topic (rates, jerk) are taken from their header stamps, which know no delay of the recorder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.episodes.bags import Bag, BagError, BagMessage, stamp_ns
from arvla_ros.robots.contract import ContractError, RobotContract

Array = npt.NDArray[np.float64]

GUARD, STEP, INSTRUCTION = "/guard/state", "/action_expert/step", "/instruction"
AGES = ("ready", "first_used", "commanded", "sent")
"""Fields of AgeBudget.msg: seconds from capture until then."""


@dataclass(frozen=True)
class Span:
    """A stretch of time in one mode, for one reason; numbers in the reason may change meanwhile."""

    begin_s: float
    end_s: float
    mode: int
    reason: str


@dataclass(frozen=True)
class Track:
    """Messages of one topic; ``n`` of them."""

    seconds: Array
    """``[n]``, when they were received."""
    stamps: Array
    """``[n]``, s, what their headers say."""

    def periods(self) -> Array:
        """Return the time between stamps ``[n - 1]``, s."""
        return np.diff(self.stamps)


@dataclass(frozen=True)
class ModeTrack(Track):
    """Messages that tell a mode and the age of the picture that led there."""

    modes: npt.NDArray[np.int64]
    reasons: list[str]
    ages: Array
    """``[n, 4]``, s, by ``AGES``; NaN where it is not known."""

    def spans(self) -> list[Span]:
        """Return the stretches of time in one mode."""
        keys = [(int(mode), without_numbers(reason)) for mode, reason in zip(self.modes, self.reasons, strict=True)]
        starts = [place for place in range(len(keys)) if place == 0 or keys[place] != keys[place - 1]]
        ends = [*starts[1:], len(keys) - 1]
        return [
            Span(float(self.seconds[start]), float(self.seconds[end]), keys[start][0], self.reasons[start])
            for start, end in zip(starts, ends, strict=True)
        ]


@dataclass(frozen=True)
class GuardTrack(ModeTrack):
    """What /guard/state said."""

    requested: Array
    """``[n, 7]``, joints in rad and gripper opening in m; NaN where nothing was asked."""
    sent: Array
    """The same of what was sent."""
    limited: list[tuple[str, ...]]
    refused: npt.NDArray[np.int64]
    dry_run: bool


@dataclass(frozen=True)
class StepTrack(ModeTrack):
    """What /action_expert/step said."""

    staleness: Array
    """``[n]``, s; NaN without a picture."""
    inference: Array
    """``[n]``, s."""
    missed: npt.NDArray[np.int64]
    """``[n]``, missed ticks since the node started."""


@dataclass(frozen=True)
class JointTrack(Track):
    """What the driver measured."""

    positions: Array
    """``[n, 7]``, joints in rad and gripper opening in m."""


@dataclass(frozen=True)
class BagRun:
    """One run; a track is None where its topic has no message."""

    folder: Path
    contract: RobotContract
    begin_s: float
    end_s: float
    guard: GuardTrack | None
    steps: StepTrack | None
    joints: JointTrack | None
    instructions: list[tuple[float, str]]
    counts: dict[str, int]
    """Messages by topic, in the whole bag."""
    bag_s: float
    """Duration of the whole bag."""
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what the seven columns are."""
        return (*self.contract.arm_joints, "gripper")


def read_run(folder: Path, robot_name: str = "wx250s", begin_s: float = 0.0, end_s: float = np.inf) -> BagRun:
    """Read a bag.

    Args:
        folder: of the bag.
        robot_name: namespace of the driver.
        begin_s: what was received earlier is left out, s since the bag's first message.
        end_s: what was received later is left out.

    Raises:
        BagError: it is no bag, or nothing of a run is in it.
    """
    joints_topic = f"/{robot_name}/joint_states"
    contract = RobotContract.load()
    with Bag(folder, salvage=True) as bag:
        warnings = [bag.damage] if bag.damage else []
        found: dict[str, list[BagMessage]] = {name: [] for name in (GUARD, STEP, INSTRUCTION, joints_topic)}
        stop_ns = None if np.isinf(end_s) else bag.start_ns + round(end_s * 1e9)
        try:
            for each in bag.read(found, bag.start_ns + round(begin_s * 1e9), stop_ns):
                found[each.topic].append(each)
        except BagError as error:
            warnings.append(str(error))
        counts, start_ns, bag_s = bag.counts, bag.start_ns, (bag.end_ns - bag.start_ns) * 1e-9
    if not any(found.values()):
        raise BagError(
            f"{folder}: no message on {', '.join(found)} from {begin_s:g} s to {min(end_s, bag_s):g} s; "
            f"the bag has {', '.join(sorted(counts)) or 'nothing'}, and lasts {bag_s:.1f} s"
        )
    return BagRun(
        folder=folder,
        contract=contract,
        begin_s=begin_s,
        end_s=min(end_s, bag_s),
        guard=_guard(found[GUARD], start_ns),
        steps=_steps(found[STEP], start_ns),
        joints=_joints(found[joints_topic], start_ns, contract, warnings),
        instructions=[(_seconds(each, start_ns), str(each.message.data)) for each in found[INSTRUCTION]],
        counts=counts,
        bag_s=bag_s,
        warnings=warnings,
    )


def without_numbers(reason: str) -> str:
    """Return a reason with its numbers left out, to tell one kind of reason from another."""
    return re.sub(r"-?\d+(\.\d+)?", "…", reason)


def _seconds(each: BagMessage, start_ns: int) -> float:
    return (each.log_ns - start_ns) * 1e-9


def _times(messages: Sequence[BagMessage], start_ns: int) -> tuple[Array, Array]:
    """Return when messages were received and what their headers say, s."""
    received = np.array([_seconds(each, start_ns) for each in messages])
    stamps = np.array([stamp_ns(each.message) or each.log_ns for each in messages])
    return received, (stamps - stamps[0]) * 1e-9


def _ages(messages: Sequence[BagMessage]) -> Array:
    """Return the age budgets ``[n, 4]``; bags of versions that had none give NaN."""
    unknown = [-1.0] * len(AGES)
    rows = [
        [float(getattr(each.message.age, name)) for name in AGES] if hasattr(each.message, "age") else unknown
        for each in messages
    ]
    return _known(rows)


def _known(values: Any) -> Array:
    """Return numbers as an array, NaN for the negative ones, which mean "not known"."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(array < 0, np.nan, array)


def _command(joints: Any, gripper: float) -> Array:
    """Return a command ``[7]``; NaN where nothing was commanded or the number of joints is another."""
    if len(joints) != 6:
        return np.full(7, np.nan)
    return np.hstack((np.asarray(joints, dtype=np.float64), gripper))


def _guard(messages: Sequence[BagMessage], start_ns: int) -> GuardTrack | None:
    if not messages:
        return None
    states = [each.message for each in messages]
    return GuardTrack(
        *_times(messages, start_ns),
        modes=np.array([state.mode for state in states], dtype=np.int64),
        reasons=[str(state.reason) for state in states],
        ages=_ages(messages),
        requested=np.array([_command(state.requested, state.requested_gripper) for state in states]),
        sent=np.array([_command(state.sent, state.sent_gripper) for state in states]),
        limited=[tuple(state.limited) for state in states],
        refused=np.array([state.refused for state in states], dtype=np.int64),
        dry_run=any(getattr(state, "dry_run", False) for state in states),
    )


def _steps(messages: Sequence[BagMessage], start_ns: int) -> StepTrack | None:
    if not messages:
        return None
    steps = [each.message for each in messages]
    return StepTrack(
        *_times(messages, start_ns),
        modes=np.array([step.mode for step in steps], dtype=np.int64),
        reasons=[str(step.reason) for step in steps],
        ages=_ages(messages),
        staleness=_known([step.staleness for step in steps]),
        inference=np.array([step.inference_time for step in steps], dtype=np.float64),
        missed=np.array([step.missed_ticks for step in steps], dtype=np.int64),
    )


def _joints(
    messages: Sequence[BagMessage], start_ns: int, contract: RobotContract, warnings: list[str]
) -> JointTrack | None:
    kept: list[BagMessage] = []
    positions: list[npt.NDArray[np.float32]] = []
    refused: list[str] = []
    for each in messages:
        try:
            positions.append(contract.state(each.message.name, each.message.position.tolist()))
            kept.append(each)
        except ContractError as error:
            refused.append(f"at {_seconds(each, start_ns):.1f} s: {error}")
    if refused:
        warnings.append(f"{len(refused)} joint states are left out; the first {refused[0]}")
    if not kept:
        return None
    return JointTrack(*_times(kept, start_ns), positions=np.array(positions, dtype=np.float64))
