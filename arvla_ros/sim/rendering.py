"""Off-screen rendering without a display, and the one place where MuJoCo's OpenGL backend is chosen.

MuJoCo reads ``MUJOCO_GL`` when it is first imported, so every module of this room takes ``mujoco`` from here.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

# By backend, what must be there: one of each line. libEGL alone is not enough, PyOpenGL wants the drawing calls too.
_LIBRARIES = {
    "egl": (("libEGL.so.1",), ("libOpenGL.so.0", "libGL.so.1")),
    "osmesa": (("libOSMesa.so.8",),),
}
_REMEDY = (
    "install a software renderer with `apt install libegl1 libgl1 libgl1-mesa-dri`, or libosmesa6 with "
    "MUJOCO_GL=osmesa; a GPU's own driver brings EGL along"
)


class RenderingError(RuntimeError):
    """No picture can be rendered on this machine; the message says what to install or set."""


def _choose_backend() -> str:
    """Return the first backend whose libraries are there; rendering, unlike physics, fails later if none is."""
    for backend, needed in _LIBRARIES.items():
        if all(any(_is_there(library) for library in one_of) for one_of in needed):
            return backend
    return "disable"


def _is_there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if sys.platform.startswith("linux") and not os.environ.get("MUJOCO_GL"):
    os.environ["MUJOCO_GL"] = _choose_backend()
# One thread for the software rasteriser: as fast on a free core, and it leaves the others to policy and recording.
os.environ.setdefault("LP_NUM_THREADS", "1")

import mujoco  # noqa: E402

__all__ = ["CameraRenderer", "RenderingError", "mujoco"]


Decorator = Callable[[mujoco.MjvScene, mujoco.MjData], None]


class CameraRenderer:
    """Renders the named cameras of one model at one size."""

    def __init__(self, model: mujoco.MjModel, width: int, height: int, decorate: Decorator) -> None:
        """Open an off-screen OpenGL context of ``width`` x ``height`` pixels.

        Args:
            model: The compiled scene.
            width: Of the picture, pixels.
            height: Of the picture, pixels.
            decorate: Adds what is drawn but is no part of the physics.

        Raises:
            RenderingError: no OpenGL backend works here, or the size is impossible.
        """
        limit = (model.vis.global_.offwidth, model.vis.global_.offheight)
        if not (0 < width <= limit[0] and 0 < height <= limit[1]):
            raise RenderingError(f"camera size {width}x{height} is outside 1x1 to {limit[0]}x{limit[1]}")
        backend = os.environ.get("MUJOCO_GL", "")
        if backend == "disable":
            raise RenderingError(f"no OpenGL library for off-screen rendering: {_REMEDY}")
        self._decorate = decorate
        try:
            self._renderer = mujoco.Renderer(model, height=height, width=width)
        except (ImportError, AttributeError, RuntimeError, mujoco.FatalError) as error:
            raise RenderingError(f"MUJOCO_GL={backend} gives no OpenGL context ({error}): {_REMEDY}") from error

    def render(self, data: mujoco.MjData, camera: str) -> npt.NDArray[np.uint8]:
        """Return what ``camera`` sees, RGB ``[height, width, 3]``."""
        self._renderer.update_scene(data, camera)
        self._decorate(self._renderer.scene, data)
        image: npt.NDArray[np.uint8] = self._renderer.render()
        return image

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()
