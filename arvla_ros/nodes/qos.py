"""The QoS profiles of this package's topics (design: newest wins where it counts, nothing queues up)."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Late joiners get the last value: /instruction, /estop."""

ESTOP = QoSProfile(depth=16, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""To hear /estop: where one switch is released, that must not take the place of another's press, not read yet."""

NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Only the last value matters, and it must arrive: /vl_prefix, /arm/command."""

TELEMETRY = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
"""A slow reader must not hold up control: steps, states."""
