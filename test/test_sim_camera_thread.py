"""Pictures from a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.camera_thread import CameraThread
from arvla_ros.sim.rendering import RenderingError
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld


class Album:
    """Keeps what is delivered."""

    def __init__(self) -> None:
        self.pictures: list[tuple[str, np.ndarray, int]] = []
        self._arrived = threading.Condition()

    def deliver(self, camera: str, frame: np.ndarray, stamp_ns: int) -> None:
        with self._arrived:
            self.pictures.append((camera, frame.copy(), stamp_ns))
            self._arrived.notify_all()

    def wait_for(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.pictures) >= count, 60.0)


@pytest.fixture
def album() -> Album:
    return Album()


@pytest.fixture
def world() -> WidowXWorld:
    return WidowXWorld(make_task("reach"), RobotContract.load())


@pytest.fixture
def cameras(world: WidowXWorld, album: Album) -> Iterator[CameraThread]:
    thread = CameraThread(world, ["side"], album.deliver)
    yield thread
    thread.close()


def test_a_picture_shows_the_moment_it_was_asked_for_however_the_world_goes_on(
    cameras: CameraThread, world: WidowXWorld, album: Album
) -> None:
    world.reset(1)
    cameras.shoot(5)
    world.reset(2)
    album.wait_for(1)
    camera, frame, stamp_ns = album.pictures[0]
    assert (camera, stamp_ns) == ("side", 5)
    reference = WidowXWorld(make_task("reach"), RobotContract.load())
    reference.reset(1)
    np.testing.assert_array_equal(frame, reference.render("side"))
    reference.reset(2)
    assert (frame != reference.render("side")).any()
    reference.close()


def test_physics_goes_on_while_a_picture_is_rendered(cameras: CameraThread, world: WidowXWorld) -> None:
    cameras.shoot(0)
    before = world.elapsed
    while cameras.busy:
        world.advance(0.01)
    assert world.elapsed > before


def test_a_camera_that_cannot_be_rendered_is_told_and_keeps_nobody_waiting(world: WidowXWorld, album: Album) -> None:
    thread = CameraThread(world, ["attic"], album.deliver)
    thread.shoot(0)
    while thread.busy:
        time.sleep(0.01)
    assert isinstance(thread.error, RenderingError)
    assert not thread.busy
    assert album.pictures == []
