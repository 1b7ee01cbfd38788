"""Video files: one episode encoded alone, episodes joined without encoding again, frames found by their time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from arvla_ros.episodes.layout import DatasetError

TIME_TOLERANCE_S = 1e-4
"""A frame is the one asked for if it is no further away than this."""
# Further ahead than this, seeking is cheaper than decoding what lies between.
_SEEK_AHEAD_S = 1.0


@dataclass(frozen=True)
class VideoSettings:
    """How frames are encoded.

    At 128 x 96 pixels of *stack3* these cost 3.2 kB and 0.2 ms a frame, 0.4 ms to decode, and leave 36.1 dB, where
    halving the colour's resolution alone leaves 37.4 dB. The preset veryfast takes a quarter less space, but more than
    twice the time to encode and nearly twice the time to decode, and is no better to look at (35.7 dB).
    """

    codec: str = "libx264"
    crf: int = 14
    preset: str = "ultrafast"
    gop: int = 2
    """Every so many frames can be decoded without the ones before: random access is what training does."""

    def info(self, height: int, width: int, fps: int) -> dict[str, Any]:
        """Return what ``info.json`` says of a camera."""
        return {
            "video.height": height,
            "video.width": width,
            "video.codec": av.Codec(self.codec, "w").canonical_name,
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
            "video.g": self.gop,
            "video.crf": self.crf,
            "video.preset": self.preset,
            "video.fast_decode": 0,
            "video.video_backend": "pyav",
            "video.extra_options": {},
        }


def encode(path: Path, frames: npt.NDArray[np.uint8], fps: int, settings: VideoSettings) -> None:
    """Write ``frames [T, H, W, 3]`` as an MP4."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(settings.codec, rate=fps)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.gop_size = settings.gop
        # Without B-frames packets lie in the order of their times, which is what lets files be joined.
        stream.max_b_frames = 0
        stream.thread_count = 1
        stream.options = {"crf": str(settings.crf), "preset": settings.preset, "g": str(settings.gop)}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def concatenate(parts: Sequence[Path], path: Path, fps: int) -> None:
    """Join files of ``encode`` into one, packet by packet; each begins where the frames before it end."""
    with av.open(str(path), "w", format="mp4") as joined:
        stream, frames = None, 0
        for part in parts:
            with av.open(str(part)) as container:
                source = container.streams.video[0]
                stream = stream or joined.add_stream_from_template(source)
                offset = round(Fraction(frames, fps) / source.time_base)
                for packet in container.demux(source):
                    if packet.dts is None or packet.pts is None:  # the empty packet that ends a file
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                    joined.mux(packet)
                frames += source.frames


def decode(path: Path, times: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the frames ``[n, H, W, 3]`` at ``times [n]``, in s of the file and in any order.

    Raises:
        DatasetError: the file is missing or damaged, or has no frame within ``TIME_TOLERANCE_S`` of one of the times.
    """
    try:
        with av.open(str(path)) as container:
            return _decode(container, times)
    except FileNotFoundError as error:
        raise DatasetError(f"video {path} does not exist: the dataset is not complete") from error
    except (av.FFmpegError, IndexError) as error:
        raise DatasetError(f"video {path} is damaged: {error}") from error
    except LookupError as error:
        raise DatasetError(f"video {path} has no frame at {error.args[0]:.4f} s: the dataset is damaged") from error


def decode_picture(content: bytes) -> npt.NDArray[np.uint8]:
    """Return a picture ``[H, W, 3]`` from the bytes of a PNG or JPEG file.

    Raises:
        DatasetError: they are none.
    """
    try:
        with av.open(io.BytesIO(content)) as container:
            image: npt.NDArray[np.uint8] = next(container.decode(video=0)).to_ndarray(format="rgb24")
            return image
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise DatasetError(f"{len(content)} bytes that are no picture ({error})") from error


def _decode(container: av.container.InputContainer, times: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    images: list[npt.NDArray[np.uint8]] = [np.empty(0, np.uint8)] * len(times)
    frame: av.VideoFrame | None = None
    for place in np.argsort(times, kind="stable"):
        wanted = float(times[place])
        if frame is None or frame.time is None or wanted - frame.time > _SEEK_AHEAD_S:
            upcoming = _frames_from(container, stream, wanted)
            frame = next(upcoming, None)
        while frame is not None and frame.time is not None and frame.time < wanted - TIME_TOLERANCE_S:
            frame = next(upcoming, None)
        if frame is None or frame.time is None or frame.time > wanted + TIME_TOLERANCE_S:
            raise LookupError(wanted)
        images[place] = frame.to_ndarray(format="rgb24")
    return np.stack(images)


def _frames_from(
    container: av.container.InputContainer, stream: av.VideoStream, time: float
) -> Iterator[av.VideoFrame]:
    """Yield the frames from the key frame at or before ``time`` on."""
    assert stream.time_base is not None
    container.seek(max(0, round(time / stream.time_base)), stream=stream)
    yield from container.decode(stream)
