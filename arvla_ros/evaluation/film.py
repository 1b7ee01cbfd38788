"""The film of a run: what the camera saw, with the age of the policy's picture drawn over it."""

from __future__ import annotations

import io
from bisect import bisect_right
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from arvla_ros.control.control_loop import Mode
from arvla_ros.evaluation.run_log import Episode, Frame, RunLog, StepRecord

FRAME_RATE = 15
TIME_BASE = Fraction(1, 1000)
LONGEST_GAP_NS = 200_000_000
# Steps of staleness that fill the bar.
FULL_BAR_STEPS = 16
BAND_HEIGHT = 84
MARGIN = 16
INK, FAINT, PAPER = (240, 240, 240), (150, 155, 160), (20, 22, 26)
COLOURS = {Mode.NORMAL: (80, 200, 120), Mode.LATE: (240, 180, 60), Mode.HOLD: (230, 80, 70)}
# The outcome stays in sight for this long after an episode's end, ns.
AFTERGLOW_NS = 700_000_000


def write_film(log: RunLog, path: Path) -> None:
    """Write the frames of a run's episodes as MP4 (H.264), with a band that tells what the policy was doing."""
    times = [step.time_ns for step in log.steps]
    played_ns, last_ns = 0, 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "22", "preset": "medium"})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        for index, frame in enumerate(_in_episodes(log)):
            number, episode = _episode_at(log, frame)
            at = bisect_right(times, frame.capture_ns) - 1
            picture = _compose(frame, number, len(log.episodes), episode, log.steps[max(at, 0)])
            if index == 0:
                stream.width, stream.height = picture.size
            video_frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            # At the speed of life, but for the time between episodes.
            played_ns += min(frame.capture_ns - last_ns, LONGEST_GAP_NS) if index else 0
            last_ns = frame.capture_ns
            video_frame.pts, video_frame.time_base = round(played_ns * 1e-9 / TIME_BASE), TIME_BASE
            container.mux(stream.encode(video_frame))
        container.mux(stream.encode())


def _in_episodes(log: RunLog) -> list[Frame]:
    return [
        frame
        for frame in log.frames
        if any(episode.start_ns <= frame.capture_ns < episode.end_ns + AFTERGLOW_NS for episode in log.episodes)
    ]


def _episode_at(log: RunLog, frame: Frame) -> tuple[int, Episode]:
    number = sum(episode.start_ns <= frame.capture_ns for episode in log.episodes)
    return number, log.episodes[number - 1]


def _compose(frame: Frame, number: int, total: int, episode: Episode, step: StepRecord) -> Image.Image:
    camera = Image.open(io.BytesIO(frame.jpeg)).convert("RGB")
    picture = Image.new("RGB", (camera.width, camera.height + BAND_HEIGHT), PAPER)
    picture.paste(camera, (0, 0))
    draw = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(20), ImageFont.load_default(14)
    top, right = camera.height + 12, camera.width - MARGIN
    draw.text((MARGIN, top), f"“{episode.instruction}”", INK, large)
    over = frame.capture_ns >= episode.end_ns
    outcome = ("success" if episode.success else "failed") if over else f"episode {number} of {total}"
    colour = COLOURS[Mode.NORMAL if episode.success else Mode.HOLD] if over else FAINT
    draw.text((right, top), outcome, colour, large, anchor="ra")
    if not over:
        _draw_staleness(draw, step, (MARGIN, top + 36), right, small)
    return picture


def _draw_staleness(
    draw: ImageDraw.ImageDraw,
    step: StepRecord,
    corner: tuple[int, int],
    right: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Draw one cell a step of staleness, and say it in words."""
    left, top = corner
    draw.text((left, top), "age of the picture", FAINT, font)
    cell, gap = 11, 3
    start = left + 132
    for index in range(FULL_BAR_STEPS):
        x = start + index * (cell + gap)
        filled = index < step.staleness_steps
        colour = COLOURS.get(Mode(step.mode), FAINT) if filled else (50, 54, 60)
        draw.rectangle((x, top + 2, x + cell, top + 14), colour)
    if step.staleness_steps >= 0:
        words = f"step {step.step}, picture from {step.anchor_step}: {step.staleness_s * 1000:.0f} ms old"
    else:
        words = f"step {step.step}, no picture yet"
    draw.text((right, top), words, INK, font, anchor="ra")
