"""Message classes behave as rclpy's."""

import array
import copy
import math
import pickle
import re
from collections import UserList
from collections.abc import Callable

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Point, PoseStamped, PoseWithCovariance, Quaternion
from hypothesis import given
from hypothesis import strategies as st
from rcl_interfaces.msg import IntegerRange, ParameterDescriptor, ParameterType, ParameterValue
from rosidl_parser import definition
from sensor_msgs.msg import CameraInfo, Image, JointState, NavSatStatus
from std_msgs.msg import (
    Bool,
    Empty,
    Float32,
    Float32MultiArray,
    Header,
    Int8,
    Int32,
    String,
    UInt8MultiArray,
    UInt16,
    UInt64,
)
from std_srvs.srv import SetBool


def test_fields_have_their_defaults() -> None:
    pose = PoseStamped()
    assert pose.header.frame_id == ""
    assert pose.pose.position == Point(x=0.0, y=0.0, z=0.0)
    assert pose.pose.orientation.w == 1.0


def test_fields_are_given_by_name() -> None:
    header = Header(stamp=Time(sec=1, nanosec=2), frame_id="base_link")
    assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (1, 2, "base_link")


def test_unknown_field_is_refused() -> None:
    with pytest.raises(AssertionError, match="Invalid arguments passed to constructor: frame"):
        Header(frame="base_link")


def test_slots_and_types_are_told() -> None:
    assert list(Header.__slots__)[:2] == ["_stamp", "_frame_id"]
    assert JointState.get_fields_and_field_types() == {
        "header": "std_msgs/Header",
        "name": "sequence<string>",
        "position": "sequence<double>",
        "velocity": "sequence<double>",
        "effort": "sequence<double>",
    }
    assert CameraInfo.get_fields_and_field_types()["k"] == "double[9]"
    assert ParameterValue.get_fields_and_field_types()["byte_array_value"] == "sequence<octet>"
    with pytest.raises(AttributeError):
        String().dat = "typo"


def test_constants_belong_to_the_class() -> None:
    assert ParameterType.PARAMETER_DOUBLE == 3
    assert NavSatStatus.STATUS_NO_FIX == -1
    assert DiagnosticStatus.WARN == b"\x01"
    assert DiagnosticStatus().level == b"\x00"


def test_constants_stay_what_they_are() -> None:
    with pytest.raises(AttributeError):
        ParameterType.PARAMETER_DOUBLE = 4
    assert ParameterType().PARAMETER_DOUBLE == 3


def test_the_default_of_a_field_is_told() -> None:
    assert (Quaternion.X__DEFAULT, Quaternion.W__DEFAULT) == (0.0, 1.0)
    assert not hasattr(Point, "X__DEFAULT")


def test_types_are_told_as_objects() -> None:
    assert (
        definition.NamespacedType(["std_msgs", "msg"], "Header"),
        definition.UnboundedSequence(definition.UnboundedString()),
        *[definition.UnboundedSequence(definition.BasicType("double"))] * 3,
    ) == JointState.SLOT_TYPES
    assert CameraInfo.SLOT_TYPES[5] == definition.Array(definition.BasicType("double"), 9)
    assert DiagnosticStatus.SLOT_TYPES[0] == definition.BasicType("octet")
    assert ParameterDescriptor.SLOT_TYPES[-1] == definition.BoundedSequence(
        definition.NamespacedType(["rcl_interfaces", "msg"], "IntegerRange"), 1
    )
    assert isinstance(JointState().SLOT_TYPES[1], definition.AbstractSequence)


def test_equality_compares_the_fields() -> None:
    assert CameraInfo(k=[1.0] * 9) == CameraInfo(k=np.ones(9))
    assert CameraInfo(k=[1.0] * 9) != CameraInfo()
    assert String(data="a") != Header(frame_id="a")


def test_repr_reads_like_the_call_that_made_it() -> None:
    assert repr(Header(frame_id="a")) == (
        "std_msgs.msg.Header(stamp=builtin_interfaces.msg.Time(sec=0, nanosec=0), frame_id='a')"
    )
    assert "position=[1.0, 2.0]" in repr(JointState(position=[1.0, 2.0]))
    assert repr(SetBool.Request(data=True)) == "std_srvs.srv.SetBool_Request(data=True)"


