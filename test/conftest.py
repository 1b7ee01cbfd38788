"""Isolation for tests with real processes on a real DDS network: loopback only, a domain of their own."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAINS = range(50, 100)


@pytest.fixture
def ros_environment() -> Iterator[dict[str, str]]:
    """Reserve a free ROS domain, across parallel test processes, and yield an environment for child processes."""
    yield from _reserved_domain()


@pytest.fixture(scope="module")
def module_ros_environment() -> Iterator[dict[str, str]]:
    """As ``ros_environment``, for processes that all tests of a file share."""
    yield from _reserved_domain()


def _reserved_domain() -> Iterator[dict[str, str]]:
    for domain in DOMAINS:
        lock = (Path(tempfile.gettempdir()) / f"arvla_ros_test_domain_{domain}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        with lock:
            yield {
                **os.environ,
                "ROS_DOMAIN_ID": str(domain),
                "ROS_LOCALHOST_ONLY": "1",
                "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
                "PYTHONUNBUFFERED": "1",
            }
            return
    pytest.fail(f"no free ROS domain among {DOMAINS.start} to {DOMAINS.stop - 1}")
