"""The text of definitions."""

from __future__ import annotations

from pathlib import Path

from rosbags.typesys import Stores, get_typestore
from roslite.definitions import distribution
from roslite.prefixes import find_in_share


def definition_text(full_name: str) -> str:
    """Return the definition of `package/msg/Name` or `package/srv/Name`, which exists."""
    package, kind, short = full_name.split("/")
    path = find_in_share(package, f"{kind}/{short}.{kind}")
    if path is not None:
        return Path(path).read_text(encoding="utf-8")
    text, _ = get_typestore(Stores(f"ros2_{distribution()}")).generate_msgdef(full_name, ros_version=2)
    return text.partition("=" * 80)[0]
