"""Validates the namespace."""

from roslite.names import problem_of_namespace

from rclpy.exceptions import InvalidNamespaceException


def validate_namespace(namespace: str) -> bool:
    """Return True if the name is valid.

    Raises:
        InvalidNamespaceException: it is not.
    """
    problem = problem_of_namespace(namespace)
    if problem is not None:
        raise InvalidNamespaceException(namespace, *problem)
    return True
