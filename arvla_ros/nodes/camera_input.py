"""One camera: its subscription, its newest usable picture, and how it does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from arvla_ros.control.image_watch import ImageLimits, ImageWatch, fingerprint
from arvla_ros.nodes.parameters import Live, declare_number, declare_texts
from arvla_ros.nodes.picture_messages import Picture, PictureError, reader_of
from arvla_ros.nodes.runtime import NodeError
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots.contract import Camera

# Only the newest image counts; a best-effort subscription hears reliable and best-effort cameras alike.
NEWEST_IMAGE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


# Limits by parameter: field, meaning, least value.
_LIMITS = {
    "max_image_age_s": ("max_age_s", "older images are not looked at, s", 0.01),
    "max_camera_skew_s": ("max_skew_s", "images of several cameras captured further apart are not combined, s", 0.0),
    "frozen_after_s": (
        "frozen_after_s",
        "a camera that repeats its pixels under new stamps for longer is frozen, s; 0: it may (simulation)",
        0.0,
    ),
}


@dataclass(frozen=True)
class Frame:
    """A message of a camera, and the time at which its picture was captured."""

    message: Any
    captured_ns: int


def declare_camera_topics(node: Node, cameras: Sequence[Camera]) -> list[str]:
    """Declare ``camera_topics`` and return one topic for each camera of the checkpoint.

    Raises:
        NodeError: there are more or fewer than cameras, or two are the same.
    """
    topics = declare_texts(
        node,
        "camera_topics",
        [camera.topic for camera in cameras],
        "image topics, in the order of the checkpoint's cameras; compressed images where one ends in /compressed",
    )
    if len(topics) != len(cameras):
        raise NodeError(
            f"parameter camera_topics={topics}: the checkpoint takes {len(cameras)} "
            f"({', '.join(camera.name for camera in cameras)})"
        )
    if len(set(topics)) != len(topics):
        raise NodeError(f"parameter camera_topics={topics}: each camera needs a topic of its own")
    return topics


def declare_image_limits(node: Node, limits: ImageLimits) -> dict[str, Live]:
    """Declare the parameters that say which images are looked at; return how they change while running."""
    for name, (field, description, low) in _LIMITS.items():
        setattr(limits, field, declare_number(node, name, getattr(limits, field), description, low, 60.0, live=True))
    return {name: Live(functools.partial(setattr, limits, field)) for name, (field, _, _) in _LIMITS.items()}


class CameraInput:
    """Hears one camera; decides nothing that ``ImageWatch`` does not.

    Attributes:
        topic: where the camera publishes.
        newest: its newest picture that can be looked at; None until there is one.
    """

    def __init__(
        self, node: Node, camera: Camera, topic: str, limits: ImageLimits, on_frame: Callable[[], None]
    ) -> None:
        """Subscribe to the camera.

        Args:
            node: whose clock dates what comes.
            camera: name and size that the checkpoint was trained with.
            topic: where it publishes; compressed pictures if it ends in ``/compressed``.
            limits: shared with the others.
            on_frame: is called after each picture that can be looked at.
        """
        self.topic = topic
        self.newest: Frame | None = None
        self._node = node
        self._name = camera.name
        self._reader = reader_of(topic, camera)
        self._watch = ImageWatch(limits)
        self._on_frame = on_frame
        # Why the newest message does not fit, and why the picture last looked at could not be read.
        self._unfit = self._unreadable = ""
        node.create_subscription(self._reader.message_type, topic, self._on_message, NEWEST_IMAGE)

    def _on_message(self, message: Any) -> None:
        try:
            self._reader.check(message)
            if self.newest is None:
                # Preflight: from now on only what is looked at is decompressed.
                self._reader.rgb(message)
        except PictureError as error:
            self._unfit = str(error)
            self._count_refused(error)
            return
        self._unfit = ""
        is_first = not self._watch.has_seen
        captured_ns = self._watch.saw(to_ns(message.header.stamp), now_ns(self._node), fingerprint(message.data))
        if is_first and self._watch.goes_by_receipt:
            self._node.get_logger().warning(
                f"{self.topic} leaves the stamps of its images zero: they are dated by their arrival, "
                "and whatever came before that is missing from every age"
            )
        if captured_ns is not None:
            self.newest = Frame(message, captured_ns)
            self._on_frame()

    def rgb(self, frame: Frame) -> Picture:
        """Return the picture ``[H, W, 3]`` of one of this camera's frames.

        Raises:
            PictureError: it cannot be read; that is counted.
        """
        try:
            picture = self._reader.rgb(frame.message)
        except PictureError as error:
            self._unreadable = str(error)
            self._count_refused(error)
            raise
        self._unreadable = ""
        return picture

    def _count_refused(self, error: PictureError) -> None:
        self._watch.counts["refused_images"] += 1
        self._node.get_logger().error(f"image on {self.topic} refused: {error}", throttle_duration_sec=5.0)

    @property
    def is_believed(self) -> bool:
        """Whether its newest picture may show what is there now: it neither is silent nor frozen."""
        return self.newest is not None and not self._watch.trouble(now_ns(self._node))

    @property
    def trouble(self) -> str:
        """What is wrong with a camera from which something has come; empty if nothing is."""
        trouble = self._unfit or self._unreadable or self._watch.trouble(now_ns(self._node))
        return f"camera {self._name!r} on {self.topic}: {trouble}" if trouble else ""

    def figures(self) -> dict[str, str]:
        """Return counts, and the delay from stamp to arrival, under the camera's name."""
        figures = {f"{self._name}.{name}": str(count) for name, count in self._watch.counts.items() if count}
        if delays_s := self._watch.delays_s:
            figures[f"{self._name}.stamp_to_arrival_min_p50_ms"] = "{:.1f}, {:.1f}".format(
                *(delay_s * 1e3 for delay_s in delays_s)
            )
        return figures
