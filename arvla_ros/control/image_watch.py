"""Notices a camera that is silent, frozen or dated by another clock, and pictures that do not belong together."""

from __future__ import annotations

import math
import zlib
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# So many bytes of a picture tell whether it is the one before: the noise of a real sensor is in every pixel.
_SAMPLED_BYTES = 65536
_DELAYS = 100


@dataclass
class ImageLimits:
    """What pictures are looked at; may be changed at any time.

    Attributes:
        max_age_s: older ones are not, nor is a camera that has shown nothing new for so long.
        max_skew_s: pictures of several cameras whose captures are further apart are not combined.
        max_lead_s: nor are those from further in the future.
        frozen_after_s: a camera that repeats its pixels for longer is frozen; 0: it may, as a simulated one does.
    """

    max_age_s: float = 1.0
    max_skew_s: float = 0.1
    max_lead_s: float = 0.1
    frozen_after_s: float = 0.5


class Refusal(NamedTuple):
    """Why there is nothing to look at: the name under which it is counted, and words; none if it is nothing bad."""

    name: str
    reason: str


def fingerprint(data: array[int] | bytes) -> int:
    """Return a checksum of a sample of a picture's bytes, wherever they lie in its rows."""
    pixels = np.frombuffer(data, dtype=np.uint8)
    stride = max(1, len(pixels) // _SAMPLED_BYTES)
    # With no divisor in common with the length of a row it meets every column and every colour.
    while math.gcd(stride, len(pixels)) > 1:
        stride += 1
    return zlib.crc32(np.ascontiguousarray(pixels[::stride]).data)


def refusal(captured_ns: Sequence[int], now_ns: int, looked_at_ns: int | None, limits: ImageLimits) -> Refusal | None:
    """Return why the newest pictures of all cameras are not looked at together; None: they are.

    Args:
        captured_ns: capture time of each camera's newest picture; the prefix goes by the oldest.
        now_ns: the time on the same clock.
        looked_at_ns: the oldest capture time of the last look; None if there was none.
        limits: what is allowed.
    """
    oldest_ns = min(captured_ns)
    if oldest_ns == looked_at_ns:
        return Refusal("no_new_image", "")
    age_s, skew_s = (now_ns - oldest_ns) * 1e-9, (max(captured_ns) - oldest_ns) * 1e-9
    if age_s > limits.max_age_s:
        return Refusal(
            "images_too_old",
            f"image is {age_s:.2f} s old, more than max_image_age_s {limits.max_age_s:g}; "
            "are the clocks of camera and this machine in step?",
        )
    if skew_s > limits.max_skew_s:
        return Refusal(
            "images_apart",
            f"the cameras' newest images are {skew_s:.3f} s apart, more than max_camera_skew_s {limits.max_skew_s:g}; "
            "are they equally fast, and their clocks in step?",
        )
    return None


class ImageWatch:
    """Watches one camera: when its pictures come, how they are stamped, and whether they change.

    A camera that has never stamped its pictures goes by the time at which they come; one that stops stamping them is
    not believed any more.

    Attributes:
        counts: pictures by what became of them.
    """

    def __init__(self, limits: ImageLimits) -> None:
        self.counts: Counter[str] = Counter()
        self._limits = limits
        self._by_receipt = False
        self._refused = ""
        self._captured_ns: int | None = None
        self._fingerprint: int | None = None
        # When the last picture came, the last that was taken, and the last whose pixels had changed.
        self._came_ns: int | None = None
        self._taken_ns = self._changed_ns = 0
        self._delays_ns: deque[int] = deque(maxlen=_DELAYS)

    @property
    def has_seen(self) -> bool:
        """Whether any picture has come."""
        return self._came_ns is not None

    @property
    def goes_by_receipt(self) -> bool:
        """Whether the camera leaves its stamps zero, so that the capture time is not known."""
        return self._by_receipt

    @property
    def delays_s(self) -> tuple[float, float] | None:
        """Least and median time from stamp to receipt of late, s; a negative one shows that clocks differ."""
        delays_ns = list(self._delays_ns)
        return (min(delays_ns) * 1e-9, float(np.median(delays_ns)) * 1e-9) if delays_ns else None

    def saw(self, stamp_ns: int, now_ns: int, pixels: int) -> int | None:
        """Take note of a picture.

        Args:
            stamp_ns: as the camera stamped it; 0: not at all.
            now_ns: the time at which it came.
            pixels: its fingerprint.

        Returns:
            Its capture time; None if it is not to be looked at, which ``trouble`` explains if it lasts.
        """
        if self._came_ns is None or now_ns < self._came_ns:
            # The first, or the clock was set back: nothing before counts.
            self._by_receipt = stamp_ns == 0 and (self._came_ns is None or self._by_receipt)
            self._taken_ns = self._changed_ns = now_ns
        self._came_ns = now_ns
        self.counts["images"] += 1
        if pixels != self._fingerprint:
            self._fingerprint, self._changed_ns = pixels, now_ns
        self._by_receipt = self._by_receipt and stamp_ns == 0
        self.counts["unstamped"] += stamp_ns == 0
        captured_ns = now_ns if self._by_receipt else stamp_ns
        self._refused = self._why_not(captured_ns, now_ns)
        if self._refused:
            return None
        self._captured_ns, self._taken_ns = captured_ns, now_ns
        if not self._by_receipt:
            self._delays_ns.append(now_ns - captured_ns)
        return captured_ns

    def _why_not(self, captured_ns: int, now_ns: int) -> str:
        lead_s = (captured_ns - now_ns) * 1e-9
        if captured_ns == 0:
            return "its stamps, which it used to set, are zero"
        if captured_ns == self._captured_ns:
            self.counts["same_stamp"] += 1
            return "frozen: the same stamp again and again"
        if lead_s > self._limits.max_lead_s:
            self.counts["from_future"] += 1
            return f"its stamps are {lead_s:.3f} s in the future; are the clocks of camera and this machine in step?"
        return ""

    def trouble(self, now_ns: int) -> str:
        """Return what is wrong with a camera that has shown a picture; empty if nothing is."""
        if self._came_ns is None or now_ns < self._came_ns:
            return ""
        silent_s, stale_s = (now_ns - self._came_ns) * 1e-9, (now_ns - self._taken_ns) * 1e-9
        if silent_s > self._limits.max_age_s:
            return f"silent for {silent_s:.1f} s"
        if self._refused and stale_s > self._limits.max_age_s:
            return self._refused
        same_s = (self._came_ns - self._changed_ns) * 1e-9
        if 0 < self._limits.frozen_after_s < same_s:
            return f"frozen: the same pixels under new stamps for {same_s:.1f} s"
        return ""
