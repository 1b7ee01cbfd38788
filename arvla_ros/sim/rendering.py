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
# The software rasteriser works in the thread that renders: handing over costs more than it gains at these sizes, and
# the other cores are left to policy and recording.
os.environ.setdefault("LP_NUM_THREADS", "0")

import mujoco  # noqa: E402

__all__ = ["CameraRenderer", "RenderingError", "mujoco"]


Decorator = Callable[[mujoco.MjvScene, mujoco.MjData], None]
_MOST_GEOMS = 400


class CameraRenderer:
    """Renders the named cameras of one model at one size.

    Leaner than ``mujoco.Renderer``, and it lets textures change.
    """

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
            raise RenderingError(
                f"camera size {width}x{height} is outside 1x1 to {limit[0]}x{limit[1]}: choose one in between"
            )
        backend = os.environ.get("MUJOCO_GL", "")
        if backend == "disable":
            raise RenderingError(f"no OpenGL library for off-screen rendering: {_REMEDY}")
        self._model, self._decorate, self._textures_changed = model, decorate, False
        try:
            self._window = mujoco.GLContext(width, height)
            self._window.make_current()
            # No larger than the picture, for all of it is cleared each time.
            model.vis.global_.offwidth, model.vis.global_.offheight = width, height
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        except (ImportError, AttributeError, RuntimeError, mujoco.FatalError) as error:
            raise RenderingError(f"MUJOCO_GL={backend} gives no OpenGL context ({error}): {_REMEDY}") from error
        finally:
            model.vis.global_.offwidth, model.vis.global_.offheight = limit
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, _MOST_GEOMS)
        self._option, self._camera = mujoco.MjvOption(), mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._pixels = np.empty((height, width, 3), np.uint8)

    def render(self, data: mujoco.MjData, camera: str) -> npt.NDArray[np.uint8]:
        """Return what ``camera`` sees, RGB ``[height, width, 3]``."""
        self._window.make_current()
        if self._textures_changed:
            self._textures_changed = False
            for texture in range(self._model.ntex):
                mujoco.mjr_uploadTexture(self._model, self._context, texture)
        self._camera.fixedcamid = self._model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, everything, self._scene)
        self._decorate(self._scene, data)
        mujoco.mjr_render(self._viewport, self._scene, self._context)
        mujoco.mjr_readPixels(self._pixels, None, self._viewport, self._context)
        image: npt.NDArray[np.uint8] = self._pixels[::-1].copy()  # OpenGL counts rows from below
        return image

    def reload_textures(self) -> None:
        """Draw with what the model's textures are by then, from the next picture on; any thread may call this."""
        self._textures_changed = True

    def close(self) -> None:
        """Free the OpenGL context."""
        self._window.make_current()
        self._context.free()
        self._window.free()
