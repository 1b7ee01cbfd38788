"""Packages and resources are found where they are installed."""

from pathlib import Path

import pytest
from ament_index_python import get_resource, get_resources, has_resource
from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
    get_package_share_path,
    get_packages_with_prefixes,
)


@pytest.fixture
def prefixes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    for prefix, packages in ((first, ["arm"]), (second, ["arm", "hand"])):
        for package in packages:
            marker = prefix / "share/ament_index/resource_index/packages" / package
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(f"from {prefix.name}")
            (prefix / "share" / package).mkdir()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{first}:{second}:/missing")
    return first, second


def test_the_first_prefix_wins(prefixes: tuple[Path, Path]) -> None:
    first, second = prefixes
    assert get_package_prefix("arm") == str(first)
    assert get_package_share_directory("hand") == str(second / "share/hand")
    assert get_package_share_path("hand") == second / "share/hand"
    assert get_packages_with_prefixes()["arm"] == str(first)
    assert get_resource("packages", "arm") == ("from first", str(first))
    assert get_resources("packages")["hand"] == str(second)


def test_what_is_not_installed_is_not_found(prefixes: tuple[Path, Path]) -> None:
    with pytest.raises(PackageNotFoundError, match="package 'leg' not found"):
        get_package_share_directory("leg")
    with pytest.raises(ValueError, match="not a valid package name"):
        get_package_prefix("../etc")
    with pytest.raises(LookupError):
        get_resource("packages", "leg")
    assert not has_resource("packages", "leg")
