"""Makes names of topics and services absolute."""

from roslite.names import expand

from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name
from rclpy.validate_topic_name import validate_topic_name


def expand_topic_name(topic_name: str, node_name: str, node_namespace: str) -> str:
    """Return the absolute name of a topic or service of a node.

    Raises:
        InvalidTopicNameException: the name is invalid.
        InvalidNodeNameException: the node's name is invalid.
        InvalidNamespaceException: the node's namespace is invalid.
    """
    validate_topic_name(topic_name)
    validate_node_name(node_name)
    validate_namespace(node_namespace)
    return expand(topic_name, node_name, node_namespace)
