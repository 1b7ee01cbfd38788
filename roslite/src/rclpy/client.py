"""Clients: callers of services."""

import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from roslite.discovery import REPLY_PREFIX, REPLY_SUFFIX, REQUEST_PREFIX, REQUEST_SUFFIX
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.callback_groups import CallbackGroup
from rclpy.destroyable import Destroyable
from rclpy.impl.implementation_singleton import RCLError
from rclpy.qos import QoSProfile, to_dds
from rclpy.service import HEADER_SIZE
from rclpy.task import Future
from roslite import cdr, dds

if TYPE_CHECKING:
    from rclpy.node_entities import NodeEntities

_POLL_S = 0.01


class Client(Destroyable):
    """Calls a service; made by :meth:`rclpy.node.Node.create_client`."""

    def __init__(
        self, node: "NodeEntities", srv_type: Any, srv_name: str, qos_profile: QoSProfile, callback_group: CallbackGroup
    ) -> None:
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.qos_profile = qos_profile
        self.callback_group = callback_group
        self.context = node.context
        self._node = node
        self._lock = threading.Lock()
        self._pending: dict[int, Future] = {}
        self._last_number = 0
        self._name = node.resolve_service_name(srv_name)
        type_name, qos = interface_name(srv_type), to_dds(qos_profile)
        participant = node.context.participant
        self._reader = participant.create_reader(
            f"{REPLY_PREFIX}{self._name}{REPLY_SUFFIX}", dds_type(f"{type_name}_Response", in_service=True), qos
        )
        self._writer = participant.create_writer(
            f"{REQUEST_PREFIX}{self._name}{REQUEST_SUFFIX}", dds_type(f"{type_name}_Request", in_service=True), qos
        )
        self.condition = dds.create_read_condition(self._reader)
        self._guids = {dds.guid(self._reader)}, {dds.guid(self._writer)}
        # The entity part tells the writers of one process apart, the part before it one process from the other.
        guid = dds.guid(self._writer)
        self._id = int.from_bytes(guid[8:16], "little") ^ int.from_bytes(guid[0:8], "big")
        node.own_endpoints(*self._guids)

    @property
    def service_name(self) -> str:
        """The absolute name of the service."""
        return self._name

    def service_is_ready(self) -> bool:
        """Whether a server is there."""
        self._check_usable()
        return dds.count_matched_readers(self._writer) > 0 and dds.count_matched_writers(self._reader) > 0

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Block until a server is there; return False if the time is over, or the context ends, before."""
        deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
        while self.context.ok() and not self.service_is_ready():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return self.context.ok()

    def call_async(self, request: Any) -> Future:
        """Call; return a future that an executor completes.

        Raises:
            TypeError: the request is of another type.
            InvalidHandle: the client was destroyed.
            RCLError: the context is shut down.
        """
        self._check_usable()
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f"Expected {self.srv_type.Request}, got {type(request)}")
        if not self.context.ok():
            raise RCLError("Failed to send request: client's context is invalid")
        future = Future(executor=self._node.executor)
        with self._lock:
            self._last_number += 1
            number = self._last_number
            self._pending[number] = future
            dds.write(self._writer, cdr.serialize(request, prefix=struct.pack("<Qq", self._id, number)))
        future.add_done_callback(self.remove_pending_request)
        return future

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Call and block until the answer is there; an executor must run in another thread.

        Args:
            request: what to send.
            timeout_sec: how long to wait; None for as long as it takes.

        Returns:
            The response, None if the time is over before.
        """
        answered = threading.Event()
        future = self.call_async(request)
        future._set_executor(None)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(timeout_sec):
            future.cancel()
            return None
        return future.result()

    def remove_pending_request(self, future: Future) -> None:
        """Forget a call, so that its answer is dropped."""
        with self._lock:
            for number, pending in list(self._pending.items()):
                if pending is future:
                    del self._pending[number]

    def take(self) -> tuple[Future, Any] | None:
        """Take the oldest answer; None if there is none, or if it is for somebody else."""
        received = dds.take(self._reader)
        if received is None or len(received.data) < cdr.HEADER_SIZE + HEADER_SIZE:
            return None
        client, number = struct.unpack_from("<Qq", received.data, cdr.HEADER_SIZE)
        with self._lock:
            future = self._pending.get(number) if client == self._id else None
        if future is None:
            return None
        try:
            return future, cdr.deserialize(received.data, self.srv_type.Response, skip=HEADER_SIZE)
        except cdr.CdrError as error:
            self._node.get_logger().error(f"dropping a malformed answer of '{self._name}': {error}", once=True)
            return None

    def take_work(self) -> Callable[[], Any] | None:
        """Take the oldest answer; return what completes the future of its call, None if there is none."""
        taken = self.take()
        return None if taken is None else partial(taken[0].set_result, taken[1])

    def destroy(self) -> None:
        """Stop calling."""
        super().destroy()
        self._node.disown_endpoints(*self._guids)
        dds.delete(self._writer)
        dds.delete(self._reader)