@pytest.mark.parametrize("message", [JointState(name=["a"], position=[1.0]), SetBool.Request(data=True), Empty()])
def test_messages_are_pickled(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_a_shallow_copy_shares_what_it_holds() -> None:
    original = PoseStamped()
    copied = copy.copy(original)
    assert copied is not original
    assert copied.pose is original.pose


def test_copies_are_independent() -> None:
    original = JointState(name=["a"], position=[1.0])
    copied = copy.deepcopy(original)
    copied.position[0] = 2.0
    assert original.position[0] == 1.0


@pytest.mark.parametrize(
    ("message", "field", "value", "complaint"),
    [
        (String(), "data", 3, "The 'data' field must be of type 'str'"),
        (Bool(), "data", 1, "The 'data' field must be of type 'bool'"),
        (Float32(), "data", 1, "The 'data' field must be of type 'float'"),
        (Float32(), "data", 1e39, "The 'data' field must be a float in"),
        (Int8(), "data", 128, "The 'data' field must be an integer in [-128, 127]"),
        (Int8(), "data", 1.0, "The 'data' field must be of type 'int'"),
        (Time(), "nanosec", -1, "The 'nanosec' field must be an unsigned integer in [0, 4294967295]"),
        (Header(), "stamp", 1.0, "The 'stamp' field must be a sub message of type 'Time'"),
        (JointState(), "name", "arm", "The 'name' field must be a set or sequence and each value of type 'str'"),
        (
            JointState(),
            "position",
            [1],
            "'position' field must be a set or sequence and each value of type 'float'",
        ),
        (JointState(), "position", np.zeros(2), "The 'position' field must be a set or sequence"),
        (JointState(), "position", array.array("f"), "The 'position' array.array() must have the type code of 'd'"),
        (JointState(), "name", [b"a"], "must be a set or sequence and each value of type 'str'"),
        (JointState(), "name", None, "must be a set or sequence and each value of type 'str'"),
        (DiagnosticArray(), "status", [Header()], "each value of type 'DiagnosticStatus'"),
        (
            ParameterDescriptor(),
            "integer_range",
            [IntegerRange(), IntegerRange()],
            "must be a set or sequence with length <= 1 and each value of type 'IntegerRange'",
        ),
        (UInt8MultiArray(), "data", "text", "must be a set or sequence"),
        (Float32MultiArray(), "data", [1e39], "and each float in [-340282346600000016151267322115014000640.000000, "),
        (PoseWithCovariance(), "covariance", range(36), "with length 36 and each value of type 'float'"),
        (UInt8MultiArray(), "data", [256], "each unsigned integer in [0, 255]"),
        (CameraInfo(), "k", [0.0] * 8, "with length 9"),
        (CameraInfo(), "k", np.zeros(9, dtype=np.float32), "must have the dtype of 'numpy.float64'"),
        (CameraInfo(), "k", np.zeros(8), "must have a size of 9"),
        (DiagnosticStatus(), "level", 1, "The 'level' field must be of type 'bytes' or 'ByteString' with length 1"),
        (DiagnosticStatus(), "level", b"12", "with length 1"),
    ],
)
def test_wrong_values_are_refused(message: object, field: str, value: object, complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        setattr(message, field, value)


def test_not_finite_floats_are_accepted() -> None:
    assert Float32(data=float("inf")).data == float("inf")
    assert Float32(data=float("nan")).data != 0.0


@pytest.mark.parametrize("data", [b"\x01\x02", bytearray(b"\x01\x02"), [1, 2], (1, 2), array.array("B", [1, 2])])
def test_bytes_are_kept_as_array(data: object) -> None:
    assert Image(data=data).data == array.array("B", [1, 2])


@pytest.mark.parametrize("names", [["b", "a"], ("b", "a"), UserList(["b", "a"])])
def test_collections_of_text_are_kept_as_they_are(names: object) -> None:
    state = JointState()
    state.name = names
    assert state.name is names


def test_integers_are_accepted_up_to_their_bounds() -> None:
    for message, low, high in (
        (Int8(), -(2**7), 2**7 - 1),
        (UInt16(), 0, 2**16 - 1),
        (Int32(), -(2**31), 2**31 - 1),
        (UInt64(), 0, 2**64 - 1),
    ):
        for value in (low, high, True, np.clip(low, 0, 1).item()):
            message.data = value
            assert message.data == value
        for value in (low - 1, high + 1):
            with pytest.raises(AssertionError, match="integer in"):
                message.data = value


@given(st.lists(st.floats(-(2.0**127), 2.0**127, width=32) | st.sampled_from([math.inf, -math.inf, math.nan])))
def test_all_numbers_of_the_right_size_are_accepted(values: list[float]) -> None:
    message = Float32MultiArray()
    message.data = values
    assert np.array_equal(message.data, np.array(values, np.float32), equal_nan=True)


def test_an_array_is_kept_by_reference() -> None:
    data = array.array("B", bytes(10))
    image = Image()
    image.data = data
    data[0] = 7
    assert image.data[0] == 7


def test_a_constructor_copies_an_array() -> None:
    data = array.array("B", bytes(10))
    image = Image(data=data)
    data[0] = 7
    assert image.data[0] == 0


def test_a_constructor_converts_numbers_that_an_assignment_refuses() -> None:
    state = JointState(position=[1, True], velocity=np.arange(3), effort=np.ones(2))
    assert state.position == array.array("d", [1.0, 1.0])
    assert state.velocity == array.array("d", [0.0, 1.0, 2.0])
    assert state.effort == array.array("d", [1.0, 1.0])
    assert CameraInfo(k=range(9)).k.dtype == np.float64
    with pytest.raises(AssertionError):
        state.position = np.ones(2)


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: JointState(position="arm"), TypeError),
        (lambda: JointState(position=3), TypeError),
        (lambda: UInt8MultiArray(data=[256]), OverflowError),
        (lambda: CameraInfo(k=["a"] * 9), ValueError),
        (lambda: CameraInfo(k=[0.0] * 8), AssertionError),
        (lambda: Header(None), TypeError),
        (lambda: Header(frame_id=None), AssertionError),
    ],
)
def test_a_constructor_refuses_what_it_cannot_convert(build: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        build()


def test_fixed_arrays_are_numpy_arrays() -> None:
    info = CameraInfo(k=list(map(float, range(9))))
    assert info.k.dtype == np.float64
    assert info.k.shape == (9,)


def test_an_empty_message_has_no_fields() -> None:
    assert Empty().get_fields_and_field_types() == {}


def test_a_service_has_request_and_response() -> None:
    assert SetBool.Request(data=True).data is True
    assert SetBool.Response().message == ""
    with pytest.raises(NotImplementedError, match="Service classes can not be instantiated"):
        SetBool()


def test_an_unknown_message_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="Nonsense"):
        from std_msgs.msg import Nonsense  # noqa: F401


def test_quaternions_are_distinct_objects() -> None:
    first, second = Quaternion(), Quaternion()
    first.w = 0.0
    assert second.w == 1.0
