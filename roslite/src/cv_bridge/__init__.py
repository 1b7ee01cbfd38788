"""Images between ROS messages and numpy arrays, as ROS 2's package of the same name does it, without OpenCV."""

from .core import CvBridge, CvBridgeError

__all__ = ["CvBridge", "CvBridgeError"]
