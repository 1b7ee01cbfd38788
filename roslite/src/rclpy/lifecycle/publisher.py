"""Publishers that are silent until their node is active."""

from typing import Any

from rclpy.publisher import Publisher

from .managed_entity import SimpleManagedEntity


class LifecyclePublisher(SimpleManagedEntity, Publisher):
    """A publisher made by :meth:`rclpy.lifecycle.LifecycleNodeMixin.create_lifecycle_publisher`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        SimpleManagedEntity.__init__(self)
        Publisher.__init__(self, *args, **kwargs)

    @SimpleManagedEntity.when_enabled
    def publish(self, msg: Any) -> None:
        """Send a message, or its CDR as bytes; do nothing while the node is not active."""
        Publisher.publish(self, msg)
