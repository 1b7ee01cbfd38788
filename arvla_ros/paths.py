"""Where the package's own files lie: in a checkout, in a pip installation, or in a colcon install space."""

from __future__ import annotations

from pathlib import Path


def share_directory() -> Path:
    """Return the folder that holds ``package.xml``, ``config/``, ``launch/`` and ``checkpoints/``.

    Raises:
        FileNotFoundError: the package was copied without its data files.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / "package.xml").is_file():
        return package.parent
    for prefix in package.parents:
        share = prefix / "share" / "arvla_ros"
        if (share / "package.xml").is_file():
            return share
    raise FileNotFoundError(
        f"no share/arvla_ros above {package}: install the package with `pip install .` or `colcon build`, "
        "not by copying the Python files"
    )
