"""The substitutions of launch_ros."""

from launch.frontend.expose import add_substitution

from .packages import ExecutableInPackage, FindPackage, FindPackagePrefix, FindPackageShare
from .parameter import Parameter

__all__ = ["ExecutableInPackage", "FindPackage", "FindPackagePrefix", "FindPackageShare", "Parameter"]

add_substitution("exec-in-pkg", lambda executable, package: ExecutableInPackage(executable, package))
add_substitution("find-pkg-prefix", FindPackagePrefix)
add_substitution("find-pkg-share", FindPackageShare)
add_substitution("param", Parameter)
