"""What tests on a real network share: a domain of their own, and programs in processes of their own."""

import fcntl
import gc
import importlib.util
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import launch.substitutions
import pytest
import rclpy
from rclpy.node import Node

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode importlib does not

from ros_helpers import Start

DOMAINS = range(1, 50)

# What Humble does not have is tested where it is: these files need Iron or later.
collect_ignore_glob = [] if importlib.util.find_spec("rclpy.event_handler") else ["test_since_iron_*.py"]
collect_ignore_glob += [] if hasattr(launch.substitutions, "FileContent") else ["test_since_jazzy_launch.py"]
collect_ignore_glob += [] if hasattr(launch.substitutions, "PathSubstitution") else ["test_since_kilted_launch.py"]


def pytest_collection_finish() -> None:
    """Leave the modules that were imported out of later collections, which then take milliseconds."""
    gc.collect()
    gc.freeze()


def domains_by_last_use() -> list[Path]:
    """Return a file for each domain, that of the longest unused first: processes that were killed haunt a domain."""
    folder = Path(tempfile.gettempdir()) / "roslite_test_domains"
    folder.mkdir(exist_ok=True)
    files = [folder / str(domain) for domain in DOMAINS]
    for file in files:
        file.open("a").close()
    return sorted(files, key=lambda file: file.stat().st_mtime)


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Reserve a domain that no other test on this machine uses; end ROS in it if the test did not."""
    for file in domains_by_last_use():
        with file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # Now, so that no other test takes it for the longest unused the moment this one ends, or is killed.
            file.touch()
            monkeypatch.setenv("ROS_DOMAIN_ID", file.name)
            monkeypatch.setenv("ROS_LOCALHOST_ONLY", "1")
            yield int(file.name)
            rclpy.try_shutdown()
            # What a test left in reference cycles would stay in this domain, on the port of its next first participant.
            gc.collect()
            file.touch()
            return
    pytest.fail(f"all ROS domains from {DOMAINS[0]} to {DOMAINS[-1]} are in use")


@pytest.fixture
def ros(ros_domain: int) -> None:
    """Start ROS."""
    rclpy.init(args=[])


@pytest.fixture
def node(ros: None) -> Iterator[Node]:
    """Make a node."""
    node = rclpy.create_node("test_node")
    yield node
    node.destroy_node()


@pytest.fixture
def start(ros_domain: int) -> Iterator[Start]:
    """Start Python code as another process of the same domain; what still runs in the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(code: str, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-u", "-c", textwrap.dedent(code), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
