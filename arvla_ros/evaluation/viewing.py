"""Puts the messages of a run, recorded or live, into rerun: pictures, joints, ages, the arm in space, and what is said.

Messages are told apart by their ROS type; they may be rclpy's or those of a bag, which have the same fields.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from arvla_ros.control.control_loop import Mode as StepMode
from arvla_ros.control.guard import Mode as GuardMode
from arvla_ros.episodes.bag_images import to_rgb
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.evaluation.rerun_viewer import VIEWER, load_rerun, start_viewer
from arvla_ros.evaluation.run_figures import mode_name
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import ContractError, RobotContract

TIMELINE = "time"
# Levels of rcl_interfaces/Log.
_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "CRITICAL"}
_MEASURED, _SENT, _BOX = (40, 40, 40), (31, 119, 180), (214, 39, 40)
_SHOULDER = (0.0, 0.0, 0.11065)
_JPEG_QUALITY = 80
# Numbers are sent together, this often, and the arm is drawn at this rate: rerun takes as long for one as for many.
_BATCH_NS, _DRAWING_NS = 250_000_000, 66_000_000
# A viewer that was closed takes nothing any more.
_FLUSH_S = 10.0


class RunView:
    """A recording in rerun that messages are added to.

    Attributes:
        handled: ROS types that are shown; others are left out.
        skipped: messages that could not be shown.
    """

    def __init__(self, name: str, save: Path | None = None) -> None:
        """Begin a recording in a viewer of its own, or in a file.

        Args:
            name: of the recording.
            save: file to write, ``.rrd``; without one a window opens.

        Raises:
            ViewError: rerun is not installed, or its viewer cannot be started.
            OSError: the file cannot be written.
        """
        self._rerun = load_rerun()
        self._contract = RobotContract.load()
        self._said: dict[str, str] = {}
        self._numbers: dict[str, list[tuple[int, float]]] = {}
        self._now_ns = self._sent_ns = 0
        self._drawn_ns: dict[str, int] = {}
        self.skipped = 0
        self.handled: dict[str, Callable[[str, Any], None]] = {
            "sensor_msgs/msg/Image": self._on_image,
            "sensor_msgs/msg/CompressedImage": self._on_image,
            "sensor_msgs/msg/JointState": self._on_joints,
            "arvla_ros/msg/GuardState": self._on_guard,
            "arvla_ros/msg/ActionStep": self._on_step,
            "arvla_ros/msg/TaskStatus": self._on_task,
            "std_msgs/msg/String": self._on_text,
            "std_msgs/msg/Bool": self._on_flag,
            "rcl_interfaces/msg/Log": self._on_log,
        }
        self._recording = self._rerun.RecordingStream(f"arvla_ros {name}")
        if save is not None:
            save.parent.mkdir(parents=True, exist_ok=True)
            save.open("ab").close()  # rerun itself would fail later, in another thread
            self._recording.save(save)
        else:
            start_viewer()
            self._recording.connect_grpc(VIEWER)
        self._recording.send_blueprint(self._blueprint())
        self._log_workspace()

    def add(self, topic: str, kind: str, received_ns: int, message: Any) -> None:
        """Show a message, at its header's stamp or, without one, when it was received.

        Args:
            topic: its name.
            kind: its type, ``package/msg/Name``.
            received_ns: ns since the Unix epoch.
            message: of rclpy, or of a bag.
        """
        show = self.handled.get(kind)
        if show is None:
            return
        self._now_ns = _stamp_ns(message) or received_ns
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(self._now_ns, "ns"))
        if abs(self._now_ns - self._sent_ns) > _BATCH_NS:
            self._send_numbers()
        try:
            show(topic.strip("/"), message)
        except (DatasetError, ContractError) as error:
            self.skipped += 1
            self._say(f"log/{topic.strip('/')}", f"not shown: {error}", "WARN")

    def close(self) -> None:
        """Write what is waiting to be written."""
        self._send_numbers()
        try:
            self._recording.flush(timeout_sec=_FLUSH_S)
        except (RuntimeError, ValueError):
            print("warning: the viewer was closed before it had everything", file=sys.stderr)
        self._recording.disconnect()

    def _on_image(self, topic: str, message: Any) -> None:
        if hasattr(message, "format"):
            media = "image/png" if "png" in message.format else "image/jpeg"
            self._log(topic, self._rerun.EncodedImage(contents=bytes(message.data), media_type=media))
        else:
            self._log(topic, self._rerun.Image(to_rgb(message)).compress(jpeg_quality=_JPEG_QUALITY))

    def _on_joints(self, topic: str, message: Any) -> None:
        measured = self._contract.state(list(message.name), np.asarray(message.position).tolist())
        self._log_joints("measured", measured)
        self._log_arm("measured", measured, _MEASURED)

    def _on_guard(self, topic: str, message: Any) -> None:
        for name, joints, gripper in (
            ("requested", message.requested, message.requested_gripper),
            ("sent", message.sent, message.sent_gripper),
        ):
            if len(joints) == len(self._contract.arm_joints):
                self._log_joints(name, [*joints, gripper])
        if len(message.sent) == len(self._contract.arm_joints):
            self._log_arm("sent", message.sent, _SENT)
        self._log_ages(topic, message)
        self._number(f"{topic}/refused", message.refused)
        mode = GuardMode(message.mode) if message.mode in list(GuardMode) else None
        level = {GuardMode.HOLD: "WARN", GuardMode.ESTOP: "ERROR"}.get(mode, "INFO") if mode is not None else "WARN"
        source = f", {message.source} commands" if message.source else ""
        self._say_once("log/guard", f"{mode_name(GuardMode, message.mode)} {message.reason}{source}", level)
        self._say_once("log/limits", ", ".join(message.limited) or "nothing limited", "INFO")

    def _on_step(self, topic: str, message: Any) -> None:
        if message.staleness >= 0:
            self._number(f"{topic}/staleness_ms", 1e3 * message.staleness)
        self._number(f"{topic}/inference_ms", 1e3 * message.inference_time)
        self._number(f"{topic}/missed_ticks", message.missed_ticks)
        self._log_ages(topic, message)
        level = "WARN" if message.mode in (StepMode.LATE, StepMode.HOLD) else "INFO"
        self._say_once("log/action_expert", f"{mode_name(StepMode, message.mode)} {message.reason}", level)

    def _on_task(self, topic: str, message: Any) -> None:
        self._number(f"{topic}/score", message.score)
        self._say_once("log/task", f"{message.instruction}: {'success' if message.success else 'not yet'}", "INFO")

    def _on_text(self, topic: str, message: Any) -> None:
        self._log(topic, self._rerun.TextDocument(str(message.data)))
        self._say(f"log/{topic}", str(message.data), "INFO")

    def _on_flag(self, topic: str, message: Any) -> None:
        self._say_once(f"log/{topic}", f"{topic} {str(bool(message.data)).lower()}", "WARN")

    def _on_log(self, topic: str, message: Any) -> None:
        self._say(f"log/{message.name}", str(message.msg), _LEVELS.get(int(message.level), "INFO"))

    def _log(self, path: str, what: Any, static: bool = False) -> None:
        self._recording.log(path, what, static=static)

    def _number(self, path: str, value: float) -> None:
        self._numbers.setdefault(path, []).append((self._now_ns, float(value)))

    def _send_numbers(self) -> None:
        for path, rows in self._numbers.items():
            stamps = np.array([stamp for stamp, _ in rows], dtype="datetime64[ns]")
            scalars = self._rerun.Scalars.columns(scalars=[value for _, value in rows])
            self._recording.send_columns(path, [self._rerun.TimeColumn(TIMELINE, timestamp=stamps)], scalars)
        self._numbers, self._sent_ns = {}, self._now_ns

    def _log_joints(self, name: str, values: Any) -> None:
        for joint, value in zip((*self._contract.arm_joints, "gripper"), values, strict=True):
            self._number(f"joints/{joint}/{name}", value)

    def _log_ages(self, topic: str, message: Any) -> None:
        for name in ("ready", "first_used", "commanded", "sent"):
            age = getattr(getattr(message, "age", None), name, -1.0)
            if age >= 0:
                self._number(f"{topic}/age_ms/{name}", 1e3 * age)

    def _log_arm(self, name: str, joints: Any, colour: tuple[int, int, int]) -> None:
        if abs(self._now_ns - self._drawn_ns.get(name, 0)) < _DRAWING_NS:
            return
        self._drawn_ns[name] = self._now_ns
        points = wx250s.extreme_points(np.asarray(joints, dtype=np.float64)[:6])
        strip = [(0.0, 0.0, 0.0), _SHOULDER, *points.tolist()]
        self._log(f"arm/{name}", self._rerun.LineStrips3D([strip], colors=[colour], radii=[0.006]))

    def _log_workspace(self) -> None:
        self._log("arm", self._rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        size = wx250s.WORKSPACE_UPPER - wx250s.WORKSPACE_LOWER
        box = self._rerun.Boxes3D(mins=[wx250s.WORKSPACE_LOWER], sizes=[size], colors=[_BOX])
        self._log("arm/workspace", box, static=True)

    def _say(self, path: str, text: str, level: str) -> None:
        self._log(path, self._rerun.TextLog(text, level=level))

    def _say_once(self, path: str, text: str, level: str) -> None:
        """Say what differs from what was said there last."""
        if self._said.get(path) != text:
            self._said[path] = text
            self._say(path, text.strip(), level)

    def _blueprint(self) -> Any:
        views = self._rerun.blueprint
        joints = [
            views.TimeSeriesView(origin=f"joints/{joint}", name=joint)
            for joint in (*self._contract.arm_joints, "gripper")
        ]
        age = views.TimeSeriesView(origin="/", contents=["/action_expert/**", "/guard/**"], name="ages, inference")
        return views.Blueprint(
            views.Horizontal(
                views.Vertical(
                    views.Spatial2DView(origin="/", contents=["/**", "- /arm/**"], name="camera"),
                    views.Spatial3DView(origin="arm", name="arm"),
                    views.TextLogView(origin="log", name="modes and reasons"),
                ),
                views.Vertical(views.Grid(*joints, grid_columns=2), age, row_shares=[3, 1]),
                column_shares=[2, 3],
            ),
            collapse_panels=True,
        )


def _stamp_ns(message: Any) -> int:
    stamp = getattr(getattr(message, "header", None), "stamp", None) or getattr(message, "stamp", None)
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec) if stamp is not None else 0
