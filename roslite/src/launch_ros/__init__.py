"""ROS 2's launch extensions for nodes, as far as Python launch files use them."""

from . import actions, parameter_descriptions, substitutions, utilities

__all__ = ["actions", "parameter_descriptions", "substitutions", "utilities"]
