"""LeRobotDataset v3.0 on disk: what is written, that it comes back, and what is refused."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from arvla_ros.episodes.layout import DatasetError, Feature, FilePlace
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.episodes.lerobot_writer import LeRobotWriter
from arvla_ros.episodes.staging import Episode, EpisodeFormat

FPS, HEIGHT, WIDTH = 10, 32, 48
STATE, ACTION = "observation.state", "action"
SIDE, WRIST = "observation.images.side", "observation.images.wrist"
CAMERA = Feature("video", (HEIGHT, WIDTH, 3), ("height", "width", "channels"))


def format_with(*cameras: str) -> EpisodeFormat:
    return EpisodeFormat(
        FPS,
        {
            STATE: Feature("float32", (2,), ("waist", "opening")),
            ACTION: Feature("float32", (2,), ("waist", "opening")),
            "next.success": Feature("bool", (1,)),
            "stamp_ns": Feature("int64", (1,)),
            **dict.fromkeys(cameras, CAMERA),
        },
        "wx250s",
    )


def picture(episode: int, step: int) -> npt.NDArray[np.uint8]:
    """A picture that tells which one it is, coarse enough to survive the encoder."""
    image = np.full((HEIGHT, WIDTH, 3), 30, dtype=np.uint8)
    for bit in range(6):
        image[:16, 8 * bit : 8 * bit + 8] = 220 if episode >> bit & 1 else 30
        image[16:, 8 * bit : 8 * bit + 8] = 220 if step >> bit & 1 else 30
    return image


def told(image: npt.NDArray[np.uint8]) -> tuple[int, int]:
    rows = [[image[row, 8 * bit + 4].mean() > 125 for bit in range(6)] for row in (8, 24)]
    episode, step = (sum(set_ << bit for bit, set_ in enumerate(row)) for row in rows)
    return episode, step


def make_episode(number: int, length: int, *cameras: str, task: str = "stack") -> Episode:
    state = np.random.default_rng(number).normal(size=(length, 2)).astype(np.float32)
    columns = {
        STATE: state,
        ACTION: state + 1,
        "next.success": np.arange(length) == length - 1,
        "stamp_ns": 10**17 + 100_000_007 * np.arange(length),
    }
    films = {
        camera: np.stack([picture(number + 20 * place, step) for step in range(length)])
        for place, camera in enumerate(cameras)
    }
    return Episode(task, columns, films)


LENGTHS = (5, 1, 12)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three episodes of two tasks by two cameras."""
    with LeRobotWriter(tmp_path / "set", format_with(SIDE, WRIST)) as writer:
        for number, length in enumerate(LENGTHS):
            writer.append(make_episode(number, length, SIDE, WRIST, task=("stack", "reach", "stack")[number]))
    return tmp_path / "set"


def info_of(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "meta" / "info.json").read_text()))


def test_the_files_are_those_of_lerobot_v3_and_no_others(root: Path) -> None:
    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} == {
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "meta/source.json",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-000.parquet",
        f"videos/{SIDE}/chunk-000/file-000.mp4",
        f"videos/{WRIST}/chunk-000/file-000.mp4",
    }


