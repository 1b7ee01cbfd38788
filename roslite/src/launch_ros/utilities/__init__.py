"""Helpers of launch_ros."""

from .names import make_namespace_absolute, prefix_namespace, validate_namespace, validate_node_name
from .parameters import evaluate_parameters, normalize_parameter_dict, normalize_parameters

__all__ = [
    "evaluate_parameters",
    "make_namespace_absolute",
    "normalize_parameter_dict",
    "normalize_parameters",
    "prefix_namespace",
    "validate_namespace",
    "validate_node_name",
]
