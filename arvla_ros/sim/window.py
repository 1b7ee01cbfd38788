"""A window on the screen for environments that are rendered to ``human``."""

from __future__ import annotations

import os
import sys

import numpy as np
import numpy.typing as npt

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
_NO_DISPLAY = "set DISPLAY or WAYLAND_DISPLAY, with `ssh -X` from afar; without a display, render to rgb_array"


class WindowError(ValueError):
    """No window can be opened here; the message says what to set or to install."""


class Window:
    """Shows pictures at a steady rate."""

    def __init__(self, title: str, rate_hz: float, size: tuple[int, int]) -> None:
        """Open it.

        Args:
            title: Above the picture.
            rate_hz: Of the pictures.
            size: Width and height of the pictures, pixels.

        Raises:
            WindowError: there is no display, or no pygame.
        """
        # Asked without a display, SDL tries its drivers one after the other, and one of them closes the EGL display
        # that MuJoCo renders on in the same process.
        if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _DISPLAYS):
            raise WindowError(f"no window can be opened: {_NO_DISPLAY}")
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        try:
            # Not above: whoever opens no window needs no pygame.
            import pygame
        except ImportError as error:
            raise WindowError(f"a window needs pygame ({error}): `pip install pygame`") from error
        self._pygame = pygame
        try:
            pygame.display.init()
            self._surface = pygame.display.set_mode(size)
        except pygame.error as error:
            raise WindowError(f"no window can be opened ({error}): {_NO_DISPLAY}") from error
        pygame.display.set_caption(title)
        self._rate_hz, self._clock = rate_hz, pygame.time.Clock()

    def show(self, picture: npt.NDArray[np.uint8]) -> None:
        """Show a picture, RGB ``[height, width, 3]``, and wait until the next is due."""
        self._pygame.event.pump()
        self._pygame.surfarray.blit_array(self._surface, picture.transpose(1, 0, 2))
        self._pygame.display.flip()
        self._clock.tick(self._rate_hz)

    def close(self) -> None:
        """Close it."""
        self._pygame.display.quit()
