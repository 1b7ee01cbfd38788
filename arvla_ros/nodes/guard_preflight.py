"""What the guard makes sure of before the first motion; it stays still until that is so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rclpy.node import Node

from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.preflight import CheckpointUnreadableError, SeenStates, rate_differences
from arvla_ros.control.safety import JointLimits
from arvla_ros.nodes.guard_driver import DriverError, DriverServices
from arvla_ros.nodes.parameters import declare_flag, declare_text
from arvla_ros.nodes.runtime import NodeError
from arvla_ros.paths import share_directory
from arvla_ros.robots import wx250s

# rad: nearer than this to the sleep pose, the arm rests on itself and may lose its torque.
ASLEEP_WITHIN = 0.15


def is_asleep(reading: Reading | None) -> bool:
    """Return whether the arm is measured in the sleep pose."""
    return reading is not None and bool(np.abs(reading.joints - wx250s.SLEEP).max() <= ASLEEP_WITHIN)


class Preflight:
    """Driver, servos and start pose, checked once before the first motion, and the start pose again after home."""

    def __init__(self, node: Node, driver: DriverServices, limits: JointLimits, gripper_mode: str) -> None:
        """Declare the parameters that say what is checked.

        Raises:
            NodeError: there is no such checkpoint, or it cannot be read.
        """
        self._driver = driver
        self._limits = limits
        self._gripper_mode = gripper_mode
        self._logger = node.get_logger()
        asks = declare_flag(node, "preflight", True, "check driver and servos before the first motion")
        self._set_modes = declare_flag(
            node,
            "set_modes",
            True,
            "set operating modes and profile once, in the sleep pose, if they are not as needed",
        )
        checkpoint = declare_text(
            node, "checkpoint", "", "checkpoint whose states the start pose must be among; empty: any start pose"
        )
        self._seen = _load(checkpoint) if checkpoint else None
        self._driver_is_checked = not asks
        self._start_is_checked = False
        self._is_running = False

    def moved_home(self) -> None:
        """Check the start pose again before the next motion of a source."""
        self._start_is_checked = False

    async def problem(self, measured: Reading, rate_hz: float, for_a_source: bool) -> str:
        """Return why the arm must not move yet, with every difference, or an empty string.

        Args:
            measured: Where the arm is.
            rate_hz: At which joint states arrive.
            for_a_source: A source is about to command, so the start pose counts.
        """
        if self._is_running:
            return "preflight is still running: ask again"
        self._is_running = True
        try:
            if not self._driver_is_checked:
                differences = rate_differences(rate_hz) + await self._check_driver(measured)
                if differences:
                    return "preflight: " + "; ".join(differences)
                self._driver_is_checked = True
        except DriverError as error:
            return f"preflight: {error}"
        finally:
            self._is_running = False
        if for_a_source and not self._start_is_checked and self._seen is not None:
            differences = self._seen.differences(measured.joints, measured.opening)
            if differences:
                return "preflight: " + "; ".join(differences)
        self._start_is_checked = self._start_is_checked or for_a_source
        return ""

    async def _check_driver(self, measured: Reading) -> list[str]:
        differences = await self._driver.differences(self._limits)
        modes = await self._driver.mode_differences(self._gripper_mode)
        if modes and not differences and self._set_modes:
            if not is_asleep(measured):
                # Drivers up to 0.3.3 drop the torque of every servo for it, later ones if the mode really changes.
                return [
                    *modes,
                    "setting them may drop the torque, which is done in the sleep pose only: bring the arm there, "
                    "or start the driver with mode_configs:=config/modes.yaml of this package",
                ]
            self._logger.info(f"setting operating modes: {'; '.join(modes)}")
            await self._driver.set_modes(self._gripper_mode)
            modes = await self._driver.mode_differences(self._gripper_mode)
        return differences + modes


def _load(checkpoint: str) -> SeenStates | None:
    for folder in (Path(checkpoint).expanduser(), share_directory() / "checkpoints" / checkpoint):
        if folder.is_dir():
            try:
                return SeenStates.load(folder)
            except CheckpointUnreadableError as error:
                raise NodeError(f"parameter {error}") from error
    raise NodeError(
        f"parameter checkpoint={checkpoint!r}: no such folder on this host; give one with config.json, the name of one "
        "that the package ships, or leave it empty"
    )
