"""Recording an episode into a bag: whole when it ends, repaired when it was cut off, readable by whoever reads MCAP."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import signal
import struct
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from arvla_ros.episodes.episode_folder import (
    EpisodeInfo,
    bag_file,
    episodes,
    exclusive,
    next_number,
    recording_folder,
    recover,
    unfinished,
)
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.mcap_file import McapFile
from arvla_ros.episodes.mcap_repair import RepairError, repair
from arvla_ros.episodes.recording import FLUSH_PERIOD_S, Recording, Topic

TOPICS = [Topic(name, "std_msgs/msg/UInt64", "uint64 data\n", "") for name in ("/fast", "/slow")]
# A process that is killed has lost what came since the last flush, and what came while it was late for it.
LONGEST_LOSS_S = 1.0


def numbers(file: Path) -> dict[str, list[int]]:
    """Return what was written on each topic, read by the mcap package in the order of time."""
    found: dict[str, list[int]] = {}
    with file.open("rb") as stream:
        for _, channel, message in make_reader(stream, validate_crcs=True).iter_messages():
            found.setdefault(channel.topic, []).append(struct.unpack("<Q", message.data[:8])[0])
    return found


def put(recording: Recording, topic: str, number: int) -> None:
    now = time.time_ns()
    recording.put(topic, now, now, struct.pack("<Q", number) + bytes(100))


def test_an_episode_holds_every_message_in_order(tmp_path):
    recording = Recording(tmp_path, EpisodeInfo(0, "stack3", "cover the battery", "Ada"), TOPICS, 0.0)
    assert recording.folder == recording_folder(tmp_path, 0)
    for number in range(2000):
        put(recording, "/fast" if number % 4 else "/slow", number)
    folder = recording.stop(kept=True, score=0.75, notes="slipped once")
    assert folder == tmp_path / "episode_000000"
    assert numbers(bag_file(folder)) == {
        "/fast": [number for number in range(2000) if number % 4],
        "/slow": list(range(0, 2000, 4)),
    }
    info = EpisodeInfo.read(folder)
    assert (info.task, info.instruction, info.operator) == ("stack3", "cover the battery", "Ada")
    assert (info.kept, info.score, info.notes, info.messages, info.recovered) == (
        True,
        0.75,
        "slipped once",
        2000,
        False,
    )
    assert next_number(tmp_path) == 1


def test_a_topic_that_appears_while_recording_is_recorded_from_then_on(tmp_path):
    recording = Recording(tmp_path, EpisodeInfo(0), TOPICS[:1], 0.0)
    put(recording, "/fast", 1)
    recording.add_topic(TOPICS[1])
    put(recording, "/slow", 2)
    put(recording, "/fast", 3)
    folder = recording.stop(kept=True)
    assert numbers(bag_file(folder)) == {"/fast": [1, 3], "/slow": [2]}
    assert EpisodeInfo.read(folder).dropped == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_the_writer_ends_recording_visibly(tmp_path):
    recording = Recording(tmp_path, EpisodeInfo(0), TOPICS[:1], 0.0)
    put(recording, "/fast", 1)
    put(recording, "/unknown", 2)
    deadline = time.monotonic() + 20
    while not recording.progress().error:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    info = EpisodeInfo.read(recording.stop(kept=None))
    assert info.dropped == {"/unknown": 1}
    assert "'/unknown'" in info.error


def test_a_discarded_episode_leaves_nothing_behind(tmp_path):
    recording = Recording(tmp_path, EpisodeInfo(0), TOPICS, 0.0)
    put(recording, "/fast", 1)
    recording.discard()
    assert list(tmp_path.iterdir()) == []


def record_without_end(directory: Path, started: multiprocessing.synchronize.Event) -> None:
    """Record one short episode after the other, until killed."""
    number = 0
    while True:
        recording = Recording(directory, EpisodeInfo(0, "kill"), TOPICS, 0.0)
        started.set()
        for _ in range(random.randrange(5, 400)):
            put(recording, "/fast", number)
            number += 1
            time.sleep(0.0005)
        recording.stop(kept=True)


@pytest.mark.timeout(120)
def test_killed_50_times_at_random_moments_no_finished_episode_is_lost_and_the_last_one_is_repaired(tmp_path):
    context, chance = multiprocessing.get_context("fork"), random.Random(7)
    repaired = 0
    for _ in range(50):
        started = context.Event()
        process = context.Process(target=record_without_end, args=(tmp_path, started))
        process.start()
        assert started.wait(30)
        time.sleep(chance.uniform(0.0, 0.35))
        finished, killed_ns = set(episodes(tmp_path)), time.time_ns()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for folder, outcome in recover(tmp_path):
            repaired += 1
            assert not folder.name.endswith(".recording") or "nothing was recorded" in outcome, outcome
            shutil.rmtree(folder) if folder.name.endswith(".recording") else None
        assert finished <= set(episodes(tmp_path))
        last = EpisodeInfo.read(episodes(tmp_path)[-1]) if episodes(tmp_path) else None
        if last is not None and last.recovered and last.messages:
            with bag_file(episodes(tmp_path)[-1]).open("rb") as stream:
                end_ns = make_reader(stream).get_summary().statistics.message_end_time
            assert killed_ns - end_ns < LONGEST_LOSS_S * 1e9
    assert repaired > 10
    for folder in episodes(tmp_path):
        found = numbers(bag_file(folder)).get("/fast", [])
        assert found == list(range(found[0], found[0] + len(found))) if found else True
        assert EpisodeInfo.read(folder).messages == len(found)
    assert [int(folder.name[-6:]) for folder in episodes(tmp_path)] == list(range(len(episodes(tmp_path))))


def test_what_came_more_than_a_flush_ago_survives_a_kill(tmp_path):
    def record() -> None:
        recording = Recording(tmp_path, EpisodeInfo(0), TOPICS, 0.0)
        for number in range(10):
            put(recording, "/slow", number)
        time.sleep(60)

    process = multiprocessing.get_context("fork").Process(target=record)
    process.start()
    file = bag_file(recording_folder(tmp_path, 0))
    deadline = time.monotonic() + 20 * FLUSH_PERIOD_S
    while not file.exists() or file.stat().st_size < 10 * 100:
        assert time.monotonic() < deadline, "nothing was flushed although the topic fell silent"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    [(folder, outcome)] = recover(tmp_path)
    assert "10 messages" in outcome
    assert numbers(bag_file(folder)) == {"/slow": list(range(10))}
    assert EpisodeInfo.read(folder).recovered
    assert EpisodeInfo.read(folder).kept is None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_keeps_its_whole_chunks_and_repairing_it_again_changes_nothing(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    chunks = data.draw(st.lists(st.lists(st.sampled_from(["/fast", "/slow"]), min_size=1, max_size=5), max_size=4))
    written = _write_chunks(folder / "whole.mcap", chunks)
    content = (folder / "whole.mcap").read_bytes()
    cut = data.draw(st.integers(8, len(content)))
    file = folder / "cut.mcap"
    file.write_bytes(content[:cut])
    summary = repair(file)
    found = sorted(number for each in numbers(file).values() for number in each)
    assert found in [written[:count] for count in {0, *(sum(map(len, chunks[: k + 1])) for k in range(len(chunks)))}]
    assert sum(summary.counts.values()) == len(found)
    repaired = file.read_bytes()
    assert repair(file).counts == summary.counts
    assert file.read_bytes() == repaired


def _write_chunks(file: Path, chunks: list[list[str]]) -> list[int]:
    count = 0
    with McapFile(file) as mcap:
        channels = {topic.name: mcap.add_channel(*topic) for topic in TOPICS}
        for chunk in chunks:
            for topic in chunk:
                mcap.write(channels[topic], count, count, struct.pack("<Q", count))
                count += 1
            mcap.flush()
    return list(range(count))


def test_a_damaged_chunk_and_what_follows_are_dropped(tmp_path):
    _write_chunks(tmp_path / "whole.mcap", [["/fast"] * 3, ["/slow"] * 3])
    content = bytearray((tmp_path / "whole.mcap").read_bytes())
    place = content.rindex(struct.pack("<QQQ", 5, 5, 5)) + 16
    content[place] ^= 0xFF
    # Cut, so that it is looked through: a file with its own end is believed.
    (tmp_path / "cut.mcap").write_bytes(content[:-1])
    assert sum(repair(tmp_path / "cut.mcap").counts.values()) == 3
    assert numbers(tmp_path / "cut.mcap") == {"/fast": [0, 1, 2]}


def test_what_is_no_mcap_file_is_left_as_it_is(tmp_path):
    folder = recording_folder(tmp_path, 4)
    folder.mkdir()
    bag_file(folder).write_bytes(b"not a bag at all")
    with pytest.raises(RepairError, match="does not begin as an MCAP file"):
        repair(bag_file(folder))
    assert recover(tmp_path)[0][1].startswith("cannot be repaired")
    assert unfinished(tmp_path) == [folder]


def test_recording_ends_before_the_disk_is_full_and_keeps_what_there_is(tmp_path):
    free_gb = shutil.disk_usage(tmp_path).free / 1e9
    recording = Recording(tmp_path, EpisodeInfo(0), TOPICS, min_free_gb=free_gb - 0.2)
    put(recording, "/fast", 1)
    with (tmp_path / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, 400 * 2**20)
    deadline = time.monotonic() + 20
    while not recording.progress().error:
        put(recording, "/fast", 2)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (tmp_path / "ballast").unlink()
    assert "GB are free, less than min_free_gb" in recording.progress().error
    info = EpisodeInfo.read(folder := recording.stop(kept=None))
    assert Counter(numbers(bag_file(folder))["/fast"])[1] == 1
    assert "min_free_gb" in info.error


def test_without_room_recording_does_not_begin(tmp_path):
    with pytest.raises(OSError, match=r"GB free, less than min_free_gb 1e\+09"):
        Recording(tmp_path, EpisodeInfo(0), TOPICS, min_free_gb=1e9)
    assert list(tmp_path.iterdir()) == []


def test_at_a_quota_what_was_written_is_kept_and_readable(tmp_path):
    def record() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6 * 2**20, 6 * 2**20))
        recording = Recording(tmp_path, EpisodeInfo(0), TOPICS, 0.0)
        number = 0
        while not recording.progress().error:
            now = time.time_ns()
            recording.put("/fast", now, now, struct.pack("<Q", number) + bytes(2**16))
            number += 1
            time.sleep(0.001)
        recording.stop(kept=None)

    process = multiprocessing.get_context("fork").Process(target=record)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    [folder] = episodes(tmp_path)
    found = numbers(bag_file(folder))["/fast"]
    assert found == list(range(len(found)))
    assert len(found) > 30
    info = EpisodeInfo.read(folder)
    assert "File too large" in info.error
    assert info.dropped["/fast"] > 0


def test_a_directory_that_disappears_ends_recording_with_an_error(tmp_path):
    directory = tmp_path / "gone"
    directory.mkdir()
    recording = Recording(directory, EpisodeInfo(0), TOPICS, 0.0)
    put(recording, "/fast", 1)
    shutil.rmtree(directory)
    deadline = time.monotonic() + 20
    while not recording.progress().error:
        put(recording, "/fast", 2)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(OSError, match="No such file"):
        recording.stop(kept=True)


def test_a_second_recorder_in_the_same_directory_is_refused(tmp_path):
    with exclusive(tmp_path), pytest.raises(DatasetError, match="another recorder is at work"), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


@pytest.mark.parametrize(
    ("content", "message"), [(None, "has no episode.json"), ("{", "cannot be read"), ("[]", "cannot be read")]
)
def test_an_episode_without_a_readable_description_is_told_by_its_folder(tmp_path, content, message):
    if content is not None:
        (tmp_path / "episode.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        EpisodeInfo.read(tmp_path)
