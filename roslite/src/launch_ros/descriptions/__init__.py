"""Descriptions of what actions need: parameters, and nodes to load into a container."""

from launch_ros.parameter_descriptions import Parameter, ParameterFile, ParameterValue

from .composable_node import ComposableNode

__all__ = ["ComposableNode", "Parameter", "ParameterFile", "ParameterValue"]
