"""The viewer of rerun: an optional package, and a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

_PORT = 9876
VIEWER = f"rerun+http://127.0.0.1:{_PORT}/proxy"
"""Where a viewer on this host takes what is to be shown."""

_WITHOUT_WINDOW = "write a file with --save run.rrd, and open it where there is a display with `rerun run.rrd`"


class ViewError(ValueError):
    """Nothing can be shown here; the message says what to install or to do instead."""


def load_rerun() -> Any:
    """Return the module ``rerun``.

    Raises:
        ViewError: it is not installed.
    """
    try:
        # Not above: everything but viewing does without it.
        import rerun
        import rerun.blueprint
    except ImportError as error:
        raise ViewError(f"arvla view needs rerun ({error}): `pip install 'rerun-sdk>=0.27,<1'`") from error
    return rerun


def start_viewer() -> None:
    """Start the viewer as a process that outlives this one; it listens on this host alone.

    Raises:
        ViewError: it cannot be started.
    """
    # Without a display the viewer would listen for minutes before it gives up.
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ViewError(f"no window can be opened: neither DISPLAY nor WAYLAND_DISPLAY is set; {_WITHOUT_WINDOW}")
    command = [sys.executable, "-m", "rerun", "--bind", "127.0.0.1", "--port", str(_PORT), "--expect-data-soon"]
    viewer = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        _, said = viewer.communicate(timeout=2.0)
    except subprocess.TimeoutExpired:
        return
    # A viewer that runs already takes what comes on its port, and the one just started gives way to it.
    if viewer.returncode:
        lines = [line for line in (said or "").splitlines() if line.strip()]
        raise ViewError(
            f"the viewer ended with exit code {viewer.returncode} ({lines[-1].strip() if lines else 'no message'}); "
            f"{_WITHOUT_WINDOW}"
        )
