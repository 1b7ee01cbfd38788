"""Validates the name of a node."""

from roslite.names import problem_of_node_name

from rclpy.exceptions import InvalidNodeNameException


def validate_node_name(node_name: str) -> bool:
    """Return True if the name is valid.

    Raises:
        InvalidNodeNameException: it is not.
    """
    problem = problem_of_node_name(node_name)
    if problem is not None:
        raise InvalidNodeNameException(node_name, *problem)
    return True
