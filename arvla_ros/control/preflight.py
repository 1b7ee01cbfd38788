"""What must be so before the first motion: each check returns the exact differences, as sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.control.safety import JointLimits
from arvla_ros.robots.contract import ContractError, RobotContract

Array = npt.NDArray[np.float64]

# rad, rad/s: the driver's limits come as float32, and from degrees.
LIMIT_TOLERANCE = 0.01
# Hz: the driver's own simulation publishes at 30, the driver at 100.
SLOWEST_JOINT_STATES_HZ = 20.0
# Standard deviations around the mean, and share of the range between 1st and 99th percentile beyond its ends, that
# count as seen in training.
SEEN_DEVIATIONS, SEEN_MARGIN = 4.0, 0.2
_ERROR_BITS = {0: "input voltage", 2: "overheating", 3: "encoder", 4: "electrical shock", 5: "overload"}
"""Bits of Hardware_Error_Status in the control table of DYNAMIXEL X."""


class CheckpointUnreadableError(ValueError):
    """A checkpoint's ``config.json`` does not say what states it was trained on."""


@dataclass(frozen=True)
class Modes:
    """How servos are driven: operating mode, profile type (velocity or time), profile velocity and acceleration."""

    mode: str
    profile_type: str
    velocities: Sequence[int]
    accelerations: Sequence[int]


STREAMING_PROFILE = "velocity 0/0"
"""No profile: each goal is gone to at once, as a stream of small steps wants it."""


def mode_differences(what: str, found: Modes, mode: str) -> list[str]:
    """Return how the modes of ``what`` (a group or joint) differ from ``mode`` without a profile."""
    differences = []
    if found.mode != mode:
        differences.append(f"{what} is in mode {found.mode!r}, not {mode!r}")
    profile = f"{found.profile_type} {max(found.velocities, default=0)}/{max(found.accelerations, default=0)}"
    if profile != STREAMING_PROFILE:
        differences.append(f"{what} has the profile {profile}, not {STREAMING_PROFILE}")
    return differences


def limit_differences(
    names: Sequence[str], lower: Sequence[float], upper: Sequence[float], velocity: Sequence[float], ours: JointLimits
) -> list[str]:
    """Return how the driver's joints and limits (rad, rad/s) differ from ours."""
    if tuple(names) != ours.names:
        return [f"the driver's arm has the joints {', '.join(names)}, ours has {', '.join(ours.names)}"]
    differences = []
    for kind, theirs, own in (("lower", lower, ours.lower), ("upper", upper, ours.upper)):
        if len(theirs) != len(own):
            return [f"the driver gives {len(theirs)} {kind} limits for {len(own)} joints"]
        differences += [
            f"{name}'s {kind} limit is {there:.3f} rad at the driver, {here:.3f} here"
            for name, there, here in zip(names, theirs, own, strict=True)
            if not abs(there - here) <= LIMIT_TOLERANCE
        ]
    if len(velocity) != len(names):
        return [*differences, f"the driver gives {len(velocity)} velocity limits for {len(names)} joints"]
    differences += [
        f"{name}'s velocity limit is {there:.3f} rad/s at the driver, {here:.3f} here"
        for name, there, here in zip(names, velocity, ours.velocity, strict=True)
        if not there >= here - LIMIT_TOLERANCE
    ]
    return differences


def hardware_errors(names: Sequence[str], registers: Sequence[int]) -> list[str]:
    """Return which servos report an error in Hardware_Error_Status, and which."""
    errors = []
    for name, register in zip(names, registers, strict=False):
        bits = [text for bit, text in _ERROR_BITS.items() if register >> bit & 1]
        if register:
            errors.append(f"servo {name} reports {', '.join(bits) or hex(register)}: reboot it in the sleep pose")
    return errors


def rate_differences(rate_hz: float) -> list[str]:
    """Return what is wrong with the rate at which joint states arrive."""
    if rate_hz >= SLOWEST_JOINT_STATES_HZ:
        return []
    return [f"joint states arrive at {rate_hz:.0f} Hz, at least {SLOWEST_JOINT_STATES_HZ:.0f} are needed"]


@dataclass(frozen=True)
class SeenStates:
    """The range of states that a checkpoint was trained on, by dimension."""

    contract: RobotContract
    lower: Array
    upper: Array

    @classmethod
    def load(cls, folder: Path) -> SeenStates | None:
        """Read the range from a checkpoint's ``config.json``; None if its normalisation does not tell.

        Raises:
            CheckpointUnreadableError: the file is missing, no JSON, or lacks contract or normalisation.
        """
        file = folder / "config.json"
        try:
            config = json.loads(file.read_text())
            contract = RobotContract.from_dict(config["contract"])
            return cls._from_statistics(contract, config["normalization"]["state"])
        except KeyError as error:
            raise CheckpointUnreadableError(
                f"checkpoint {file}: it lacks {error}, as one of arvla_ros has it"
            ) from error
        except (OSError, ValueError, TypeError, ContractError) as error:
            raise CheckpointUnreadableError(f"checkpoint {file}: {error}") from error

    @classmethod
    def _from_statistics(cls, contract: RobotContract, statistics: dict[str, Any]) -> SeenStates | None:
        offset = np.array(statistics["offset"], dtype=np.float64)
        scale = np.array(statistics["scale"], dtype=np.float64)
        reach = {"mean_std": SEEN_DEVIATIONS, "q99": 1.0 + 2 * SEEN_MARGIN, "q99_mixed": 1.0 + 2 * SEEN_MARGIN}
        if statistics["kind"] not in reach:
            return None
        if offset.shape != (contract.state_size,) or scale.shape != offset.shape:
            raise ValueError(f"normalisation of {offset.size} dimensions for a state of {contract.state_size}")
        half = reach[statistics["kind"]] * scale
        return cls(contract, offset - half, offset + half)

    def differences(self, joints: Array, opening: float) -> list[str]:
        """Return where an arm at ``joints [n]`` (rad), ``opening`` (m) is outside what the checkpoint has seen.

        The gripper is not looked at, nor what has no range of its own, such as the parts of a quaternion.
        """
        state = self.contract.space.state(joints, opening)
        return [
            f"{dimension.name} {value:.2f} {dimension.unit} is outside {low:.2f} to {high:.2f}; call /guard/home"
            for dimension, value, low, high in zip(
                self.contract.space.state_dimensions, state, self.lower, self.upper, strict=True
            )
            if dimension.scaling == "quantile" and not low <= value <= high
        ]
