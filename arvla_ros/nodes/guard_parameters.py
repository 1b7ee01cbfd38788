"""The guard's live parameters: each takes effect with the next cycle, or is refused with the reason."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from rclpy.node import Node

from arvla_ros.control.guard import Guard
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.control.workspace import Workspace
from arvla_ros.nodes.parameters import Live, apply_while_running, declare_flag, declare_live_numbers, declare_numbers
from arvla_ros.robots import wx250s

# m: nothing of the arm is further away than this, and a thinner box than that holds no arm.
FARTHEST, THINNEST = 2.0, 0.05


def declare_live(node: Node, guard: Guard, safety: SafetyFilter, workspace: Workspace) -> None:
    """Declare and apply what may be set while the arm moves."""
    live = {**_limits(node, guard, safety), **_workspace(node, workspace)}
    guard.arbiter.deadman_required = declare_flag(
        node, "deadman_required", False, "policy and replay command only while /deadman is held", live=True
    )
    live["deadman_required"] = Live(functools.partial(setattr, guard.arbiter, "deadman_required"))
    guard.set_dry_run(
        declare_flag(node, "dry_run", False, "compute and publish everything, send nothing to the driver", live=True)
    )
    live["dry_run"] = Live(guard.set_dry_run)
    apply_while_running(node, live)


def _limits(node: Node, guard: Guard, safety: SafetyFilter) -> dict[str, Live]:
    timeouts = guard.timeouts
    numbers = (
        (safety, "max_joint_velocity", "speed limit of every joint, rad/s", 0.05, wx250s.ARM_VELOCITY),
        (safety, "speed_scale", "share of all speed limits that is allowed", 0.01, 1.0),
        (timeouts, "command_timeout_s", "silence of the armed source after which the arm holds, s", 0.1, 10.0),
        (timeouts, "state_timeout_s", "age of the joint states from which the arm holds, s", 0.05, 5.0),
    )
    return declare_live_numbers(node, numbers)


def _workspace(node: Node, workspace: Workspace) -> dict[str, Live]:
    live = {}
    for name, side in (("workspace_min", "lower"), ("workspace_max", "upper")):
        what = "lowest" if side == "lower" else "highest"
        description = f"{what} x, y, z of elbow, wrist and fingertips in base_link, m, -{FARTHEST} to {FARTHEST}"
        check = functools.partial(_check_corner, workspace, side)
        value = declare_numbers(node, name, getattr(workspace, side).tolist(), description, live=True)
        check(value)
        _set_corner(workspace, side, value)
        live[name] = Live(functools.partial(_set_corner, workspace, side), check)
    return live


def _check_corner(workspace: Workspace, side: str, value: Sequence[float]) -> None:
    if len(value) != 3 or not np.all(np.abs(value) <= FARTHEST):
        raise ValueError(f"must be 3 numbers in m, each within {FARTHEST} of the base")
    lower, upper = (value, workspace.upper) if side == "lower" else (workspace.lower, value)
    if not np.all(np.asarray(upper) - np.asarray(lower) >= THINNEST):
        raise ValueError(f"the box from {list(lower)} to {list(upper)} m is thinner than {THINNEST} m")


def _set_corner(workspace: Workspace, side: str, value: Sequence[float]) -> None:
    setattr(workspace, side, np.array(value, dtype=np.float64))
