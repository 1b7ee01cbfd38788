"""Checkpoint and device parameters of the two nodes that run a part of the policy."""

from __future__ import annotations

from pathlib import Path

import torch
from rclpy.node import Node

from arvla_ros.nodes.parameters import declare_text
from arvla_ros.nodes.runtime import NodeError
from arvla_ros.paths import share_directory
from arvla_ros.policy.devices import DeviceError, check_device, check_dtype
from arvla_ros.policy.prefix import DTYPES


def declare_checkpoint(node: Node) -> Path:
    """Declare ``checkpoint`` and return its folder: a path, or the name of one that the package ships."""
    value = declare_text(node, "checkpoint", "reach", "checkpoint folder, or the name of one that the package ships")
    shipped = share_directory() / "checkpoints"
    for folder in (Path(value).expanduser(), shipped / value):
        if value and folder.is_dir():
            return folder
    names = ", ".join(sorted(path.name for path in shipped.glob("*") if path.is_dir())) or "none"
    raise NodeError(
        f"parameter checkpoint={value!r}: no such folder; give a folder with config.json, "
        f"or one that the package ships: {names}"
    )


def declare_device(node: Node) -> torch.device:
    """Declare ``device`` and return it, if torch can compute on it."""
    value = declare_text(node, "device", "cpu", "torch device: cpu, cuda, cuda:1")
    try:
        device = check_device(value)
    except DeviceError as error:
        raise NodeError(f"parameter {error}") from error
    # One process, one core: torch's own threads would take turns with the rest of the stack.
    torch.set_num_threads(1)
    return device


def declare_dtype(node: Node, description: str) -> str:
    """Declare ``dtype`` and return it, a name of ``DTYPES``."""
    value = declare_text(node, "dtype", "float32", f"{description}: {', '.join(DTYPES)}")
    try:
        return check_dtype(value)
    except DeviceError as error:
        raise NodeError(f"parameter {error}") from error
