"""The substitutions of launch_ros."""

from .packages import ExecutableInPackage, FindPackage, FindPackagePrefix, FindPackageShare

__all__ = ["ExecutableInPackage", "FindPackage", "FindPackagePrefix", "FindPackageShare"]