def test_info_counts_and_describes(root: Path) -> None:
    info = info_of(root)
    features = info.pop("features")
    assert info == {
        "codebase_version": "v3.0",
        "robot_type": "wx250s",
        "total_episodes": 3,
        "total_frames": 18,
        "total_tasks": 2,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": 10,
        "splits": {"train": "0:3"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    assert features[STATE] == {"dtype": "float32", "shape": [2], "names": ["waist", "opening"]}
    assert features["timestamp"] == {"dtype": "float32", "shape": [1], "names": None}
    assert {name for name, feature in features.items() if feature["dtype"] == "int64"} == {
        "stamp_ns",
        "frame_index",
        "episode_index",
        "index",
        "task_index",
    }
    assert features[SIDE]["shape"] == [HEIGHT, WIDTH, 3]
    assert features[SIDE]["names"] == ["height", "width", "channels"]
    told = {key: features[SIDE]["info"][f"video.{key}"] for key in ("codec", "pix_fmt", "fps", "channels", "g")}
    assert told == {"codec": "h264", "pix_fmt": "yuv420p", "fps": 10, "channels": 3, "g": 2}


def test_data_is_one_row_group_an_episode_and_has_no_videos(root: Path) -> None:
    file = pq.ParquetFile(root / "data/chunk-000/file-000.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == list(LENGTHS)
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert {field.name: str(field.type) for field in file.schema_arrow} == {
        STATE: "fixed_size_list<element: float>[2]",
        ACTION: "fixed_size_list<element: float>[2]",
        "next.success": "bool",
        "stamp_ns": "int64",
        "timestamp": "float",
        "frame_index": "int64",
        "episode_index": "int64",
        "index": "int64",
        "task_index": "int64",
    }
    table = file.read()
    assert table["index"].to_pylist() == list(range(18))
    assert table["episode_index"].to_pylist() == [0] * 5 + [1] + [2] * 12
    assert table["task_index"].to_pylist() == [0] * 5 + [1] + [0] * 12
    frame_index = np.concatenate([np.arange(length) for length in LENGTHS])
    assert table["frame_index"].to_pylist() == frame_index.tolist()
    np.testing.assert_array_equal(table["timestamp"].to_numpy(), (frame_index / FPS).astype(np.float32))


def test_each_episode_has_a_row_that_says_where_it_lies(root: Path) -> None:
    rows = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [row["episode_index"] for row in rows] == [0, 1, 2]
    last = {key: value for key, value in rows[2].items() if not key.startswith("stats/")}
    video = {"chunk_index": 0, "file_index": 0, "from_timestamp": 0.6, "to_timestamp": 1.8}
    assert last == {
        "episode_index": 2,
        "tasks": ["stack"],
        "length": 12,
        "dataset_from_index": 6,
        "dataset_to_index": 18,
        "data/chunk_index": 0,
        "data/file_index": 0,
        **{f"videos/{camera}/{key}": value for camera in (SIDE, WRIST) for key, value in video.items()},
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }
    mean = make_episode(2, 12).columns[STATE].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(rows[2][f"stats/{STATE}/mean"], mean)
    assert np.shape(rows[2][f"stats/{SIDE}/q99"]) == (3, 1, 1)
    assert rows[2]["stats/index/max"] == [17]


def test_tasks_are_what_pandas_reads_as_an_index(root: Path) -> None:
    table = pq.read_table(root / "meta/tasks.parquet")
    assert table.to_pydict() == {"task_index": [0, 1], "task": ["stack", "reach"]}
    pandas = json.loads(table.schema.metadata[b"pandas"])
    assert pandas["index_columns"] == ["task"]
    assert [column["name"] for column in pandas["columns"]] == ["task_index", "task"]


def test_videos_have_a_frame_a_step_and_at_most_one_lies_between_two_key_frames(root: Path) -> None:
    with av.open(str(root / f"videos/{SIDE}/chunk-000/file-000.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.height, stream.width) == (
            "h264",
            "yuv420p",
            HEIGHT,
            WIDTH,
        )
        frames = list(container.decode(stream))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(18) / FPS, atol=1e-4)
    key = [frame.key_frame for frame in frames]
    assert [key[first] for first in (0, 5, 6)] == [True] * 3, "an episode begins with a key frame"
    assert all(first or second for first, second in itertools.pairwise(key))


def test_statistics_are_those_of_numpy(root: Path) -> None:
    stats = json.loads((root / "meta/stats.json").read_text())
    episodes = [make_episode(number, length, SIDE, WRIST) for number, length in enumerate(LENGTHS)]
    state = np.concatenate([episode.columns[STATE] for episode in episodes]).astype(np.float64)
    assert set(stats[STATE]) == {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}
    assert stats[STATE]["count"] == [18]
    for name, expected in (
        ("min", state.min(axis=0)),
        ("max", state.max(axis=0)),
        ("mean", state.mean(axis=0)),
        ("std", state.std(axis=0)),
        ("q01", np.quantile(state, 0.01, axis=0)),
        ("q90", np.quantile(state, 0.9, axis=0)),
    ):
        np.testing.assert_allclose(stats[STATE][name], expected, rtol=1e-12)
    pixels = np.concatenate([episode.frames[WRIST] for episode in episodes]).reshape(-1, 3) / 255
    for name in ("min", "max", "mean", "std"):
        expected = getattr(pixels, name)(axis=0).reshape(3, 1, 1)
        np.testing.assert_allclose(stats[WRIST][name], expected, atol=1e-12)
    assert stats[WRIST]["count"] == [18]
    assert stats["next.success"]["mean"] == [pytest.approx(3 / 18)]
    assert set(stats) == set(info_of(root)["features"])


def assert_holds(root: Path, lengths: list[int], *cameras: str) -> None:
    dataset = LeRobotDataset(root)
    assert [len(episode) for episode in dataset] == lengths
    for number, episode in enumerate(dataset):
        written = make_episode(number, lengths[number], *cameras)
        for name, values in written.columns.items():
            stored = episode.column(name)
            np.testing.assert_array_equal(stored, values)
            assert stored.dtype == values.dtype
        for place, camera in enumerate(cameras):
            frames = episode.frames(camera)
            assert [told(frame) for frame in frames] == [(number + 20 * place, step) for step in range(len(episode))]


# Files that hold one episode, two or three, and all.
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=5),
    cameras=st.sampled_from([(), (SIDE,), (SIDE, WRIST)]),
    published_after=st.integers(0, 4),
    megabytes=st.sampled_from([1e-6, 0.004, 100.0]),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    cameras: tuple[str, ...],
    published_after: int,
    megabytes: float,
) -> None:
    root = tmp_path_factory.mktemp("round") / "set"
    form = dataclasses.replace(format_with(*cameras), data_file_mb=megabytes, video_file_mb=megabytes)
    for part in (range(min(published_after, len(lengths))), range(published_after, len(lengths))):
        with LeRobotWriter(root, form) as writer:
            for number in part:
                writer.append(make_episode(number, lengths[number], *cameras))
    assert_holds(root, lengths, *cameras)
    if megabytes < 1e-3:
        assert len(list(root.glob("data/*/*.parquet"))) == len(lengths)


def test_frames_are_found_by_step_in_any_order(root: Path) -> None:
    episode = LeRobotDataset(root)[2]
    assert [told(frame) for frame in episode.frames(SIDE, [11, 0, 3, 3])] == [(2, 11), (2, 0), (2, 3), (2, 3)]


def test_a_chunk_holds_as_many_files_as_info_says() -> None:
    assert FilePlace(0, 998).after(1000) == FilePlace(0, 999)
    assert FilePlace(0, 999).after(1000) == FilePlace(1, 0)


def test_what_is_complete_is_published_when_recording_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), LeRobotWriter(tmp_path / "set", format_with(SIDE)) as writer:  # noqa: PT012
        writer.append(make_episode(0, 4, SIDE))
        raise KeyboardInterrupt
    assert_holds(tmp_path / "set", [4], SIDE)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": {"seed": 1}}, r"holds episodes with seed 0, not 1: choose another folder, or delete this one"),
        ({"form": format_with(SIDE)}, rf"holds episodes with another {WRIST}: choose another folder"),
        ({"form": dataclasses.replace(format_with(SIDE, WRIST), fps=5)}, "holds episodes with fps 10, not 5"),
    ],
)
def test_another_kind_of_episodes_is_not_mixed_in(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {"form": format_with(SIDE, WRIST), "source": {"seed": 0}}
    with LeRobotWriter(tmp_path / "set", **given_) as writer:
        writer.append(make_episode(0, 3, SIDE, WRIST))
    with pytest.raises(DatasetError, match=message):
        LeRobotWriter(tmp_path / "set", **{**given_, **changed})


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(DatasetError, match="is not empty and not a dataset that arvla wrote"):
        LeRobotWriter(tmp_path, format_with())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"columns": {}}, r"an episode lacks action, next\.success, observation\.state, stamp_ns"),
        (
            {"frames": {SIDE: np.zeros((4, 32, 64, 3), np.uint8)}},
            r"side is uint8 \[4, 32, 64, 3\].*uint8 \[4, 32, 48, 3\]",
        ),
        ({"frames": {}}, f"an episode lacks {SIDE}"),
        ({STATE: np.zeros((4, 3), np.float32)}, r"state is float32 \[4, 3\] in an episode, expected float32 \[4, 2\]"),
        ({STATE: np.zeros((4, 2))}, "state is float64"),
        ({STATE: np.array([[0, 0]] * 3 + [[0, np.nan]], np.float32)}, r"observation\.state is not finite at step 3"),
        ({ACTION: np.zeros((3, 2), np.float32)}, r"action is float32 \[3, 2\]"),
        ({"reward": np.zeros(4)}, "an episode has, unlike the dataset, reward"),
    ],
)
def test_an_episode_that_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    good = make_episode(0, 4, SIDE)
    fields = {key: value for key, value in changed.items() if key in ("columns", "frames")}
    columns = {**good.columns, **{key: value for key, value in changed.items() if key not in fields}}
    bad = dataclasses.replace(good, **{"columns": columns, **fields})
    with LeRobotWriter(tmp_path / "set", format_with(SIDE)) as writer:
        with pytest.raises(DatasetError, match=message):
            writer.append(bad)
        writer.append(good)
    assert_holds(tmp_path / "set", [4], SIDE)


