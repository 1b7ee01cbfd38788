"""Managed nodes: nodes that are configured, activated, deactivated and cleaned up on request."""

from .managed_entity import ManagedEntity, SimpleManagedEntity
from .node import LifecycleNode, LifecycleNodeMixin
from .publisher import LifecyclePublisher
from .state_machine import LifecycleState, TransitionCallbackReturn

# ROS 2 has two names for each of these, and keeps the short ones out of ``__all__``.
Node = LifecycleNode
NodeMixin = LifecycleNodeMixin
State = LifecycleState
Publisher = LifecyclePublisher

__all__ = [
    "LifecycleNode",
    "LifecycleNodeMixin",
    "LifecyclePublisher",
    "LifecycleState",
    "ManagedEntity",
    "SimpleManagedEntity",
    "TransitionCallbackReturn",
]
