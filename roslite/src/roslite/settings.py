"""How the environment sets up DDS."""

import os
import re
from enum import Enum
from xml.sax.saxutils import quoteattr

MAX_DOMAIN_ID = 232

_DOMAIN = """
<CycloneDDS><Domain>
  <General>
    {general}
    <MaxMessageSize>65500B</MaxMessageSize>
    <FragmentSize>{fragment}</FragmentSize>
  </General>
  <Discovery>{discovery}</Discovery>
  <Internal>
    <SocketReceiveBufferSize max="16MB"/>
    <SocketSendBufferSize max="16MB"/>
    <Watermarks><WhcHigh>32MB</WhcHigh><WhcHighInit>32MB</WhcHighInit></Watermarks>
    <WriterLingerDuration>200ms</WriterLingerDuration>
    <NackDelay>1ms</NackDelay>
    <HeartbeatInterval min="5ms" minsched="20ms" max="8s">100ms</HeartbeatInterval>
  </Internal>
</Domain></CycloneDDS>
"""
_NO_MULTICAST = "<AllowMulticast>false</AllowMulticast>"
_LOOPBACK_FRAGMENT, _ETHERNET_FRAGMENT = "63000B", "1344B"

_HOST = re.compile(r"[A-Za-z0-9.:_%-]+")


class SettingsError(ValueError):
    """An environment variable has a value that makes no sense."""


class DiscoveryRange(Enum):
    """How far discovery reaches; the values of ``ROS_AUTOMATIC_DISCOVERY_RANGE``."""

    OFF = "OFF"
    LOCALHOST = "LOCALHOST"
    SUBNET = "SUBNET"
    SYSTEM_DEFAULT = "SYSTEM_DEFAULT"


def domain_id() -> int:
    """Return ``ROS_DOMAIN_ID``, 0 if unset.

    Raises:
        SettingsError: it is no number from 0 to 232.
    """
    text = os.environ.get("ROS_DOMAIN_ID", "").strip() or "0"
    if not text.isdecimal() or int(text) > MAX_DOMAIN_ID:
        raise SettingsError(f"ROS_DOMAIN_ID is '{text}', not a number from 0 to {MAX_DOMAIN_ID}")
    return int(text)


def discovery_range() -> DiscoveryRange:
    """Return how far discovery reaches: this host, unless the environment says otherwise.

    ``ROS_LOCALHOST_ONLY=1`` wins over ``ROS_AUTOMATIC_DISCOVERY_RANGE``, as in Jazzy.

    Raises:
        SettingsError: ``ROS_AUTOMATIC_DISCOVERY_RANGE`` has an unknown value.
    """
    text = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").strip().upper()
    if text not in ("", *DiscoveryRange.__members__):
        known = ", ".join(DiscoveryRange.__members__)
        raise SettingsError(f"ROS_AUTOMATIC_DISCOVERY_RANGE is '{text}', not one of: {known}")
    localhost_only = os.environ.get("ROS_LOCALHOST_ONLY", "").strip()
    if localhost_only == "1":
        return DiscoveryRange.LOCALHOST
    if text:
        return DiscoveryRange[text]
    return DiscoveryRange.SUBNET if localhost_only == "0" else DiscoveryRange.LOCALHOST


def static_peers() -> list[str]:
    """Return the hosts that ``ROS_STATIC_PEERS`` names, separated by semicolons.

    Raises:
        SettingsError: one of them is neither an address nor the name of a host.
    """
    peers = [peer.strip() for peer in os.environ.get("ROS_STATIC_PEERS", "").split(";") if peer.strip()]
    for peer in peers:
        if not _HOST.fullmatch(peer):
            raise SettingsError(f"ROS_STATIC_PEERS has '{peer}', neither an address nor the name of a host")
    return peers


def cyclone_configuration() -> str | None:
    """Return the XML that Cyclone DDS is configured with, None where ``CYCLONEDDS_URI`` says it already.

    Raises:
        SettingsError: an environment variable has a value that makes no sense.
    """
    if os.environ.get("CYCLONEDDS_URI"):
        return None
    reach = discovery_range()
    if reach is DiscoveryRange.SYSTEM_DEFAULT:
        return _configuration()
    if reach is DiscoveryRange.OFF:
        # Only participants that carry the same tag see each other.
        tag = f"<ParticipantIndex>none</ParticipantIndex><Tag>ros_discovery_off_{os.getpid()}</Tag>"
        return _configuration(_NO_MULTICAST, tag)
    peers = static_peers()
    if reach is DiscoveryRange.SUBNET:
        return _configuration(discovery=_discovery(peers))
    if peers:
        return _configuration(_NO_MULTICAST, _discovery(["127.0.0.1", *peers]))
    loopback = "lo0" if os.uname().sysname == "Darwin" else "lo"
    interfaces = f'<Interfaces><NetworkInterface name="{loopback}"/></Interfaces>'
    return _configuration(interfaces + _NO_MULTICAST, _discovery(["127.0.0.1"]), _LOOPBACK_FRAGMENT)


def _configuration(general: str = "", discovery: str = "", fragment: str = _ETHERNET_FRAGMENT) -> str:
    return _DOMAIN.format(general=general, discovery=discovery, fragment=fragment)


def _discovery(peers: list[str]) -> str:
    """Return what lets up to 100 processes of a host be found by those that know its address."""
    addresses = "".join(f"<Peer address={quoteattr(peer)}/>" for peer in peers)
    return (
        "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>99</MaxAutoParticipantIndex>"
        f"<Peers>{addresses}</Peers>"
    )
