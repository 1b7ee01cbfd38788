"""What the tests of launching share: commands that report, and `ros2` as a user starts it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LOGS = tempfile.TemporaryDirectory(prefix="launch_logs_")
os.environ["ROS_LOG_DIR"] = LOGS.name  # read by some versions when launch is imported

from launch import LaunchDescription, LaunchDescriptionEntity, LaunchService  # noqa: E402
from launch.actions import SetLaunchConfiguration  # noqa: E402

OWN_ROS2 = Path(sys.executable).with_name("ros2")
ROS2 = str(OWN_ROS2) if OWN_ROS2.exists() else str(shutil.which("ros2"))


def python(code: str, *arguments: str) -> list[str]:
    """The command that runs Python code."""
    return [sys.executable, "-c", code, *arguments]


def write(path: Path, text: str = "yes") -> list[str]:
    """The command that writes a file."""
    return python("import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])", str(path), text)


SLEEP = python("import time; time.sleep(60)")


def run(*entities: LaunchDescriptionEntity, **configurations: str) -> int:
    """Launch entities to the end and return the exit code."""
    service = LaunchService(noninteractive=True)
    settings = [SetLaunchConfiguration(name, value) for name, value in configurations.items()]
    service.include_launch_description(LaunchDescription([*settings, *entities]))
    return service.run()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon unless it is broken."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def ros2(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ros2` to its end."""
    return subprocess.run(
        [ROS2, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


def start_ros2(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `ros2`; its stdout and stderr come as one."""
    return subprocess.Popen(
        [ROS2, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Read lines up to the one that has the text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    raise AssertionError(f"'{text}' never came; what came:\n" + "\n".join(lines))
