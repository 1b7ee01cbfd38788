"""Pictures from a thread of their own, so that physics and joint states never wait for a renderer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.world import WidowXWorld

Deliver = Callable[[str, npt.NDArray[np.uint8], int], None]
"""Takes camera, frame ``[H, W, 3]`` RGB, and the time in ns that was given with the shot; called in the thread."""


class CameraThread:
    """Renders copies of a world's state, one shot of all cameras at a time.

    The OpenGL context belongs to this thread: nobody else may render this world, nor close it.

    Attributes:
        error: Why there will be no more pictures; None as long as there will.
    """

    def __init__(self, world: WidowXWorld, cameras: Sequence[str], deliver: Deliver) -> None:
        self.error: Exception | None = None
        self._world, self._cameras, self._deliver = world, tuple(cameras), deliver
        self._shot = mujoco.MjData(world.model)
        self._stamp_ns = 0
        self._wanted, self._idle = threading.Event(), threading.Event()
        self._closing = False
        self._idle.set()
        self._thread = threading.Thread(target=self._work, name="cameras", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether the last shot is still being rendered or delivered."""
        return not self._idle.is_set()

    def shoot(self, stamp_ns: int) -> None:
        """Take a picture of the world as it is now with each camera; only while not ``busy``."""
        mujoco.mj_copyData(self._shot, self._world.model, self._world.data)
        self._stamp_ns = stamp_ns
        self._idle.clear()
        self._wanted.set()

    def close(self) -> None:
        """Finish the picture at hand and end the thread."""
        self._closing = True
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while self._wanted.wait() and not self._closing:
                self._wanted.clear()
                for camera in self._cameras:
                    self._deliver(camera, self._world.render(camera, self._shot), self._stamp_ns)
                self._idle.set()
            self._world.close()
        except Exception as error:  # whatever it is, it ends the node and not just its pictures
            self.error = error
        finally:
            self._idle.set()
