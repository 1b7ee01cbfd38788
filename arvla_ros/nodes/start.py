"""The way into every node executable: what only pip provides is there, and Ctrl-C ends it quietly at any moment."""

from __future__ import annotations

import gc
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
    "replay": ("rosbags",),
    "rollout": ("PIL",),
    "teleop": (),
    "view": ("mcap", "rosbags"),
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
        code = _run(name)
        _end_quietly()
    except KeyboardInterrupt:
        # The second Ctrl-C came between the two lines above, or while the node was closing.
        code = 0
        _end_quietly()
    return code


def _run(name: str) -> int:
    try:
        # Not above: this takes seconds where torch is involved, and may be interrupted.
        return int(importlib.import_module(f"arvla_ros.nodes.{name}").main())
    except KeyboardInterrupt:
        return 0


def _end_quietly() -> None:
    # A second Ctrl-C, or the launch's own on top of the terminal's, finds an interpreter that is ending anyway.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Or it would look through all of torch's modules for garbage, 0.5 s of CPU time, with launch waiting for it.
    gc.freeze()
