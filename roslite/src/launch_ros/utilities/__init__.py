"""Helpers of launch_ros."""

from .names import (
    is_namespace_absolute,
    is_root_namespace,
    make_namespace_absolute,
    normalize_remap_rule,
    normalize_remap_rules,
    prefix_namespace,
    validate_namespace,
    validate_node_name,
)
from .parameters import evaluate_parameters, normalize_parameter_dict, normalize_parameters

__all__ = [
    "evaluate_parameters",
    "is_namespace_absolute",
    "is_root_namespace",
    "make_namespace_absolute",
    "normalize_parameter_dict",
    "normalize_parameters",
    "normalize_remap_rule",
    "normalize_remap_rules",
    "prefix_namespace",
    "validate_namespace",
    "validate_node_name",
]
