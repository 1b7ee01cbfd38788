"""rosidl_runtime_py: interfaces by name; messages as text and from dictionaries."""

import array
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PointStamped, PoseWithCovariance, TransformStamped
from rosidl_parser.definition import BasicType, NamespacedType, UnboundedSequence, UnboundedString
from rosidl_runtime_py import (
    get_interface_packages,
    get_interface_path,
    get_interfaces,
    get_message_interfaces,
    get_message_slot_types,
    get_service_interfaces,
    import_message_from_namespaced_type,
    message_to_csv,
    message_to_ordereddict,
    message_to_yaml,
    set_message_fields,
)
from rosidl_runtime_py.utilities import get_interface, get_message, get_service, is_message, is_service
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import Bool, Float32, Float64MultiArray, Header, Int32, String
from std_srvs.srv import SetBool, Trigger
from tf2_msgs.msg import TFMessage


def state() -> JointState:
    message = JointState(name=["waist", "shoulder"], position=[0.5, 1.0])
    message.header.stamp = Time(sec=1, nanosec=2)
    return message


def test_a_message_is_told_as_yaml() -> None:
    assert message_to_yaml(state()) == (
        "header:\n  stamp:\n    sec: 1\n    nanosec: 2\n  frame_id: ''\n"
        "name:\n- waist\n- shoulder\nposition:\n- 0.5\n- 1.0\nvelocity: []\neffort: []\n"
    )


def test_sequences_in_yaml_can_be_on_one_line() -> None:
    assert message_to_yaml(state(), flow_style=True) == (
        "header:\n  stamp:\n    sec: 1\n    nanosec: 2\n  frame_id: ''\n"
        "name: [waist, shoulder]\nposition: [0.5, 1.0]\nvelocity: []\neffort: []\n"
    )


def test_yaml_keeps_what_is_not_ascii() -> None:
    assert message_to_yaml(String(data="äöü")) == "data: äöü\n"


def test_long_values_are_cut_off() -> None:
    message = JointState(name=["waist", "a", "b"], position=[1.0, 2.0, 3.0])
    shown = yaml.safe_load(message_to_yaml(message, truncate_length=2))
    assert shown["name"] == ["wa...", "a", "..."]
    assert shown["position"] == [1.0, 2.0, "..."]


def test_contents_of_sequences_can_be_left_out() -> None:
    shown = yaml.safe_load(message_to_yaml(state(), no_arr=True))
    assert shown["name"] == "<sequence type: string, length: 2>"
    assert shown["position"] == "<sequence type: double, length: 2>"
    assert yaml.safe_load(message_to_yaml(CameraInfo(), no_arr=True))["k"] == "<array type: double[9]>"
    shown = yaml.safe_load(message_to_yaml(TFMessage(), no_arr=True))
    assert shown["transforms"] == "<sequence type: geometry_msgs/msg/TransformStamped, length: 0>"


def test_contents_of_strings_can_be_left_out() -> None:
    assert message_to_yaml(String(data="hello"), no_str=True) == "data: '<string length: <5>>'\n"


def test_a_message_is_told_as_csv() -> None:
    assert message_to_csv(state()) == "1,2,,waist,shoulder,0.5,1.0,,"
    assert message_to_csv(state(), truncate_length=1) == "1,2,,w...,...,0.5,...,,"
    assert message_to_csv(state(), no_arr=True).startswith("1,2,,<sequence type: string, length: 2>,")
    assert message_to_csv(String(data="hello"), no_str=True) == "<string length: <5>>"
    assert message_to_csv(Bool(data=True)) == "True"


def test_a_message_is_told_as_dictionaries() -> None:
    point = PointStamped(header=Header(frame_id="map"))
    assert message_to_ordereddict(point) == OrderedDict(
        header=OrderedDict(stamp=OrderedDict(sec=0, nanosec=0), frame_id="map"),
        point=OrderedDict(x=0.0, y=0.0, z=0.0),
    )


def test_dictionaries_hold_what_python_has_built_in() -> None:
    covariance = message_to_ordereddict(PoseWithCovariance(covariance=np.arange(36.0)))["covariance"]
    assert covariance[:2] == [0.0, 1.0]
    assert {type(value) for value in covariance} == {float}
    assert type(message_to_ordereddict(JointState(position=[1.0]))["position"]) is list


def test_a_byte_is_told_as_a_character() -> None:
    assert message_to_ordereddict(DiagnosticStatus(level=DiagnosticStatus.WARN))["level"] == "\x01"


def test_types_of_fields_are_told() -> None:
    assert get_message_slot_types(KeyValue()) == OrderedDict(key=UnboundedString(), value=UnboundedString())
    types = get_message_slot_types(JointState)
    assert types["header"] == NamespacedType(["std_msgs", "msg"], "Header")
    assert types["position"] == UnboundedSequence(BasicType("double"))


