"""Names and namespaces of nodes."""

from __future__ import annotations

import re

_TOKEN = "[A-Za-z_][A-Za-z0-9_]*"
_NODE_NAME = re.compile(_TOKEN)
_NAMESPACE = re.compile(f"/|(/{_TOKEN})+")


def prefix_namespace(base_ns: str | None, ns: str | None) -> str | None:
    """Put `base_ns` before a relative `ns`; an absolute one stays, and so does either where the other is None."""
    if ns is None or base_ns is None:
        joined = base_ns if ns is None else ns
    elif ns.startswith("/") or not base_ns:
        joined = ns
    else:
        joined = f"{base_ns.rstrip('/')}/{ns}"
    return joined if joined in (None, "/") else joined.rstrip("/")


def make_namespace_absolute(ns: str | None) -> str | None:
    """Put a slash before a relative namespace."""
    return ns if ns is None or ns.startswith("/") else f"/{ns}"


def validate_node_name(name: str) -> None:
    """Raise ValueError unless this is a valid name of a node."""
    if not _NODE_NAME.fullmatch(name):
        raise ValueError(
            f"Invalid node name: '{name}': must be letters, digits and '_', and must not start with a digit"
        )


def validate_namespace(namespace: str) -> None:
    """Raise ValueError unless this is a valid absolute namespace."""
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(
            f"Invalid namespace: '{namespace}': must be names of letters, digits and '_' that do not start with a "
            "digit, each behind a '/'"
        )
