"""Packs complete episodes into new files of a dataset; files that readers know already are never touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arvla_ros.episodes.layout import (
    INFO_PATH,
    STATS_PATH,
    TASKS_PATH,
    FilePlace,
    Info,
    episodes_path,
    write_json,
)
from arvla_ros.episodes.metadata import flatten, load_episode_stats, load_episodes, load_tasks
from arvla_ros.episodes.staging import StagedEpisode
from arvla_ros.episodes.statistics import describe, merge, to_lists
from arvla_ros.episodes.video import concatenate

_MEGABYTE = 1024 * 1024

Row = dict[str, Any]


def publish(root: Path, info: Info, episodes: Sequence[StagedEpisode]) -> Info:
    """Write ``episodes`` after those that ``info`` counts, ``info.json`` last; return what it then says.

    Raises:
        DatasetError: what is there cannot be read.
    """
    held = load_episodes(root, info)
    tasks = load_tasks(root) if held else []
    tasks += [task for task in dict.fromkeys(episode.task for episode in episodes) if task not in tasks]
    news = _number(info, tasks, episodes)
    _write_data(root, info, held, news)
    for camera in info.videos:
        _write_videos(root, info, camera, held, news)
    write_json(root / STATS_PATH, _statistics(root, info, held, news))
    _write_table(_tasks_table(tasks), root / TASKS_PATH)
    _write_rows(root, info, held, news)
    grown = replace(
        info,
        total_episodes=info.total_episodes + len(news),
        total_frames=info.total_frames + sum(new.staged.length for new in news),
        total_tasks=len(tasks),
    )
    write_json(root / INFO_PATH, grown.to_dict())
    return grown


@dataclass(frozen=True)
class _New:
    """An episode on its way into the dataset."""

    staged: StagedEpisode
    indices: dict[str, np.ndarray[Any, Any]]
    row: Row
    """Its row of ``meta/episodes``."""


def _number(info: Info, tasks: list[str], episodes: Sequence[StagedEpisode]) -> list[_New]:
    """Give episodes and steps the numbers that follow those in the dataset."""
    news, first = [], info.total_frames
    for number, staged in enumerate(episodes, info.total_episodes):
        indices = {
            "episode_index": np.full(staged.length, number),
            "index": np.arange(first, first + staged.length),
            "task_index": np.full(staged.length, tasks.index(staged.task)),
        }
        row: Row = {
            "episode_index": number,
            "tasks": [staged.task],
            "length": staged.length,
            "dataset_from_index": first,
            "dataset_to_index": first + staged.length,
        }
        news.append(_New(staged, indices, row))
        first += staged.length
    return news


def _write_data(root: Path, info: Info, held: list[Row], news: list[_New]) -> None:
    """Write the columns, one row group an episode."""
    schema = pa.schema([(name, feature.arrow_type()) for name, feature in info.columns.items()])
    limit = info.data_files_size_in_mb * _MEGABYTE
    for place, group in _files(info, held, news, "data", limit, lambda new: new.staged.data_size):
        path = root / info.data_path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with pq.ParquetWriter(part, schema, compression="snappy") as writer:
            for new in group:
                table = new.staged.table()
                for name, values in new.indices.items():
                    table = table.append_column(name, pa.array(values, type=schema.field(name).type))
                writer.write_table(table.select(schema.names))
                new.row.update({f"data/{key}": value for key, value in place._asdict().items()})
        part.replace(path)


def _write_videos(root: Path, info: Info, camera: str, held: list[Row], news: list[_New]) -> None:
    """Join the films of a camera."""
    prefix, limit = f"videos/{camera}", info.video_files_size_in_mb * _MEGABYTE
    for place, group in _files(info, held, news, prefix, limit, lambda new: new.staged.video_size(camera)):
        path = root / info.video_path(camera, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        concatenate([new.staged.video(camera) for new in group], part, info.fps)
        part.replace(path)
        frames = 0
        for new in group:
            new.row.update({f"{prefix}/{key}": value for key, value in place._asdict().items()})
            new.row[f"{prefix}/from_timestamp"] = frames / info.fps
            frames += new.staged.length
            new.row[f"{prefix}/to_timestamp"] = frames / info.fps


def _files(
    info: Info, held: list[Row], news: list[_New], prefix: str, limit: float, size: Callable[[_New], int]
) -> Iterator[tuple[FilePlace, list[_New]]]:
    """Yield the files to write, after the last one that is in use: place and episodes, none above ``limit`` bytes."""
    place = _last(held, prefix).after(info.chunks_size) if held else FilePlace(0, 0)
    group: list[_New] = []
    total = 0
    for new in news:
        if group and total + size(new) > limit:
            yield place, group
            place, group, total = place.after(info.chunks_size), [], 0
        group.append(new)
        total += size(new)
    yield place, group


def _last(held: list[Row], prefix: str) -> FilePlace:
    return max(FilePlace(row[f"{prefix}/chunk_index"], row[f"{prefix}/file_index"]) for row in held)


def _statistics(root: Path, info: Info, held: list[Row], news: list[_New]) -> dict[str, Any]:
    """Describe the whole dataset: columns exactly, cameras from what is known of each episode."""
    paths = dict.fromkeys(
        info.data_path(FilePlace(row["data/chunk_index"], row["data/file_index"]))
        for row in (*held, *(new.row for new in news))
    )
    stats: dict[str, Any] = {}
    for name, feature in info.features.items():
        if feature.is_video:
            known = load_episode_stats(root, info, name)
            stats[name] = to_lists(merge([*known, *(new.staged.stats[name] for new in news)]))
        else:
            numbers = np.concatenate([flatten(pq.read_table(root / path, columns=[name])[name]) for path in paths])
            stats[name] = to_lists(describe(numbers.reshape(-1, *feature.shape)))
    return stats


def _tasks_table(tasks: list[str]) -> pa.Table:
    """Return the tasks as pandas would store a frame with the index ``task``."""
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    kinds = {"task_index": ("int64", "int64"), "task": ("unicode", "object")}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [
            {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object", "metadata": None}
        ],
        "columns": [
            {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy_type, "metadata": None}
            for name, (kind, numpy_type) in kinds.items()
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _write_rows(root: Path, info: Info, held: list[Row], news: list[_New]) -> None:
    """Write a new file of ``meta/episodes``."""
    place = _last(held, "meta/episodes").after(info.chunks_size) if held else FilePlace(0, 0)
    for new in news:
        stats = {**new.staged.stats, **{name: describe(values) for name, values in new.indices.items()}}
        for name, values in stats.items():
            new.row.update({f"stats/{name}/{key}": value for key, value in to_lists(values).items()})
        new.row.update({f"meta/episodes/{key}": value for key, value in place._asdict().items()})
    _write_table(pa.Table.from_pylist([new.row for new in news]), root / episodes_path(place))


def _write_table(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    pq.write_table(table, part, compression="snappy")
    part.replace(path)