def test_fields_are_set_from_dictionaries() -> None:
    message = JointState()
    later = set_message_fields(
        message, {"header": {"stamp": {"sec": 5}, "frame_id": "base"}, "name": ["a"], "position": [1, 2.5]}
    )
    assert later == []
    assert (message.header.stamp.sec, message.header.frame_id) == (5, "base")
    assert message.name == ["a"]
    assert message.position == array.array("d", [1.0, 2.5])


def test_fields_that_are_not_named_stay() -> None:
    message = state()
    set_message_fields(message, {"velocity": [1.0]})
    assert message.name == ["waist", "shoulder"]


def test_sequences_of_messages_are_set_from_lists_of_dictionaries() -> None:
    message = DiagnosticArray()
    set_message_fields(message, {"status": [{"name": "motor", "values": [{"key": "temperature", "value": "hot"}]}]})
    assert message.status[0].values[0] == KeyValue(key="temperature", value="hot")


def test_arrays_of_a_fixed_size_are_set_from_lists() -> None:
    info = CameraInfo()
    set_message_fields(info, {"k": list(range(9))})
    assert info.k.dtype == np.float64
    assert info.k[8] == 8.0


@pytest.mark.parametrize(
    ("message", "given", "expected"),
    [(Float32(), 1, 1.0), (Float32(), "1.5", 1.5), (Int32(), "7", 7), (Int32(), 2.9, 2), (String(), 3, "3")],
)
def test_single_values_are_converted(message: Any, given: object, expected: object) -> None:
    set_message_fields(message, {"data": given})
    assert message.data == expected
    assert type(message.data) is type(expected)


@pytest.mark.parametrize(
    ("message", "values", "error"),
    [
        (String(), "text", TypeError),
        (String(), {"dat": "typo"}, AttributeError),
        (Int32(), {"data": "seven"}, ValueError),
        (Int32(), {"data": 2**31}, AssertionError),
        (Header(), {"stamp": 3}, TypeError),
        (Header(), {"stamp": "now"}, TypeError),
        (Float64MultiArray(), {"data": 3}, TypeError),
        (Float64MultiArray(), {"data": ["x"]}, TypeError),
        (JointState(), {"name": [1]}, AssertionError),
    ],
)
def test_values_that_do_not_fit_are_refused(message: Any, values: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        set_message_fields(message, values)


def test_stamps_can_be_set_later() -> None:
    message = TransformStamped()
    later = set_message_fields(message, {"header": "auto"}, expand_header_auto=True)
    later += set_message_fields(message, {"child_frame_id": "tool"}, expand_header_auto=True)
    assert len(later) == 1
    later[0](Time(sec=9))
    assert message.header.stamp.sec == 9


def test_times_can_be_set_later_wherever_they_are() -> None:
    message = TFMessage()
    later = set_message_fields(
        message,
        {"transforms": [{"header": "auto"}, {"header": {"stamp": "now"}}]},
        expand_header_auto=True,
        expand_time_now=True,
    )
    for index, set_time in enumerate(later):
        set_time(Time(sec=index + 1))
    assert [transform.header.stamp.sec for transform in message.transforms] == [1, 2]


def test_classes_are_found_by_name() -> None:
    assert get_message("std_msgs/msg/String") is get_message("std_msgs/String") is String
    assert get_service("std_srvs/srv/SetBool") is get_service("std_srvs/SetBool") is SetBool
    assert get_interface("std_srvs/srv/Trigger") is Trigger
    assert import_message_from_namespaced_type(NamespacedType(["std_msgs", "msg"], "Header")) is Header
    assert is_message(String)
    assert not is_message(SetBool)
    assert is_service(SetBool)
    assert not is_service(String)


def test_names_that_nothing_has_are_refused() -> None:
    with pytest.raises(ModuleNotFoundError):
        get_message("no_such_msgs/msg/String")
    with pytest.raises(AttributeError):
        get_message("std_msgs/msg/NoSuch")
    with pytest.raises(ValueError, match="Expected the full name of a message, got 'std_srvs/srv/SetBool'"):
        get_message("std_srvs/srv/SetBool")


def test_interfaces_are_listed_by_package() -> None:
    assert {"std_msgs", "std_srvs", "sensor_msgs"} <= set(get_interface_packages())
    assert set(get_interfaces(["std_srvs"])["std_srvs"]) >= {"srv/Empty", "srv/SetBool", "srv/Trigger"}
    assert "msg/String" in get_message_interfaces(["std_msgs"])["std_msgs"]
    assert get_message_interfaces(["std_srvs"]) == {}
    assert "std_msgs" not in get_service_interfaces()
    with pytest.raises(LookupError, match="Unknown package 'no_such_msgs'"):
        get_interfaces(["no_such_msgs"])


def test_files_of_definitions_are_found() -> None:
    path = get_interface_path("std_srvs/srv/SetBool")
    assert path == get_interface_path("std_srvs/srv/SetBool.srv")
    assert Path(path).is_file()
    with pytest.raises(LookupError):
        get_interface_path("std_srvs/srv/NoSuch")
    for malformed in ("SetBool", "std_srvs//SetBool", "std_srvs/../SetBool"):
        with pytest.raises(ValueError, match="Invalid name"):
            get_interface_path(malformed)
