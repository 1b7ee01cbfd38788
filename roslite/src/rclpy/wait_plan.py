"""What an executor waits for."""

from typing import TYPE_CHECKING, Any

from rclpy.event_handler import EventHandler
from rclpy.timer import Timer
from rclpy.waitable import Waitable
from roslite import dds

if TYPE_CHECKING:
    from rclpy.node import Node

Item = tuple[Any, "Node"]
"""An entity, and the node that it belongs to."""


class WaitPlan:
    """The entities of some nodes, sorted by how they end a wait.

    Attributes:
        timers: they are due at some time.
        by_condition: they have a DDS condition of their own.
        event_handlers: the statuses of their readers and writers, ``ends``, end the wait.
        waitables: they add to the wait what they want.
    """

    def __init__(self, nodes: "list[Node]") -> None:
        self.timers: list[tuple[Timer, Node]] = [(timer, node) for node in nodes for timer in node.timers]
        self.by_condition: dict[dds.Entity, Item] = {
            entity.condition: (entity, node) for node in nodes for entity in node.waitable_list
        }
        self.event_handlers: list[tuple[EventHandler, Node]] = []
        self.waitables: list[tuple[Waitable, Node]] = []
        for node in nodes:
            for waitable in node.waitables:
                if isinstance(waitable, EventHandler):
                    self.event_handlers.append((waitable, node))
                else:
                    self.waitables.append((waitable, node))
        self._masks: dict[dds.Entity, int] = {}
        for handler, _ in self.event_handlers:
            self._masks[handler.condition] = self._masks.get(handler.condition, 0) | handler.status
        self.ends = self._masks.keys()

    def note_events(self, triggered: set[dds.Entity]) -> None:
        """Let the handlers know what happened: DDS forgets that it did, and keeps only the counts."""
        flags = {entity: dds.take_flags(entity, self._masks[entity]) for entity in triggered & self.ends}
        if flags:
            for handler, _ in self.event_handlers:
                if flags.get(handler.condition, 0) & handler.status:
                    handler.happened = True
