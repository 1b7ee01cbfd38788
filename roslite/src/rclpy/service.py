"""Services: functions that other nodes call."""

import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from roslite.discovery import REPLY_PREFIX, REPLY_SUFFIX, REQUEST_PREFIX, REQUEST_SUFFIX
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.callback_groups import CallbackGroup
from rclpy.destroyable import Destroyable
from rclpy.qos import QoSProfile, to_dds
from roslite import cdr, dds

if TYPE_CHECKING:
    from rclpy.node_entities import NodeEntities

HEADER_SIZE = 16
"""Bytes before request and response: the GUID of the client (64 bits), the number of the call (64 bits)."""

MATCH_TIMEOUT_S = 0.1
"""How long an answer waits until the reader of the caller is known here; discovery is not in step."""


class Request:
    """A request that was taken: what to answer, and to whom."""

    __slots__ = ("header", "message", "writer")

    def __init__(self, header: bytes, message: Any, writer: int) -> None:
        self.header, self.message, self.writer = header, message, writer


class Service(Destroyable):
    """Answers requests; made by :meth:`rclpy.node.Node.create_service`."""

    def __init__(
        self,
        node: "NodeEntities",
        srv_type: Any,
        srv_name: str,
        callback: Callable[[Any, Any], Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
    ) -> None:
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.callback = callback
        self.callback_group = callback_group
        self.qos_profile = qos_profile
        self.malformed = 0
        self._node = node
        self._reachable: set[int] = set()
        self._name = node.resolve_service_name(srv_name)
        type_name, qos = interface_name(srv_type), to_dds(qos_profile)
        participant = node.context.participant
        self._writer = participant.create_writer(
            f"{REPLY_PREFIX}{self._name}{REPLY_SUFFIX}", dds_type(f"{type_name}_Response", in_service=True), qos
        )
        self._reader = participant.create_reader(
            f"{REQUEST_PREFIX}{self._name}{REQUEST_SUFFIX}", dds_type(f"{type_name}_Request", in_service=True), qos
        )
        self.condition = dds.create_read_condition(self._reader)
        self._guids = {dds.guid(self._reader)}, {dds.guid(self._writer)}
        node.own_endpoints(*self._guids)

    @property
    def service_name(self) -> str:
        """The absolute name of the service."""
        return self._name

    def take(self) -> Request | None:
        """Take the oldest request; None if there is none.

        Bytes that hold no request are dropped; the first are logged, all are counted.
        """
        received = dds.take(self._reader)
        if received is None:
            return None
        start = cdr.HEADER_SIZE
        try:
            message = cdr.deserialize(received.data, self.srv_type.Request, skip=HEADER_SIZE)
        except cdr.CdrError as error:
            self.malformed += 1
            self._node.get_logger().error(f"dropping a malformed request to '{self._name}': {error}", once=True)
            return None
        return Request(bytes(received.data[start : start + HEADER_SIZE]), message, received.writer)

    def take_work(self) -> Callable[[], Any] | None:
        """Take the oldest request; return what answers it, None if there is none."""
        request = self.take()
        return None if request is None else partial(self._answer, request)

    async def _answer(self, request: Request) -> None:
        response = self.callback(request.message, self.srv_type.Response())
        if inspect.isawaitable(response):
            response = await response
        if not self._destroyed:
            self.send_response(response, request)

    def send_response(self, response: Any, request: Request) -> None:
        """Answer a request.

        Raises:
            TypeError: the response is of another type.
            InvalidHandle: the service was destroyed.
        """
        self._check_usable()
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(
                f"The callback of service '{self._name}' returned {type(response)}, not {self.srv_type.Response}"
            )
        self._wait_until_reachable(request.writer)
        dds.write(self._writer, cdr.serialize(response, prefix=request.header))

    def _wait_until_reachable(self, client: int) -> None:
        """Wait until the reader of the caller is matched, or an answer would be lost."""
        if client in self._reachable:
            return
        participant = dds.participant_of_writer(self._reader, client)
        deadline = time.monotonic() + MATCH_TIMEOUT_S
        while participant not in dds.participants_reading(self._writer):
            if participant is None or time.monotonic() > deadline:
                return
            time.sleep(0.001)
        self._reachable.add(client)

    def destroy(self) -> None:
        """Stop answering."""
        super().destroy()
        self._node.disown_endpoints(*self._guids)
        dds.delete(self._reader)
        dds.delete(self._writer)
