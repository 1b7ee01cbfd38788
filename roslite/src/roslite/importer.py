"""Makes ``from std_msgs.msg import String`` work: a finder for packages that exist only as interface definitions.

Installed at interpreter start by ``roslite.pth``, so this module imports nothing that is not loaded anyway (``typing``
neither). The finder comes last in ``sys.meta_path``: a real ROS 2, or any real package, is never shadowed.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROSBAGS_PACKAGES = frozenset(
    {
        "action_msgs",
        "actionlib_msgs",
        "builtin_interfaces",
        "diagnostic_msgs",
        "geometry_msgs",
        "libstatistics_collector",
        "lifecycle_msgs",
        "nav_msgs",
        "rcl_interfaces",
        "rmw_dds_common",
        "rosbag2_interfaces",
        "rosgraph_msgs",
        "sensor_msgs",
        "service_msgs",
        "shape_msgs",
        "statistics_msgs",
        "std_msgs",
        "stereo_msgs",
        "tf2_msgs",
        "trajectory_msgs",
        "type_description_interfaces",
        "unique_identifier_msgs",
        "visualization_msgs",
    }
)
"""Packages whose definitions come with ``rosbags``; named here because importing it takes too long at start."""

KINDS = ("msg", "srv")


class InterfaceLoader:
    """Fills the module of an interface package."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the creation of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Give ``pkg.msg`` and ``pkg.srv`` their lazily built classes; ``pkg`` itself stays empty."""
        package, _, kind = module.__name__.partition(".")
        if kind:
            from roslite.messages import fill_module

            fill_module(module, package, kind.partition(".")[0])


class InterfaceFinder:
    """Finds ``pkg``, ``pkg.msg``, ``pkg.srv`` and ``pkg.msg._name`` of packages known by their definitions."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec if ``fullname`` belongs to an interface package that nobody else can import."""
        package, *rest = fullname.split(".")
        if not rest:
            if not any(has_interfaces(package, kind) for kind in KINDS) or self._found_elsewhere(fullname):
                return None
        elif (
            rest[0] not in KINDS
            or len(rest) > 2
            or not has_interfaces(package, rest[0])
            or (len(rest) == 2 and not rest[1].startswith("_"))
        ):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, InterfaceLoader(), is_package=len(rest) < 2)  # type: ignore[arg-type]

    def _found_elsewhere(self, fullname: str) -> bool:
        later = sys.meta_path[sys.meta_path.index(self) + 1 :]
        return any(finder.find_spec(fullname, None) is not None for finder in later)


def has_interfaces(package: str, kind: str) -> bool:
    """Whether ``package`` has definitions of ``kind`` (``msg`` or ``srv``) that Python modules can be made from."""
    if package in ROSBAGS_PACKAGES and kind == "msg":
        return True
    if not package.isidentifier():
        return False
    from roslite.prefixes import find_in_share

    return find_in_share(package, kind) is not None


def install() -> None:
    """Append the finder to ``sys.meta_path`` once, unless Python runs without roslite's packages (``-S``, ``-I``)."""
    if not any(isinstance(finder, InterfaceFinder) for finder in sys.meta_path):
        sys.meta_path.append(InterfaceFinder())
