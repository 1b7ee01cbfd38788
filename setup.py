"""Installs by pip what colcon installs through CMakeLists.txt: Python package, node executables, share folder."""

from collections.abc import Iterator
from pathlib import Path

from setuptools import find_packages, setup

NAME = "arvla_ros"


def share_files(folder: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (destination, files) of every folder below ``folder``, as ``data_files`` wants it."""
    for directory in [Path(folder), *(path for path in Path(folder).rglob("*") if path.is_dir())]:
        files = [str(path) for path in sorted(directory.iterdir()) if path.is_file()]
        if files:
            yield f"share/{NAME}/{directory}", files


setup(
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"], f"{NAME}.sim": ["*.xml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", "requirements.txt"]),
        (f"lib/{NAME}", [str(path) for path in sorted(Path("scripts").iterdir()) if path.is_file()]),
        *(entry for folder in ("launch", "config", "checkpoints", "msg", "srv") for entry in share_files(folder)),
    ],
)
