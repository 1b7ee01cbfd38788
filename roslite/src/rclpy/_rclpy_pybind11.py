"""Where programs import rclpy's low-level errors from."""

from rclpy.impl.implementation_singleton import InvalidHandle, RCLError

__all__ = ["InvalidHandle", "RCLError"]
