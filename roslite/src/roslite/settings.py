"""How the environment sets up DDS."""

import os

MAX_DOMAIN_ID = 232

_DOMAIN = """
<CycloneDDS><Domain>
  <General>
    {interfaces}
    <MaxMessageSize>65500B</MaxMessageSize>
    <FragmentSize>{fragment}</FragmentSize>
  </General>
  <Discovery>
    {discovery}
    <ParticipantIndex>auto</ParticipantIndex>
    <MaxAutoParticipantIndex>99</MaxAutoParticipantIndex>
  </Discovery>
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

_THIS_HOST = {
    "interfaces": '<Interfaces><NetworkInterface name="{loopback}"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast>",
    "discovery": '<Peers><Peer address="127.0.0.1"/></Peers>',
    "fragment": "63000B",
}
_SUBNET = {"interfaces": "", "discovery": "", "fragment": "1344B"}


class SettingsError(ValueError):
    """An environment variable has a value that makes no sense."""


def domain_id() -> int:
    """Return ``ROS_DOMAIN_ID``, 0 if unset.

    Raises:
        SettingsError: it is no number from 0 to 232.
    """
    text = os.environ.get("ROS_DOMAIN_ID", "").strip() or "0"
    if not text.isdecimal() or int(text) > MAX_DOMAIN_ID:
        raise SettingsError(f"ROS_DOMAIN_ID is '{text}', not a number from 0 to {MAX_DOMAIN_ID}")
    return int(text)


def stays_on_this_host() -> bool:
    """Whether discovery is limited to this host: yes, unless the environment opens it.

    Raises:
        SettingsError: ``ROS_AUTOMATIC_DISCOVERY_RANGE`` has an unknown value.
    """
    choices = {"LOCALHOST": True, "SUBNET": False, "SYSTEM_DEFAULT": False, "OFF": True}
    if text := os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").strip():
        try:
            return choices[text.upper()]
        except KeyError:
            known = ", ".join(choices)
            raise SettingsError(f"ROS_AUTOMATIC_DISCOVERY_RANGE is '{text}', not one of: {known}") from None
    return os.environ.get("ROS_LOCALHOST_ONLY", "").strip() != "0"


def cyclone_configuration() -> str | None:
    """Return the XML that Cyclone DDS is configured with, None where ``CYCLONEDDS_URI`` says it already."""
    if os.environ.get("CYCLONEDDS_URI"):
        return None
    loopback = "lo0" if os.uname().sysname == "Darwin" else "lo"
    choice = _THIS_HOST if stays_on_this_host() else _SUBNET
    return _DOMAIN.format(**{key: value.format(loopback=loopback) for key, value in choice.items()})
