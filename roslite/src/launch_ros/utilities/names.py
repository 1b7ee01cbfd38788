"""Names and namespaces of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions

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


def is_root_namespace(ns: str) -> bool:
    """Whether this is the namespace of all namespaces."""
    return ns == "/"


def is_namespace_absolute(ns: str) -> bool:
    """Whether this does not depend on another namespace."""
    return ns.startswith("/")


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


RemapRule = tuple[tuple[Substitution, ...], tuple[Substitution, ...]]


def normalize_remap_rule(remap_rule: tuple[SomeSubstitutionsType, SomeSubstitutionsType]) -> RemapRule:
    """Turn a pair of names, from and to, into substitutions.

    Raises:
        TypeError: it is no pair.
    """
    if not isinstance(remap_rule, tuple) or len(remap_rule) != 2:
        raise TypeError(f"remap_rule must be a tuple of length 2, got {remap_rule!r}")
    source, target = remap_rule
    return tuple(normalize_to_list_of_substitutions(source)), tuple(normalize_to_list_of_substitutions(target))


def normalize_remap_rules(
    remap_rules: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]],
) -> Iterator[RemapRule]:
    """Do so with several pairs."""
    return map(normalize_remap_rule, remap_rules)
