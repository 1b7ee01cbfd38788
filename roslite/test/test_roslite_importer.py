"""Message packages are found by their definitions, behind everything that is really installed."""

import re
import subprocess
import sys
from pathlib import Path

import interbotix_xs_msgs.srv
import pytest
import roslite.importer
from rosbags.typesys import Stores, get_typestore
from roslite.definitions import (
    Definition,
    Field,
    FieldType,
    InvalidInterfaceError,
    find_message,
    interface_packages,
    parse_message,
)
from roslite.importer import ROSBAGS_PACKAGES
from roslite.interface_text import parse_service


def python(code: str, tmp_path: Path, **environment: str) -> str:
    """Run code in a fresh interpreter, with ``tmp_path`` as a prefix of the ament index, and return what it prints."""
    environment = {"AMENT_PREFIX_PATH": str(tmp_path), "PYTHONPATH": str(tmp_path / "python"), **environment}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def install(prefix: Path, package: str, **files: str) -> None:
    """Put a package with definitions into a prefix."""
    marker = prefix / "share/ament_index/resource_index/packages" / package
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    for name, text in files.items():
        kind = "srv" if "---" in text else "msg"
        path = prefix / "share" / package / kind / f"{name}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_definitions_of_an_installed_package_are_importable(tmp_path: Path) -> None:
    install(tmp_path, "my_msgs", Point="float64 x 1.5\nstd_msgs/Header header\n", Ask="Point p\n---\nbool ok\n")
    code = (
        "from my_msgs.msg import Point; from my_msgs.srv import Ask; print(Ask.Request(p=Point(x=2.0)).p.x, Point().x)"
    )
    assert python(code, tmp_path) == "2.0 1.5"


def test_a_real_package_gets_its_missing_modules(tmp_path: Path) -> None:
    install(tmp_path, "my_robot", State="int32 number\n")
    package = tmp_path / "python" / "my_robot"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("NAME = 'real'\n")
    code = "import my_robot; from my_robot.msg import State; print(my_robot.NAME, State(number=3).number)"
    assert python(code, tmp_path) == "real 3"


def test_a_real_message_package_is_not_shadowed(tmp_path: Path) -> None:
    package = tmp_path / "python" / "std_msgs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "msg.py").write_text("String = 'from a real ROS 2'\n")
    assert python("from std_msgs.msg import String; print(String)", tmp_path) == "from a real ROS 2"


def test_installed_definitions_come_before_those_of_rosbags(tmp_path: Path) -> None:
    install(tmp_path, "std_msgs", String='string data "changed"\n')
    assert python("from std_msgs.msg import String; print(String().data)", tmp_path) == "changed"


def test_distribution_decides_which_messages_there_are(tmp_path: Path) -> None:
    code = "from rmw_dds_common.msg import Gid; print(len(Gid().data))"
    assert python(code, tmp_path) == "24"
    assert python(code, tmp_path, ROS_DISTRO="jazzy") == "16"


