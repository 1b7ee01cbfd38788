"""On the wire a process is what rmw_cyclonedds_cpp makes of a ROS 2 process; watched by DDS without ROS."""

import struct
import time
from dataclasses import dataclass
from typing import Any

import pytest
import rclpy
from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication, BuiltinTopicDcpsSubscription
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct, types
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from example_interfaces.msg import WString
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from ros_helpers import spin_until
from roslite.idl import dds_type
from std_msgs.msg import Empty, Int32, String
from std_srvs.srv import SetBool

from roslite import cdr, dds

RELIABLE = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepAll)


@dataclass
class PlainString(IdlStruct, typename="std_msgs::msg::dds_::String_"):
    data: str


@dataclass
class SetBoolRequest(IdlStruct, typename="std_srvs::srv::dds_::SetBool_Request_"):
    client_guid: types.uint64
    sequence_number: types.int64
    data: bool


@dataclass
class SetBoolResponse(IdlStruct, typename="std_srvs::srv::dds_::SetBool_Response_"):
    client_guid: types.uint64
    sequence_number: types.int64
    success: bool
    message: str


@dataclass
class Impostor(IdlStruct, typename="std_msgs::msg::dds_::String_"):
    numbers: types.sequence[types.float64]


@pytest.fixture
def stranger(node: Node, ros_domain: int) -> DomainParticipant:
    """Enter the domain without ROS; in the same process, so the settings of DDS are those of roslite."""
    return DomainParticipant(ros_domain)


