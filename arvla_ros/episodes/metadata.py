"""What ``meta/`` says of episodes and tasks, and the reading of Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from arvla_ros.episodes.layout import EPISODES_FOLDER, TASKS_PATH, DatasetError, Info
from arvla_ros.episodes.statistics import STATISTICS, Stats, from_lists

_ROW = ("episode_index", "tasks", "length", "dataset_from_index", "dataset_to_index", "data/chunk_index",
        "data/file_index", "meta/episodes/chunk_index", "meta/episodes/file_index")  # fmt: skip
_VIDEO_ROW = ("chunk_index", "file_index", "from_timestamp")


def load_episodes(root: Path, info: Info) -> list[dict[str, Any]]:
    """Return a row an episode: where it lies, how long it is; without its statistics.

    Raises:
        DatasetError: rows are missing, out of order, or lack a column.
    """
    columns = [*_ROW, *(f"videos/{camera}/{key}" for camera in info.videos for key in _VIDEO_ROW)]
    rows = _load_rows(root, info, columns)
    if [row["episode_index"] for row in rows] != list(range(info.total_episodes)):
        raise DatasetError(
            f"{root / EPISODES_FOLDER} does not list episodes 0 to {info.total_episodes - 1} in order, which "
            "info.json counts: the dataset is not complete"
        )
    return rows


def load_episode_stats(root: Path, info: Info, feature: str) -> list[Stats]:
    """Return the statistics of a feature in each episode.

    Raises:
        DatasetError: they are missing.
    """
    rows = _load_rows(root, info, [f"stats/{feature}/{name}" for name in STATISTICS])
    return [from_lists({name: row[f"stats/{feature}/{name}"] for name in STATISTICS}) for row in rows]


def _load_rows(root: Path, info: Info, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((root / EPISODES_FOLDER).glob("*/*.parquet")) if info.total_episodes else ():
        table = read_table(path)
        missing = [column for column in columns if column not in table.column_names]
        if missing:
            raise DatasetError(f"{path} has no column {missing[0]}: it is no list of episodes of LeRobot v3.0")
        rows += table.select(columns).to_pylist()
    # What lies beyond the count was left by a run that was killed before it could finish.
    return rows[: info.total_episodes]


def load_tasks(root: Path) -> list[str]:
    """Return the tasks by their ``task_index``.

    Raises:
        DatasetError: the file is missing or foreign.
    """
    table = read_table(root / TASKS_PATH)
    # A pandas index without a name is stored under the second of these.
    name = next((name for name in ("task", "__index_level_0__") if name in table.column_names), None)
    if name is None or "task_index" not in table.column_names:
        raise DatasetError(
            f"{root / TASKS_PATH} has columns {', '.join(table.column_names)}, expected task, task_index"
        )
    tasks = dict(zip(table["task_index"].to_pylist(), table[name].to_pylist(), strict=True))
    return [str(tasks[index]) for index in sorted(tasks)]


def read_table(path: Path) -> pa.Table:
    """Read a Parquet file.

    Raises:
        DatasetError: it is missing or damaged.
    """
    try:
        return pq.ParquetFile(path).read()
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist: the dataset is not complete") from error
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path} is damaged: {error}") from error


def flatten(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Return all numbers of a column of scalars or (nested) lists, in their order."""
    array = column.combine_chunks()
    while pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type) or pa.types.is_large_list(array.type):
        array = array.flatten()
    return np.asarray(array.to_numpy(zero_copy_only=False))
