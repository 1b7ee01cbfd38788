"""The ``arvla episodes`` commands: what they tell, what they change, what they refuse."""

from __future__ import annotations

import pytest
from synthetic_bags import Recorded, write_bag

from arvla_ros.cli import main
from arvla_ros.episodes.episode_folder import EpisodeInfo, bag_file, episodes, recording_folder
from arvla_ros.episodes.mcap_file import McapFile

SMALL = Recorded(images=[], joints=[], instruction="")


def arvla(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["arvla", "episodes", *map(str, words)])
    code = main()
    told = capsys.readouterr()
    return code, told.out, told.err


def described(episode: int, **fields) -> Recorded:
    info = EpisodeInfo(episode, "stack3", "cover it", messages=len(SMALL.commands), duration_s=3.0, **fields)
    return Recorded(images=[], joints=[], instruction="", info=info)


def test_the_list_tells_verdict_score_and_what_is_unfinished(tmp_path, monkeypatch, capsys):
    write_bag(tmp_path, described(0, kept=True, score=0.75), 0)
    write_bag(tmp_path, described(1, recovered=True, dropped={"/a": 3}), 1)
    recording_folder(tmp_path, 2).mkdir()
    code, out, _ = arvla(monkeypatch, capsys, "list", tmp_path)
    assert code == 0
    lines = out.splitlines()
    assert "0.75" in lines[1]
    assert " kept " in lines[1]
    assert "not said" in lines[2]
    assert "(recovered, 3 messages dropped)" in lines[2]
    assert "episode_000002.recording unfinished" in lines[3]
    assert lines[4] == "2 episodes, 1 kept, 0.1 minutes"


def test_info_tells_topics_and_rates(tmp_path, monkeypatch, capsys):
    folder = write_bag(tmp_path, described(0), 0)
    code, out, _ = arvla(monkeypatch, capsys, "info", folder)
    assert code == 0
    assert "arvla_ros/msg/GuardState" in out
    assert "50.0 Hz" in out


def test_verify_reads_everything_and_names_what_is_damaged(tmp_path, monkeypatch, capsys):
    write_bag(tmp_path, described(0), 0)
    code, out, _ = arvla(monkeypatch, capsys, "verify", tmp_path)
    assert (code, out) == (0, "episode_000000: 150 messages, whole\n")
    damaged = bag_file(write_bag(tmp_path, described(1), 1))
    damaged.write_bytes(damaged.read_bytes()[:-200])
    write_bag(tmp_path, Recorded(images=[], joints=[], instruction="", info=EpisodeInfo(2, messages=7)), 2)
    code, out, _ = arvla(monkeypatch, capsys, "verify", tmp_path)
    assert code == 1
    assert "episode_000000: 150 messages, whole" in out
    assert "episode_000001: bag " in out
    assert "episode_000002: 150 messages, its episode.json says 7" in out


def test_a_score_is_written_beside_what_was_known(tmp_path, monkeypatch, capsys):
    folder = write_bag(tmp_path, described(0), 0)
    assert arvla(monkeypatch, capsys, "score", folder, "--score", "0.5", "--kept", "True")[0] == 0
    info = EpisodeInfo.read(folder)
    assert (info.score, info.kept, info.instruction) == (0.5, True, "cover it")
    code, _, err = arvla(monkeypatch, capsys, "score", folder)
    assert code == 1
    assert "nothing to say: give --score, --kept or --notes" in err


def test_recover_repairs_what_was_cut_off(tmp_path, monkeypatch, capsys):
    folder = recording_folder(tmp_path, 7)
    folder.mkdir()
    with McapFile(bag_file(folder)) as file:
        file.write(file.add_channel("/a", "std_msgs/msg/Bool", "bool data\n", ""), 5, 5, b"\0\1\0\0\1")
    bag_file(folder).write_bytes(bag_file(folder).read_bytes()[:-30])
    code, out, _ = arvla(monkeypatch, capsys, "recover", tmp_path)
    assert code == 0
    assert "episode_000007: repaired: 1 messages" in out
    info = EpisodeInfo.read(tmp_path / "episode_000007")
    assert (info.episode, info.recovered, info.kept) == (7, True, None)


def test_what_cannot_be_recovered_is_told_and_left(tmp_path, monkeypatch, capsys):
    recording_folder(tmp_path, 0).mkdir()
    code, out, _ = arvla(monkeypatch, capsys, "recover", tmp_path)
    assert code == 1
    assert "holds no bag: nothing was recorded" in out
    assert recording_folder(tmp_path, 0).is_dir()


def test_merging_numbers_on_and_leaves_nothing_twice(tmp_path, monkeypatch, capsys):
    write_bag(tmp_path / "a", described(0, notes="first"), 0)
    write_bag(tmp_path / "b", described(0, notes="second"), 0)
    write_bag(tmp_path / "b", described(3, notes="third"), 3)
    code, out, _ = arvla(monkeypatch, capsys, "merge", tmp_path / "b", "--into", tmp_path / "a")
    assert code == 0
    assert "2 episodes more, 3 in all" in out
    infos = [EpisodeInfo.read(folder) for folder in episodes(tmp_path / "a")]
    assert [(info.episode, info.notes) for info in infos] == [(0, "first"), (1, "second"), (2, "third")]
    assert episodes(tmp_path / "b") == []
    assert arvla(monkeypatch, capsys, "verify", tmp_path / "a")[0] == 0


def test_a_folder_is_not_merged_into_itself(tmp_path, monkeypatch, capsys):
    write_bag(tmp_path, described(0), 0)
    code, _, err = arvla(monkeypatch, capsys, "merge", tmp_path, "--into", tmp_path)
    assert code == 1
    assert "is the folder that the episodes are to go into" in err


@pytest.mark.parametrize("command", ["list", "verify", "recover"])
def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch, capsys, command):
    code, _, err = arvla(monkeypatch, capsys, command, tmp_path / "nowhere")
    assert code == 1
    assert "nowhere is no folder" in err


def test_a_folder_without_episodes_is_told_how_to_get_some(tmp_path, monkeypatch, capsys):
    code, _, err = arvla(monkeypatch, capsys, "list", tmp_path)
    assert code == 1
    assert "holds no episodes" in err
