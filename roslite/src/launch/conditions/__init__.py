"""The conditions of launch."""

from .expression import (
    IfCondition,
    InvalidConditionExpressionError,
    UnlessCondition,
    evaluate_condition_expression,
)
from .launch_configuration import LaunchConfigurationEquals, LaunchConfigurationNotEquals

__all__ = [
    "IfCondition",
    "InvalidConditionExpressionError",
    "LaunchConfigurationEquals",
    "LaunchConfigurationNotEquals",
    "UnlessCondition",
    "evaluate_condition_expression",
]
