"""Where packages are looked for."""

from roslite.prefixes import get_search_paths

__all__ = ["get_search_paths"]
