"""Resources of the ament index: files below ``share/ament_index/resource_index/<type>/<name>``."""

import os
from pathlib import Path

from .constants import RESOURCE_INDEX_SUBFOLDER
from .search import get_search_paths


class InvalidResourceTypeNameError(ValueError):
    """A resource type is not a plain file name."""


class InvalidResourceNameError(ValueError):
    """A resource name is not a plain file name."""


def name_is_invalid(resource_name: str) -> bool:
    """Whether the name could leave its folder of the index."""
    return resource_name in ("", ".", "..") or "/" in resource_name or "\\" in resource_name


def _check(resource_type: str, resource_name: str = "any") -> None:
    if name_is_invalid(resource_type):
        raise InvalidResourceTypeNameError(f"Resource type '{resource_type}' is invalid")
    if name_is_invalid(resource_name):
        raise InvalidResourceNameError(f"Resource name '{resource_name}' is invalid")


def get_resource(resource_type: str, resource_name: str) -> tuple[str, str]:
    """Return the content of a resource and the prefix it was found in.

    Raises:
        LookupError: no prefix has the resource.
    """
    _, prefix = has_resource_at(resource_type, resource_name)
    if prefix is None:
        raise LookupError(f"Could not find the resource '{resource_name}' of type '{resource_type}'")
    return Path(prefix, RESOURCE_INDEX_SUBFOLDER, resource_type, resource_name).read_text(), prefix


def has_resource_at(resource_type: str, resource_name: str) -> tuple[bool, str | None]:
    """Return whether the resource exists and, if so, the first prefix that has it."""
    _check(resource_type, resource_name)
    for prefix in get_search_paths():
        if os.path.isfile(os.path.join(prefix, RESOURCE_INDEX_SUBFOLDER, resource_type, resource_name)):
            return True, prefix
    return False, None


def has_resource(resource_type: str, resource_name: str) -> str | bool:
    """Return the prefix that has the resource, or False."""
    return has_resource_at(resource_type, resource_name)[1] or False


def get_resources(resource_type: str) -> dict[str, str]:
    """Return the names of all resources of a type, each with the prefix it was found in first."""
    _check(resource_type)
    resources: dict[str, str] = {}
    for prefix in get_search_paths():
        folder = Path(prefix, RESOURCE_INDEX_SUBFOLDER, resource_type)
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.is_file() and not entry.name.startswith("."):
                    resources.setdefault(entry.name, prefix)
    return resources


def get_resource_types() -> set[str]:
    """Return every type that any prefix has resources of."""
    folders = (Path(prefix, RESOURCE_INDEX_SUBFOLDER) for prefix in get_search_paths())
    return {entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir() if entry.is_dir()}
