"""YAML as ROS 2 reads it: for parameter files, and for values on the command line."""

import re
from typing import Any

import yaml


class YamlLoader(yaml.SafeLoader):
    """Takes ``1e-3`` for a number, dates for text, and adds up what stands twice under one key, as ROS 2 does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a dictionary; mappings under the same key become one, other values replace each other."""
        self.flatten_mapping(node)
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            value = self.construct_object(value_node, deep=True)
            _merge(mapping, {key: value})
        return mapping


def _merge(into: dict[Any, Any], other: dict[Any, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


_REPLACED = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp")}
YamlLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
YamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0x[0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$"), list("-+0123456789")
)
YamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+.0123456789"),
)


def problem_of_parameter(value: Any) -> str | None:
    """Return why a value cannot be that of a parameter, None if it can."""
    if value is None:
        return "it has no value"
    items = value if isinstance(value, list) else [value]
    if stranger := next((item for item in items if type(item) not in (bool, int, float, str)), None):
        return f"{stranger!r} is neither a boolean, a number nor text"
    if len({type(item) for item in items}) > 1:
        return f"{value!r} has items of different types"
    return None
