"""Message classes behave as rclpy's."""

import array
import copy

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from rcl_interfaces.msg import ParameterType, ParameterValue
from sensor_msgs.msg import CameraInfo, Image, JointState, NavSatStatus
from std_msgs.msg import Bool, Empty, Float32, Header, Int8, String, UInt8MultiArray
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
        (Int8(), "data", 128, r"The 'data' field must be an integer in \[-128, 127\]"),
        (Int8(), "data", 1.0, "The 'data' field must be of type 'int'"),
        (Time(), "nanosec", -1, r"The 'nanosec' field must be an unsigned integer in \[0, 4294967295\]"),
        (Header(), "stamp", 1.0, "The 'stamp' field must be a sub message of type 'Time'"),
        (JointState(), "name", "arm", "The 'name' field must be a set or sequence and each value of type 'str'"),
        (
            JointState(),
            "position",
            [1],
            "'position' field must be a set or sequence and each value of type 'float'",
        ),
        (JointState(), "position", np.zeros(2), "The 'position' field must be a set or sequence"),
        (JointState(), "position", array.array("f"), "must have the type code of 'd'"),
        (UInt8MultiArray(), "data", [256], r"each unsigned integer in \[0, 255\]"),
        (CameraInfo(), "k", [0.0] * 8, "with length 9"),
        (CameraInfo(), "k", np.zeros(9, dtype=np.float32), "must have the dtype of 'numpy.float64'"),
        (CameraInfo(), "k", np.zeros(8), "must have a size of 9"),
        (DiagnosticStatus(), "level", 1, "The 'level' field must be of type 'bytes'"),
    ],
)
def test_wrong_values_are_refused(message: object, field: str, value: object, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        setattr(message, field, value)


def test_not_finite_floats_are_accepted() -> None:
    assert Float32(data=float("inf")).data == float("inf")
    assert Float32(data=float("nan")).data != 0.0


@pytest.mark.parametrize("data", [b"\x01\x02", bytearray(b"\x01\x02"), [1, 2], (1, 2), array.array("B", [1, 2])])
def test_bytes_are_kept_as_array(data: object) -> None:
    assert Image(data=data).data == array.array("B", [1, 2])


def test_an_array_is_copied_by_the_constructor_and_kept_by_assignment() -> None:
    data = array.array("B", bytes(10))
    copied, kept = Image(data=data), Image()
    kept.data = data
    data[0] = 7
    assert copied.data[0] == 0
    assert kept.data[0] == 7


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
