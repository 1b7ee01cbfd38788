"""A writer that is killed, wherever it is, loses no complete episode, and the next run makes the dataset whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from arvla_ros.episodes.layout import DatasetError, Feature
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.episodes.lerobot_writer import LeRobotWriter
from arvla_ros.episodes.staging import Episode, EpisodeFormat

CAMERA = "observation.images.side"
FORM = EpisodeFormat(10, {"action": Feature("float32", (1,)), CAMERA: Feature("video", (32, 32, 3))})
EPISODES, LENGTH = 4, 3

# Appends episodes 1 to 3 and is killed by the kernel as it renames or deletes for the n-th time.
CHILD = """
import os, signal, sys
from test_episodes_resume import write
root, left = sys.argv[1], int(sys.argv[2])
def count(event, _):
    global left
    if event in ("os.rename", "os.remove", "os.rmdir"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
write(root)
"""


def episode(number: int) -> Episode:
    frames = np.full((LENGTH, 32, 32, 3), 40 * number, dtype=np.uint8)
    return Episode(f"task {number % 2}", {"action": np.full(LENGTH, number, np.float32)}, {CAMERA: frames})


def write(root: str | Path, count: int = EPISODES) -> None:
    with LeRobotWriter(root, FORM) as writer:
        for number in range(len(writer), count):
            writer.append(episode(number))


def assert_whole(root: Path) -> None:
    dataset = LeRobotDataset(root)
    assert dataset.info.total_frames == EPISODES * LENGTH
    assert [stored.task for stored in dataset] == ["task 0", "task 1", "task 0", "task 1"]
    for number, stored in enumerate(dataset):
        assert stored.column("action").tolist() == [number] * LENGTH
        np.testing.assert_allclose(stored.frames(CAMERA), 40 * number, atol=4)
    tables = [pq.read_table(path) for path in sorted(root.glob("data/*/*.parquet"))]
    assert np.concatenate([table["index"] for table in tables]).tolist() == list(range(EPISODES * LENGTH))
    stats = json.loads((root / "meta/stats.json").read_text())
    assert stats["action"]["mean"] == [1.5]
    assert stats[CAMERA]["count"] == [EPISODES * LENGTH]
    np.testing.assert_allclose(stats[CAMERA]["mean"], np.full((3, 1, 1), 60 / 255))
    assert not [path for path in root.rglob("*") if path.suffix == ".part" or path.name.startswith(".")]


@pytest.mark.parametrize("kill_at", range(0, 20, 2))
def test_after_kill_9_the_next_run_makes_the_dataset_whole(tmp_path: Path, kill_at: int) -> None:
    root = tmp_path / "set"
    write(root, 1)
    command = [sys.executable, "-c", CHILD, str(root), str(kill_at)]
    killed = subprocess.run(command, cwd=Path(__file__).parent, env=_environment(), timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(LeRobotDataset(root)) in (1, EPISODES), "what was published before stays readable"
    LeRobotDataset(root)[0].frames(CAMERA)
    write(root)
    assert_whole(root)


def test_complete_episodes_are_kept_and_half_written_ones_are_not(tmp_path: Path) -> None:
    writer = LeRobotWriter(tmp_path / "set", FORM)
    writer.append(episode(0))
    half = writer.part(1)
    half.mkdir()
    del writer
    again = LeRobotWriter(tmp_path / "set", FORM)
    assert len(again) == 1
    assert not half.exists()
    with pytest.raises(DatasetError, match=r"info\.json does not exist"):
        LeRobotDataset(tmp_path / "set")
    del again
    write(tmp_path / "set")
    assert_whole(tmp_path / "set")


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    with LeRobotWriter(tmp_path / "set", FORM) as writer:
        writer.append(episode(0))
        with pytest.raises(DatasetError, match=r"set is being written by another process: wait for it, or end it"):
            LeRobotWriter(tmp_path / "set", FORM)
    write(tmp_path / "set")
    assert_whole(tmp_path / "set")


def test_published_files_are_never_touched_again(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write(root, 2)
    published = {path: path.read_bytes() for folder in ("data", "videos") for path in (root / folder).rglob("file-*")}
    write(root)
    assert len(published) == 2
    assert all(path.read_bytes() == content for path, content in published.items())
    assert_whole(root)


def _environment() -> dict[str, str]:

    here = Path(__file__).parent
    return {**os.environ, "PYTHONPATH": f"{here}:{here.parent}"}