def test_start_of_the_interpreter_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
print(sorted({"numpy", "rosbags", "cyclonedds", "yaml", "roslite.messages"} & set(sys.modules)))
"""
    assert python(code, tmp_path) == "[]"


def test_the_finder_itself_imports_nothing() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import roslite.importer
roslite.importer.install()
print(sorted(set(sys.modules) - before))
"""
    source = str(Path(roslite.importer.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, source], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "['__future__', 'roslite', 'roslite.importer']"


@pytest.mark.parametrize("module", ["no_such_msgs", "std_msgs.nonsense", "std_msgs.msg.string", "std_msgs.srv"])
def test_what_nobody_defines_is_an_import_error(module: str, tmp_path: Path) -> None:
    code = f"try:\n    import {module}\nexcept ModuleNotFoundError as error:\n    print(error.name)"
    assert python(code, tmp_path) == module


def test_packages_of_rosbags_are_all_known() -> None:
    stores = [get_typestore(store) for store in Stores if store.name.startswith("ROS2")]
    assert {name.split("/")[0] for store in stores for name in store.fielddefs} == ROSBAGS_PACKAGES


def test_driver_messages_are_those_of_the_driver() -> None:
    command = find_message("interbotix_xs_msgs/msg/JointGroupCommand")
    assert [(field.name, field.type) for field in command.fields] == [
        ("name", FieldType("string")),
        ("cmd", FieldType("float32", "sequence")),
    ]
    assert {"interbotix_xs_msgs", "std_srvs", "rcl_interfaces"} <= set(interface_packages("srv"))


@pytest.mark.parametrize(
    ("service", "request_fields", "response_fields"),
    [
        ("TorqueEnable", "cmd_type name enable", ""),
        ("Reboot", "cmd_type name enable smart_reboot", ""),
        ("OperatingModes", "cmd_type name mode profile_type profile_velocity profile_acceleration", ""),
        ("MotorGains", "cmd_type name kp_pos ki_pos kd_pos k1 k2 kp_vel ki_vel", ""),
        ("RegisterValues", "cmd_type name reg value", "values"),
        (
            "RobotInfo",
            "cmd_type name",
            "mode profile_type joint_names joint_ids joint_lower_limits joint_upper_limits joint_velocity_limits "
            "joint_sleep_positions joint_state_indices num_joints name",
        ),
    ],
)
def test_driver_services_are_those_of_the_driver(service: str, request_fields: str, response_fields: str) -> None:
    kind = getattr(interbotix_xs_msgs.srv, service)
    assert list(kind.Request.get_fields_and_field_types()) == request_fields.split()
    assert list(kind.Response.get_fields_and_field_types()) == response_fields.split()


def test_text_is_parsed() -> None:
    text = """
    # a comment
    uint8 KIND_A=1          # a constant
    byte MASK = 0xff
    bool YES=TRUE
    string GREETING="it's \\"quoted\\""
    wstring<=5 wide "ö"
    float64 RATIO = 0.5
    Header header
    Other[<=3] others
    pkg/Third third # [m], in whatever
    string<=10[] names
    int32\tnumber -7
    bool[2] flags [true, 0]
    string text  'hello '
    string bare hello there
    string newline "a\\nb"
    byte[] octets [0, 255]
    float32[] list [1, 2.5]
    float64 far -.5e3
    uint64 large 18446744073709551615
    string[] words ["a, b", 'c"', d e, ]
    int8[] none []
    """
    assert parse_message("mine/msg/Test", text) == Definition(
        "mine/msg/Test",
        (
            Field("wide", FieldType("wstring", string_bound=5), "ö"),
            Field("header", FieldType("mine/msg/Header")),
            Field("others", FieldType("mine/msg/Other", "sequence", 3)),
            Field("third", FieldType("pkg/msg/Third")),
            Field("names", FieldType("string", "sequence", 0, 10)),
            Field("number", FieldType("int32"), -7),
            Field("flags", FieldType("bool", "array", 2), [True, False]),
            Field("text", FieldType("string"), "hello "),
            Field("bare", FieldType("string"), "hello there"),
            Field("newline", FieldType("string"), "a\nb"),
            Field("octets", FieldType("byte", "sequence"), [b"\x00", b"\xff"]),
            Field("list", FieldType("float32", "sequence"), [1.0, 2.5]),
            Field("far", FieldType("float64"), -500.0),
            Field("large", FieldType("uint64"), 2**64 - 1),
            Field("words", FieldType("string", "sequence"), ["a, b", 'c"', "d e"]),
            Field("none", FieldType("int8", "sequence"), []),
        ),
        (("KIND_A", 1), ("MASK", b"\xff"), ("YES", True), ("GREETING", 'it\'s "quoted"'), ("RATIO", 0.5)),
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("int32", "'' is not a name for a field"),
        ("int32 2nd", "'2nd' is not a name for a field"),
        ("int32 aName", "'aName' is not a name for a field"),
        ("int32 two__underscores", "not a name for a field"),
        ("int32 trailing_", "not a name for a field"),
        ("int32 small=1", "'small' is not a name for a constant"),
        ("int32[ x", "'int32[' is not a type"),
        ("int32[0] x", "not a type"),
        ("int32[<=] x", "not a type"),
        ("string<=0 x", "not a type"),
        ("int32<=5 x", "not a type"),
        ("wrong-type x", "not a type"),
        ("duration x", "'duration' is not a type"),
        ("std_msgs/msg/Header x", "not a type"),
        ("int8 x 128", "128 is not in [-128, 127]"),
        ("uint8 x -1", "-1 is not in [0, 255]"),
        ("int8 X=1.5", "'1.5' is not an integer"),
        ("float32 x fast", "'fast' is not a number"),
        ("bool x maybe", "neither 'true' nor 'false'"),
        ("string<=3 x 'long'", "'long' is longer than 3 characters"),
        ("string x 'it's'", "needs a backslash"),
        ("int8[2] x [1]", "1 values where 2 are allowed"),
        ("int8[<=2] x [1, 2, 3]", "3 values where 2 are allowed"),
        ("int8[] x 1, 2", "not a list in brackets"),
        ("Other x 1", "only a primitive type can have a default value"),
        ("Other X=1", "only a primitive type can have constants"),
        ("int8[] X=[1]", "only a primitive type can have constants"),
        ("string[] x ['a' 'b']", "not a list of strings"),
        ("int8 first", "there is a 'first' already"),
    ],
)
def test_malformed_lines_are_refused_by_file_and_line(line: str, complaint: str) -> None:
    with pytest.raises(InvalidInterfaceError, match=re.escape(complaint)) as caught:
        parse_message("mine/msg/Test", f"int8 first\n\n{line}  # comment", "Test.msg")
    assert str(caught.value).startswith(f"Test.msg, line 3: '{line}': ")


def test_a_malformed_line_of_a_response_is_refused_by_its_line_in_the_file() -> None:
    with pytest.raises(InvalidInterfaceError, match=r"Test\.srv, line 4: 'int8'"):
        parse_service("mine/srv/Test", "int8 a\n\n---\nint8\n", "Test.srv")


@pytest.mark.parametrize("text", ["int8 a\n", "int8 a\n---\n---\n"])
def test_a_service_needs_one_separator(text: str) -> None:
    with pytest.raises(InvalidInterfaceError, match="one line '---'"):
        parse_service("mine/srv/Test", text)


def test_a_message_of_messages_that_nobody_defines_is_refused(tmp_path: Path) -> None:
    install(tmp_path, "my_msgs", Point="other_msgs/Missing m\n")
    code = """
try:
    from my_msgs.msg import Point
except LookupError as error:
    print(error)
"""
    assert "other_msgs/msg/Missing" in python(code, tmp_path)


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    install(tmp_path, "my_msgs", Point="float64 x\nfloat64 Y\n")
    code = """
try:
    from my_msgs.msg import Point
except ValueError as error:
    print(error)
"""
    assert f"{tmp_path}/share/my_msgs/msg/Point.msg, line 2: 'float64 Y'" in python(code, tmp_path)


def test_halves_of_services_are_in_the_inner_module(tmp_path: Path) -> None:
    code = """
from std_srvs.srv import SetBool
from std_srvs.srv._set_bool import SetBool as inner, SetBool_Request, SetBool_Response
print(SetBool is inner, SetBool.Request is SetBool_Request, SetBool.Response is SetBool_Response)
"""
    assert python(code, tmp_path) == "True True True"
