"""Matchers: predicates that choose the process an event is meant for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch.actions import ExecuteLocal

ProcessMatcher = Callable[["ExecuteLocal"], bool]


def matches_action(target_action: ExecuteLocal) -> ProcessMatcher:
    """Match the process of this action."""
    return lambda action: action is target_action


def matches_pid(pid: int) -> ProcessMatcher:
    """Match the process with this id."""
    return lambda action: action.process_details is not None and action.process_details.get("pid") == pid


def matches_name(name: str) -> ProcessMatcher:
    """Match the process with this name, `name-N` as the log shows it."""
    return lambda action: action.process_details is not None and action.process_details["name"] == name


def matches_executable(executable: str) -> ProcessMatcher:
    """Match processes whose command begins with this."""
    return lambda action: action.process_details is not None and action.process_details["cmd"][0] == executable
