"""Validates the name of a topic or service, as a program gives it."""

from roslite.names import problem_of_topic_name

from rclpy.exceptions import InvalidServiceNameException, InvalidTopicNameException


def validate_topic_name(name: str, *, is_service: bool = False) -> bool:
    """Return True if the name is valid.

    Raises:
        InvalidTopicNameException: it is not.
        TypeError: it is no text at all.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a topic or service is text, not {name!r}")
    problem = problem_of_topic_name(name)
    if problem is not None:
        raise (InvalidServiceNameException if is_service else InvalidTopicNameException)(name, *problem)
    return True