def test_an_episode_without_steps_is_refused(tmp_path: Path) -> None:
    with LeRobotWriter(tmp_path / "set", format_with()) as writer, pytest.raises(DatasetError, match="has no steps"):
        writer.append(make_episode(0, 0))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"index": Feature("int64", (1,))}, "feature 'index': the name is taken"),
        ({"a/b": Feature("int64", (1,))}, "feature 'a/b': the name is taken, or has a slash"),
        (
            {"camera": Feature("video", (33, 48, 3))},
            r"camera 'camera' has shape \[33, 48, 3\], expected \[even, even, 3\]",
        ),
        ({"map": Feature("float32", (3, 3))}, r"feature 'map' is float32 \[3, 3\], expected \[n\] of float32, "),
        ({"note": Feature("string", (1,))}, r"feature 'note' is string \[1\], expected \[n\] of float32, "),
    ],
)
def test_a_format_that_cannot_be_stored_is_refused(features: dict[str, Feature], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        EpisodeFormat(FPS, features).info()
    with pytest.raises(DatasetError, match="whole, positive number of steps a second, not 0"):
        EpisodeFormat(0, {}).info()


def test_a_dataset_as_lerobot_itself_writes_it_is_read(root: Path) -> None:
    """Lists of any length, an index without a name, a second chunk, names in groups, text, pictures among the data."""
    png = [make_png(picture(number, step)) for number, length in enumerate(LENGTHS) for step in range(length)]
    old, new = root / "data/chunk-000/file-000.parquet", root / "data/chunk-001/file-000.parquet"
    table = pq.read_table(old).append_column("front", pa.array([{"bytes": content, "path": None} for content in png]))
    table = table.append_column("note", pa.array([f"step {step}" for step in range(18)]))
    table = table.set_column(0, STATE, table[STATE].cast(pa.list_(pa.float32())))
    new.parent.mkdir()
    pq.write_table(table, new)
    old.unlink()
    rows_file = root / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(rows_file)
    place = rows.column_names.index("data/chunk_index")
    pq.write_table(rows.set_column(place, "data/chunk_index", pa.array([1, 1, 1])), rows_file)
    tasks = pq.read_table(root / "meta/tasks.parquet").rename_columns(["task_index", "__index_level_0__"])
    pq.write_table(tasks, root / "meta/tasks.parquet")
    info = info_of(root)
    info["features"][STATE]["names"] = {"motors": ["waist", "opening"]}
    info["features"]["front"] = {"dtype": "image", "shape": [HEIGHT, WIDTH, 3], "names": None}
    info["features"]["note"] = {"dtype": "string", "shape": [1], "names": None}
    (root / "meta/info.json").write_text(json.dumps({**info, "total_videos": 6}))

    assert_holds(root, list(LENGTHS), SIDE, WRIST)
    dataset = LeRobotDataset(root)
    assert dataset.tasks == ["stack", "reach"]
    assert dataset.info.cameras == (SIDE, WRIST, "front")
    np.testing.assert_array_equal(dataset[2].frames("front", [7]), [picture(2, 7)])
    assert dataset[1].column("note").tolist() == ["step 5"]


def make_png(image: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="png")
    return file.getvalue()


def test_v21_is_refused_with_the_way_to_convert_it(root: Path) -> None:
    (root / "meta/info.json").write_text(json.dumps({**info_of(root), "codebase_version": "v2.1"}))
    with pytest.raises(
        DatasetError, match=r"of version v2\.1, expected v3\.0: convert it .*convert_dataset_v21_to_v30"
    ):
        LeRobotDataset(root)


def test_a_folder_without_a_dataset_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"info\.json does not exist: record a dataset there with `arvla sim record`"
    ):
        LeRobotDataset(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not readable JSON"),
        ("[]", "holds no JSON object"),
        ('{"codebase_version": "v3.0"}', "lacks 'fps'"),
        ('{"codebase_version": "v3.0", "fps": "fast"}', "is damaged"),
    ],
)
def test_a_foreign_info_is_refused(root: Path, content: str, message: str) -> None:
    (root / "meta/info.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        LeRobotDataset(root)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("data/chunk-000/file-000.parquet", r"data/chunk-000/file-000\.parquet"),
        (f"videos/{SIDE}/chunk-000/file-000.mp4", r"episode 1: video .*side/chunk-000/file-000\.mp4"),
        ("meta/tasks.parquet", r"meta/tasks\.parquet"),
    ],
)
def test_a_missing_or_cut_file_is_named(root: Path, file: str, message: str) -> None:
    for damage, told_ in (
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "is damaged"),
        (Path.unlink, "does not exist: the dataset is not complete"),
    ):
        damage(root / file)
        with pytest.raises(DatasetError, match=f"{message} {told_}"):
            LeRobotDataset(root)[1].frames(SIDE)


