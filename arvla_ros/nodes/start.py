"""The way into every node executable: what only pip provides is there, and Ctrl-C ends it quietly at any moment."""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys

NEEDS = {
    "perception": ("torch", "safetensors", "transformers", "tokenizers"),
    "action_expert": ("torch", "safetensors"),
    "guard": (),
    "sim_widowx": ("mujoco",),
    "recorder": ("mcap", "rosbags"),
    "rollout": ("PIL",),
}
"""Modules without a rosdep key on every distribution, by node."""


def start(name: str) -> int:
    """Run the node ``name``; return the exit code."""
    missing = [module for module in NEEDS[name] if importlib.util.find_spec(module) is None]
    if missing:
        print(
            f"{name}: missing Python modules {', '.join(missing)}; "
            "run `pip install -r $(ros2 pkg prefix arvla_ros)/share/arvla_ros/requirements.txt`",
            file=sys.stderr,
        )
        return 1
    try:
        # Not above: this takes seconds where torch is involved, and may be interrupted.
        return int(importlib.import_module(f"arvla_ros.nodes.{name}").main())
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C, or the launch's own on top of the terminal's, finds an interpreter that is ending anyway.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
