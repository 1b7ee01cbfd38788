"""Where packages are looked for: ``AMENT_PREFIX_PATH``, then this Python's own prefix, then what roslite ships.

Light on purpose: every import that fails passes through here, from the start of the interpreter on.
"""

import os
import sys

SHIPPED_PREFIX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prefix")
"""A prefix like any other, with the interface packages that neither pip nor ``rosbags`` provide."""


def get_search_paths() -> list[str]:
    """Return the existing prefixes in order of precedence."""
    listed = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    prefixes = dict.fromkeys([*(entry for entry in listed if entry), sys.prefix, SHIPPED_PREFIX])
    return [prefix for prefix in prefixes if os.path.isdir(prefix)]


def find_in_share(package: str, name: str) -> str | None:
    """Return the first ``<prefix>/share/<package>/<name>`` that exists, or None."""
    for prefix in get_search_paths():
        path = os.path.join(prefix, "share", package, name)
        if os.path.exists(path):
            return path
    return None
