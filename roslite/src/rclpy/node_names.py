"""The names of a node, and what names mean to it."""

from roslite.arguments import RosArguments
from roslite.names import join

from rclpy.exceptions import InvalidServiceNameException, InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.validate_full_topic_name import validate_full_topic_name


class NodeNames:
    """The part of :class:`rclpy.node.Node` that has a name and resolves the names of topics and services."""

    _name: str
    _namespace: str
    _arguments: RosArguments

    def get_name(self) -> str:
        """Return the name."""
        return self._name

    def get_namespace(self) -> str:
        """Return the namespace."""
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        """Return namespace and name."""
        return join(self._namespace, self._name)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a topic, remapped unless ``only_expand``.

        Raises:
            InvalidTopicNameException: the name is invalid.
        """
        name = expand_topic_name(topic, self._name, self._namespace)
        if not only_expand:
            name = self._arguments.resolve(name, self._name, self._namespace, "topic")
        validate_full_topic_name(name)
        return name

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a service, remapped unless ``only_expand``.

        Raises:
            InvalidServiceNameException: the name is invalid.
        """
        try:
            name = expand_topic_name(service, self._name, self._namespace)
            if not only_expand:
                name = self._arguments.resolve(name, self._name, self._namespace, "service")
            validate_full_topic_name(name, is_service=True)
        except InvalidTopicNameException as error:
            raise InvalidServiceNameException(service, str(error).split(":\n")[0], 0) from error
        return name
