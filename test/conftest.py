"""Isolation for tests with real processes on a real DDS network: loopback only, a domain of their own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAINS = range(50, 100)
MARK = "ARVLA_ROS_TEST"
"""Variable that tells the processes of one test."""


@pytest.fixture
def ros_environment() -> Iterator[dict[str, str]]:
    """Reserve a free ROS domain, across parallel test processes, and yield an environment for child processes."""
    yield from _reserved_domain()


@pytest.fixture(scope="module")
def module_ros_environment() -> Iterator[dict[str, str]]:
    """As ``ros_environment``, for processes that all tests of a file share."""
    yield from _reserved_domain()


def _reserved_domain() -> Iterator[dict[str, str]]:
    for path in _by_last_use():
        with path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # Now, so that no other test takes it for the longest unused the moment this one ends.
            path.touch()
            mark = uuid.uuid4().hex
            try:
                yield {
                    **os.environ,
                    "ROS_DOMAIN_ID": path.name,
                    "ROS_LOCALHOST_ONLY": "1",
                    "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
                    "PYTHONUNBUFFERED": "1",
                    MARK: mark,
                }
            finally:
                _kill_marked(mark)
                path.touch()
            return
    pytest.fail(f"no free ROS domain among {DOMAINS.start} to {DOMAINS.stop - 1}")


def _by_last_use() -> list[Path]:
    """Return a file for each domain, that of the longest unused first: DDS remembers killed processes for 10 s."""
    folder = Path(tempfile.gettempdir()) / "arvla_ros_test_domains"
    folder.mkdir(exist_ok=True)
    files = [folder / str(domain) for domain in DOMAINS]
    for file in files:
        file.open("a").close()
    return sorted(files, key=lambda file: file.stat().st_mtime)


def _kill_marked(mark: str) -> None:
    """Kill what a test has started and left running, grandchildren too: it would speak in a later test's domain."""
    wanted = f"{MARK}={mark}".encode()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
