"""Substitutions written as text, `$(name argument ...)`, as parameter files hold them.

Launch files in XML and YAML, which ROS 2's package of this name is for as well, cannot be read here.
"""

from .expose import expose_substitution
from .parse_substitution import parse_substitution

__all__ = ["expose_substitution", "parse_substitution"]
