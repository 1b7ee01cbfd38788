"""What `pip install .` puts where: the same things in the same places as colcon does."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    *("arvla_ros", "config", "launch", "msg", "srv", "resource", "scripts", "checkpoints"),
    *("pyproject.toml", "setup.py", "requirements.txt", "package.xml", "README.md"),
)
DATA = re.compile(r"arvla_ros-[^/]+\.data/data/(.*)")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> dict[str, zipfile.ZipInfo]:
    """Return the files that a wheel of this checkout puts into an installation prefix."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    # Built from a copy: a build leaves files beside its sources.
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, source / part)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(wheels)]
    subprocess.run([*build, str(source)], check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        return {DATA.sub(r"\1", info.filename): info for info in wheel.infolist()}


def test_share_folder_marker_and_modules_are_installed(installed):
    share = [
        path for folder in ("config", "launch", "msg", "srv", "checkpoints") for path in (ROOT / folder).rglob("*")
    ]
    expected = {f"share/arvla_ros/{path.relative_to(ROOT)}" for path in share if path.is_file()}
    expected |= {"share/ament_index/resource_index/packages/arvla_ros", "share/arvla_ros/package.xml"}
    expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "arvla_ros").rglob("*.py")}
    expected |= {"arvla_ros/sim/scene.xml", "arvla_ros/py.typed", "share/arvla_ros/requirements.txt"}
    missing = {path for path in expected if "__pycache__" not in path} - set(installed)
    assert missing == set()


def test_node_executables_are_installed_executable(installed):
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert {"perception", "action_expert", "guard", "sim_widowx"} <= scripts
    for name in scripts:
        mode = installed[f"lib/arvla_ros/{name}"].external_attr >> 16
        assert mode & stat.S_IXUSR, f"{name} is not executable"


@pytest.mark.parametrize("kind", ["msg", "srv"])
def test_every_interface_is_built_by_colcon_too(kind):
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert {path.name for path in (ROOT / kind).iterdir()} == set(re.findall(rf'"{kind}/(\w+\.{kind})"', cmake))
