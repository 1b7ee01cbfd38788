"""Finds installed packages and their share folders, as ROS 2's package of the same name does."""

from .constants import AMENT_PREFIX_PATH_ENV_VAR
from .packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
    get_package_share_path,
    get_packages_with_prefixes,
)
from .resources import get_resource, get_resource_types, get_resources, has_resource
from .search import get_search_paths

__all__ = [
    "AMENT_PREFIX_PATH_ENV_VAR",
    "PackageNotFoundError",
    "get_package_prefix",
    "get_package_share_directory",
    "get_package_share_path",
    "get_packages_with_prefixes",
    "get_resource",
    "get_resource_types",
    "get_resources",
    "get_search_paths",
    "has_resource",
]
