"""The tasks of the simulated arm, by name."""

from __future__ import annotations

from arvla_ros.sim.tasks.base import CameraPose, ObjectPose, Scenario, Task, TaskError, TaskStatus
from arvla_ros.sim.tasks.reach import Reach
from arvla_ros.sim.tasks.stack3 import Stack3

TASKS: dict[str, type[Task]] = {"reach": Reach, "stack3": Stack3}

__all__ = ["TASKS", "CameraPose", "ObjectPose", "Scenario", "Task", "TaskError", "TaskStatus", "make_task"]


def make_task(name: str, *others: str) -> Task:
    """Return the task of this name.

    Args:
        name: Of the task.
        others: Tasks that the caller knows besides those of the arm, for the message.

    Raises:
        TaskError: there is none; the message lists those that there are.
    """
    if name not in TASKS:
        raise TaskError(f"task {name!r} is none of {', '.join((*TASKS, *others))}")
    return TASKS[name]()
