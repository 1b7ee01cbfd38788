"""The environment says which domain a process is in, and how far discovery reaches."""

from xml.etree import ElementTree

import pytest
from rclpy.node import Node
from ros_helpers import Start, spin_until
from roslite.settings import DiscoveryRange, SettingsError, cyclone_configuration, discovery_range, domain_id


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with an environment that says nothing of discovery."""
    for name in ("CYCLONEDDS_URI", "ROS_LOCALHOST_ONLY", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"):
        monkeypatch.delenv(name, raising=False)


def configuration() -> ElementTree.Element:
    text = cyclone_configuration()
    assert text is not None
    return ElementTree.fromstring(text)


def peers() -> list[str]:
    return [peer.attrib["address"] for peer in configuration().iter("Peer")]


def interfaces() -> list[str]:
    return [interface.attrib["name"] for interface in configuration().iter("NetworkInterface")]


def uses_multicast() -> bool:
    return configuration().find(".//AllowMulticast") is None


def test_discovery_stays_on_the_loopback_interface_unless_opened() -> None:
    assert discovery_range() is DiscoveryRange.LOCALHOST
    assert interfaces() == ["lo"]
    assert peers() == ["127.0.0.1"]
    assert not uses_multicast()


@pytest.mark.parametrize(
    ("localhost_only", "reach", "expected"),
    [
        ("1", "", "LOCALHOST"),
        ("0", "", "SUBNET"),
        ("", "SUBNET", "SUBNET"),
        ("", "subnet", "SUBNET"),
        ("0", "LOCALHOST", "LOCALHOST"),
        ("0", "OFF", "OFF"),
        ("1", "SUBNET", "LOCALHOST"),
        ("", "SYSTEM_DEFAULT", "SYSTEM_DEFAULT"),
    ],
)
def test_the_two_variables_of_ros_open_and_close_it(
    localhost_only: str, reach: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_LOCALHOST_ONLY", localhost_only)
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", reach)
    assert discovery_range() is DiscoveryRange[expected]
    assert uses_multicast() == (expected in ("SUBNET", "SYSTEM_DEFAULT"))


def test_an_unknown_range_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "GALAXY")
    with pytest.raises(SettingsError, match="'GALAXY', not one of: OFF, LOCALHOST, SUBNET, SYSTEM_DEFAULT"):
        cyclone_configuration()


def test_named_peers_are_asked_besides_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_STATIC_PEERS", "192.168.1.7; gpu-server.local;")
    assert peers() == ["127.0.0.1", "192.168.1.7", "gpu-server.local"]
    assert interfaces() == []
    assert not uses_multicast()
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    assert peers() == ["192.168.1.7", "gpu-server.local"]
    assert uses_multicast()


def test_a_peer_that_is_no_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_STATIC_PEERS", "192.168.1.7, 192.168.1.8")
    with pytest.raises(SettingsError, match="neither an address nor the name of a host"):
        cyclone_configuration()


def test_a_configuration_of_ones_own_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYCLONEDDS_URI", "<CycloneDDS/>")
    assert cyclone_configuration() is None


@pytest.mark.parametrize("value", ["-1", "233", "home"])
def test_domain_must_exist(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", value)
    with pytest.raises(SettingsError, match=value):
        domain_id()


def test_a_process_with_discovery_off_is_not_found(node: Node, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_LOCALHOST_ONLY")
    code = """
        import rclpy, sys
        rclpy.init()
        node = rclpy.create_node(sys.argv[1])
        rclpy.spin_once(node, timeout_sec=0)
        print("up", flush=True)
        rclpy.spin(node)
    """
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF")
    hidden = start(code, "hidden")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    seen = start(code, "seen")
    for process in (hidden, seen):
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
    spin_until(node, lambda: "seen" in node.get_node_names())
    assert "hidden" not in node.get_node_names()
