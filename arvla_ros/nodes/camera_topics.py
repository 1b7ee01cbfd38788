"""Pictures of the simulated cameras as the messages that camera nodes publish."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
import rclpy
from cv_bridge import CvBridge
from PIL import Image as PilImage
from rclpy._rclpy_pybind11 import RCLError
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from arvla_ros.nodes.stamps import to_msg
from arvla_ros.robots.contract import Camera

JPEG_QUALITY = 90


class CameraTopics:
    """One raw topic a camera, and, if asked for, one with JPEG beside it.

    Attributes:
        names: The cameras.
    """

    def __init__(self, node: Node, cameras: Sequence[Camera], compressed: bool) -> None:
        self.names = [camera.name for camera in cameras]
        self._bridge = CvBridge()
        self._raw = {
            camera.name: node.create_publisher(Image, camera.topic, qos_profile_sensor_data) for camera in cameras
        }
        self._compressed: dict[str, Publisher] = {}
        if compressed:
            for camera in cameras:
                topic = compressed_topic(camera.topic)
                self._compressed[camera.name] = node.create_publisher(CompressedImage, topic, qos_profile_sensor_data)

    def publish(self, camera: str, frame: npt.NDArray[np.uint8], stamp_ns: int) -> None:
        """Publish a frame ``[H, W, 3]``, RGB; from any thread, and quietly not any more once ROS has ended."""
        try:
            self._publish(camera, frame, stamp_ns)
        except RCLError:
            if rclpy.ok():
                raise

    def _publish(self, camera: str, frame: npt.NDArray[np.uint8], stamp_ns: int) -> None:
        message = self._bridge.cv2_to_imgmsg(frame, "rgb8")
        message.header.stamp, message.header.frame_id = to_msg(stamp_ns), camera
        self._raw[camera].publish(message)
        if camera in self._compressed:
            self._compressed[camera].publish(
                CompressedImage(header=message.header, format="rgb8; jpeg compressed bgr8", data=_jpeg(frame))
            )


def compressed_topic(raw: str) -> str:
    """Return where image_transport publishes the compressed pictures of a raw topic."""
    return f"{raw}/compressed"


def _jpeg(frame: npt.NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    PilImage.fromarray(frame).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