def test_a_frame_that_the_video_lacks_is_named_with_its_time(root: Path) -> None:
    wrist = root / f"videos/{WRIST}/chunk-000/file-000.mp4"
    with LeRobotWriter(root.parent / "shorter", format_with(WRIST)) as writer:
        writer.append(make_episode(0, 5, WRIST))
    (root.parent / "shorter" / f"videos/{WRIST}/chunk-000/file-000.mp4").replace(wrist)
    with pytest.raises(DatasetError, match=r"episode 2: video .*wrist.*file-000\.mp4 has no frame at 0\.6000 s"):
        LeRobotDataset(root)[2].frames(WRIST)


def test_data_that_is_elsewhere_than_the_list_of_episodes_says_is_refused(root: Path) -> None:
    path = root / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path).slice(0, 10), path)
    with pytest.raises(DatasetError, match=r"file-000\.parquet has 4 rows .* the 12 of episode 2 lie"):
        LeRobotDataset(root)[2].column(STATE)


def test_an_incomplete_list_of_episodes_is_refused(root: Path) -> None:
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(DatasetError, match="does not list episodes 0 to 2 in order"):
        LeRobotDataset(root)


def test_unknown_names_are_answered_with_those_there_are(root: Path) -> None:
    episode = LeRobotDataset(root)[0]
    with pytest.raises(DatasetError, match=rf"no camera 'front'; its cameras are {SIDE}, {WRIST}"):
        episode.frames("front")
    with pytest.raises(DatasetError, match=r"no column 'torque'; it has observation\.state, action"):
        episode.column("torque")
    with pytest.raises(IndexError, match="has episodes 0 to 2, not 3"):
        LeRobotDataset(root)[3]