def endpoints(stranger: DomainParticipant, builtin: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    deadline = time.monotonic() + 10
    reader = BuiltinDataReader(stranger, builtin)
    while time.monotonic() < deadline and not found:
        found = {sample.topic_name: sample for sample in reader.read(N=500)}
    return found


def test_topics_and_services_have_the_names_of_ros(node: Node, stranger: DomainParticipant) -> None:
    node.create_publisher(String, "chatter", qos_profile_sensor_data)
    latched = QoSProfile(depth=3, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Empty, "/arm/stop", lambda _: None, latched)
    node.create_service(SetBool, "~/enable", lambda request, response: response)
    written, read = (endpoints(stranger, b) for b in (BuiltinTopicDcpsPublication, BuiltinTopicDcpsSubscription))
    chatter, stop = written["rt/chatter"], read["rt/arm/stop"]
    assert chatter.type_name == "std_msgs::msg::dds_::String_"
    assert Policy.Reliability.BestEffort in chatter.qos
    assert Policy.History.KeepLast(5) in chatter.qos
    assert stop.type_name == "std_msgs::msg::dds_::Empty_"
    assert Policy.Durability.TransientLocal in stop.qos
    assert read["rq/test_node/enableRequest"].type_name == "std_srvs::srv::dds_::SetBool_Request_"
    assert written["rr/test_node/enableReply"].type_name == "std_srvs::srv::dds_::SetBool_Response_"
    assert written["ros_discovery_info"].type_name == "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_"


def test_topics_are_understood_without_ros(node: Node, stranger: DomainParticipant) -> None:
    topic = Topic(stranger, "rt/chatter", PlainString)
    reader, writer = DataReader(stranger, topic, RELIABLE), DataWriter(stranger, topic, RELIABLE)
    publisher = node.create_publisher(String, "chatter", 10)
    received: list[String] = []
    node.create_subscription(String, "chatter", received.append, 10)
    spin_until(node, lambda: publisher.get_subscription_count() == 2 and len(writer.get_matched_subscriptions()) == 2)
    writer.write(PlainString("from outside"))
    spin_until(node, lambda: received)
    assert received == [String(data="from outside")]
    publisher.publish(String(data="from inside"))
    assert [sample.data for sample in reader.take_iter(timeout=duration(seconds=1))][-1] == "from inside"


def test_requests_carry_client_and_number_before_them(node: Node, stranger: DomainParticipant) -> None:
    def answer(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        return SetBool.Response(success=request.data, message="done")

    node.create_service(SetBool, "enable", answer)
    writer = DataWriter(stranger, Topic(stranger, "rq/enableRequest", SetBoolRequest), RELIABLE)
    reader = DataReader(stranger, Topic(stranger, "rr/enableReply", SetBoolResponse), RELIABLE)
    spin_until(node, lambda: writer.get_matched_subscriptions() and reader.get_matched_publications())
    writer.write(SetBoolRequest(0x1122334455667788, 42, True))
    replies: list[SetBoolResponse] = []
    spin_until(node, lambda: replies.extend(reader.take(N=1)) or replies)
    assert replies == [SetBoolResponse(0x1122334455667788, 42, True, "done")]


def test_answers_to_others_are_not_taken_for_ours(node: Node, stranger: DomainParticipant) -> None:
    client = node.create_client(SetBool, "enable")
    reader = DataReader(stranger, Topic(stranger, "rq/enableRequest", SetBoolRequest), RELIABLE)
    writer = DataWriter(stranger, Topic(stranger, "rr/enableReply", SetBoolResponse), RELIABLE)
    assert client.wait_for_service(timeout_sec=30)
    future = client.call_async(SetBool.Request(data=True))
    (request,) = list(reader.take_iter(timeout=duration(seconds=1)))
    writer.write(SetBoolResponse(request.client_guid + 1, request.sequence_number, False, "for somebody else"))
    writer.write(SetBoolResponse(request.client_guid, request.sequence_number + 1, False, "never asked"))
    writer.write(SetBoolResponse(request.client_guid, request.sequence_number, True, "for us"))
    rclpy.spin_until_future_complete(node, future, timeout_sec=30)
    assert future.result().message == "for us"


def test_discovery_says_which_node_owns_what(node: Node, stranger: DomainParticipant) -> None:
    publisher = node.create_publisher(String, "chatter", 10)
    reader = dds.Participant(node.context.get_domain_id())
    info = "rmw_dds_common/msg/ParticipantEntitiesInfo"
    latched = Qos(Policy.Reliability.Reliable(0), Policy.Durability.TransientLocal, Policy.History.KeepAll)
    entity = reader.create_reader("ros_discovery_info", dds_type(info), latched)
    from rmw_dds_common.msg import ParticipantEntitiesInfo

    received: list[Any] = []
    spin_until(node, lambda: received.append(dds.take(entity)) or received[-1])
    message = cdr.deserialize(received[-1].data, ParticipantEntitiesInfo)
    (told,) = message.node_entities_info_seq
    assert (told.node_namespace, told.node_name) == ("/", "test_node")
    assert bytes(message.gid.data)[:16] == node.context.participant.guid
    writers = {bytes(gid.data)[:16] for gid in told.writer_gid_seq}
    assert {endpoint.guid for endpoint in node._graph.writers() if endpoint.topic_name == "rt/chatter"} <= writers
    assert publisher.topic_name == "/chatter"
    reader.close()


def test_a_writer_that_leaves_is_no_message(node: Node, stranger: DomainParticipant) -> None:
    received: list[String] = []
    node.create_subscription(String, "chatter", received.append, 10)
    writer = DataWriter(stranger, Topic(stranger, "rt/chatter", PlainString), RELIABLE)
    spin_until(node, writer.get_matched_subscriptions)
    writer.write(PlainString("last words"))
    spin_until(node, lambda: received)
    writer.dispose(PlainString(""))
    del writer
    ticks: list[int] = []
    node.create_timer(0.02, lambda: ticks.append(1))
    spin_until(node, lambda: len(ticks) > 10)
    assert len(received) == 1


def test_bytes_of_another_type_are_not_sent(node: Node) -> None:
    publisher = node.create_publisher(String, "chatter", 10)
    for data in (b"", b"\x00\x01", b"\x00\x01\x00\x00\xff\xff\xff\x7f", b"\x00\x01\x00\x00\x04\x00\x00\x00abcd"):
        with pytest.raises(RuntimeError):
            publisher.publish(data)


def test_another_type_of_the_same_name_disturbs_nobody(node: Node, ros_domain: int) -> None:
    received: list[String] = []
    node.create_subscription(String, "chatter", received.append, 10)
    liar = dds.Participant(ros_domain)
    writer = liar.create_writer("rt/chatter", Impostor, RELIABLE)
    for value in range(50):
        numbers = struct.pack("<Id", 1, float(value))
        dds.write(writer, bytearray(cdr.LITTLE_ENDIAN + numbers[:4] + bytes(4) + numbers[4:]))
    publisher = node.create_publisher(String, "chatter", 10)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(String(data="true"))
    spin_until(node, lambda: received)
    assert received == [String(data="true")]
    liar.close()


def test_text_that_is_not_utf8_arrives_with_replacements(node: Node) -> None:
    received: list[String] = []
    node.create_subscription(String, "chatter", received.append, 10)
    publisher = node.create_publisher(String, "chatter", 10)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(b"\x00\x01\x00\x00\x03\x00\x00\x00\xff\xfe\x00")
    spin_until(node, lambda: received)
    assert received[0].data == "\ufffd\ufffd"


def test_wide_text_goes_over_the_wire(node: Node) -> None:
    received: list[str] = []
    node.create_subscription(WString, "wide", lambda message: received.append(message.data), 10)
    publisher = node.create_publisher(WString, "wide", 10)
    spin_until(node, lambda: publisher.get_subscription_count() == 1)
    publisher.publish(WString(data="grüße \N{ROBOT FACE}"))
    spin_until(node, lambda: received)
    assert received == ["grüße \N{ROBOT FACE}"]


def test_domains_do_not_hear_each_other(node: Node, ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    context = rclpy.Context()
    context.init(args=[], domain_id=ros_domain + 100)
    other = rclpy.create_node("elsewhere", context=context)
    publisher = other.create_publisher(Int32, "number", 10)
    node.create_subscription(Int32, "number", lambda _: None, 10)
    near = node.create_publisher(Int32, "number", 10)
    spin_until(node, near.get_subscription_count)
    assert publisher.get_subscription_count() == 0
    assert "elsewhere" not in node.get_node_names()
    other.destroy_node()
    context.shutdown()


def test_many_participants_fit_on_one_host(node: Node, ros_domain: int) -> None:
    participants = [dds.Participant(ros_domain) for _ in range(40)]
    assert len({participant.guid for participant in participants}) == 40
    for participant in participants:
        participant.close()


def test_reliability_of_the_graph(node: Node) -> None:
    info = node.get_publishers_info_by_topic("/rosout")[0]
    assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
