"""The QoS profiles of this package's topics (design: newest wins where it counts, nothing queues up)."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Late joiners get the last value: /instruction, /estop."""

NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Only the last value matters, and it must arrive: /vl_prefix, /arm/command."""

TELEMETRY = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
"""A slow reader must not hold up control: steps, states."""
