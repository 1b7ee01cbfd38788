"""A recorded run as arrays: what the guard, the action expert and the driver said, on one time axis.

Seconds count from the earliest header stamp. When a message was received is no measure: a recorder that is short of
time takes what waits for it late and all at once. A message without a header counts as from when the last one with a
header was stamped before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.control.guard import Mode as GuardMode
from arvla_ros.episodes.bags import Bag, BagError, BagMessage, stamp_ns
from arvla_ros.evaluation.run_tracks import AGES, Array, GuardTrack, JointTrack, StepTrack
from arvla_ros.robots.contract import ContractError, RobotContract

GUARD, STEP, INSTRUCTION = "/guard/state", "/action_expert/step", "/instruction"


@dataclass(frozen=True)
class BagRun:
    """One run; a track is None where its topic has no message."""

    folder: Path
    contract: RobotContract
    robot_name: str
    begin_s: float
    end_s: float
    guard: GuardTrack | None
    steps: StepTrack | None
    joints: JointTrack | None
    instructions: list[tuple[float, str]]
    counts: dict[str, int]
    """Messages by topic, in the whole bag."""
    bag_s: float
    """Duration of the whole bag, s, as it was received."""
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
        begin_s: what was stamped earlier is left out, s since the first stamp.
        end_s: what was stamped later is left out.

    Raises:
        BagError: it is no bag, or nothing of a run is in it.
    """
    contract = RobotContract.load()
    joints_topic = f"/{robot_name}/joint_states"
    with Bag(folder, salvage=True) as bag:
        warnings = [bag.damage] if bag.damage else []
        found = _read(bag, (GUARD, STEP, joints_topic, INSTRUCTION), warnings)
        counts, bag_s = bag.counts, (bag.end_ns - bag.start_ns) * 1e-9
    cut = {
        topic: [(second, message) for second, message in rows if begin_s <= second <= end_s]
        for topic, rows in found.items()
    }
    last_s = max((rows[-1][0] for rows in found.values() if rows), default=0.0)
    if not any(cut.values()):
        raise BagError(
            f"{folder}: no message on {', '.join(found)} from {begin_s:g} s to {min(end_s, last_s):g} s; "
            f"the bag has {', '.join(sorted(counts)) or 'nothing'}, and lasts {bag_s:.1f} s"
        )
    return BagRun(
        folder=folder,
        contract=contract,
        robot_name=robot_name,
        begin_s=begin_s,
        end_s=min(end_s, last_s),
        guard=_guard(cut[GUARD]),
        steps=_steps(cut[STEP]),
        joints=_joints(cut[joints_topic], contract, warnings),
        instructions=[(second, str(message.data)) for second, message in cut[INSTRUCTION]],
        counts=counts,
        bag_s=bag_s,
        warnings=warnings,
    )


Rows = list[tuple[float, Any]]
"""Messages of one topic with when they were stamped, s; ascending."""


def _read(bag: Bag, topics: Sequence[str], warnings: list[str]) -> dict[str, Rows]:
    stamped: dict[str, list[tuple[int, Any]]] = {topic: [] for topic in topics}
    newest_ns = 0
    waiting: list[BagMessage] = []
    try:
        for each in bag.read(topics):
            if hasattr(each.message, "header"):
                newest_ns = stamp_ns(each.message) or each.log_ns
            elif not newest_ns:
                waiting.append(each)
                continue
            stamped[each.topic].append((newest_ns, each.message))
    except BagError as error:
        warnings.append(str(error))
    first_ns = min((rows[0][0] for rows in stamped.values() if rows), default=0)
    for each in reversed(waiting):
        stamped[each.topic].insert(0, (first_ns, each.message))
    return {
        topic: sorted((((ns - first_ns) * 1e-9, message) for ns, message in rows), key=lambda row: row[0])
        for topic, rows in stamped.items()
    }


def _times(rows: Rows) -> Array:
    return np.array([second for second, _ in rows])


def _ages(rows: Rows) -> Array:
    """Return the age budgets ``[n, 4]``; bags of versions that had none give NaN."""
    unknown = [-1.0] * len(AGES)
    return _known(
        [
            [float(getattr(message.age, name)) for name in AGES] if hasattr(message, "age") else unknown
            for _, message in rows
        ]
    )


def _known(values: Any) -> Array:
    """Return numbers as an array, NaN for the negative ones, which mean "not known"."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(array < 0, np.nan, array)


def _command(joints: Any, gripper: float) -> Array:
    """Return a command ``[7]``; NaN where nothing was commanded or the number of joints is another."""
    if len(joints) != 6:
        return np.full(7, np.nan)
    return np.hstack((np.asarray(joints, dtype=np.float64), gripper))


def _guard(rows: Rows) -> GuardTrack | None:
    if not rows:
        return None
    states = [message for _, message in rows]
    modes = np.array([state.mode for state in states], dtype=np.int64)
    # While it passes nothing on, the guard still tells of the last command that it did.
    ages = np.where((modes == GuardMode.ACTIVE)[:, None], _ages(rows), np.nan)
    return GuardTrack(
        seconds=_times(rows),
        modes=modes,
        reasons=[str(state.reason) for state in states],
        ages=ages,
        requested=np.array([_command(state.requested, state.requested_gripper) for state in states]),
        sent=np.array([_command(state.sent, state.sent_gripper) for state in states]),
        limited=[tuple(state.limited) for state in states],
        refused=np.array([state.refused for state in states], dtype=np.int64),
        dry_run=any(getattr(state, "dry_run", False) for state in states),
    )


def _steps(rows: Rows) -> StepTrack | None:
    if not rows:
        return None
    steps = [message for _, message in rows]
    return StepTrack(
        seconds=_times(rows),
        modes=np.array([step.mode for step in steps], dtype=np.int64),
        reasons=[str(step.reason) for step in steps],
        ages=_ages(rows),
        staleness=_known([step.staleness for step in steps]),
        inference=np.array([step.inference_time for step in steps], dtype=np.float64),
        missed=np.array([step.missed_ticks for step in steps], dtype=np.int64),
    )


def _joints(rows: Rows, contract: RobotContract, warnings: list[str]) -> JointTrack | None:
    kept: Rows = []
    positions: list[npt.NDArray[np.float32]] = []
    refused: list[str] = []
    for second, message in rows:
        try:
            positions.append(contract.state(message.name, message.position.tolist()))
            kept.append((second, message))
        except ContractError as error:
            refused.append(f"at {second:.1f} s: {error}")
    if refused:
        warnings.append(f"{len(refused)} joint states are left out; the first {refused[0]}")
    if not kept:
        return None
    return JointTrack(seconds=_times(kept), positions=np.array(positions, dtype=np.float64))
