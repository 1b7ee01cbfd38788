"""A place ahead of the others for what must not wait: the processor, while this node has something to do."""

from __future__ import annotations

import os

from rclpy.node import Node

# Above every ordinary process, below what the kernel's own threads use.
_REALTIME_PRIORITY = 20
_NICENESS = -11


def come_first(node: Node) -> None:
    """Let the calling thread run before others, as far as this user may; say so where it may not.

    Only this thread: DDS and decoding wait their turn. Linux stops a real-time thread that never pauses for 5 % of the
    time, so that a machine cannot be lost to one.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME_PRIORITY))
        return
    except OSError:
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    except OSError:
        node.get_logger().info(
            "runs among all others: on a busy machine ticks come late; "
            "a line `YOU - rtprio 20` in /etc/security/limits.conf lets it come first"
        )
