"""A place ahead of the others for what must not wait: the processor, while this node has something to do."""

from __future__ import annotations

import os

from rclpy.node import Node

# Above every ordinary process, below what the kernel's own threads use.
_REALTIME_PRIORITY = 20
_HELPERS_PRIORITY = 10
_NICENESS = -11


def come_first(node: Node) -> None:
    """Let this process run before others, the calling thread before its own others; say so where this user may not.

    The threads that this process has by now come along, because they hold what the calling thread waits for, Python's
    lock and the middleware's: put to sleep in favour of another process, they would hold it up for as long. Linux stops
    real-time threads that never pause for 5 % of the time, so that a machine cannot be lost to one.
    """
    try:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(_HELPERS_PRIORITY))
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
