"""A thin layer over the C library of Cyclone DDS: entities, CDR in and out, and one way to wait for all of them.

The ``cyclonedds`` package builds topics and QoS; reading, writing and waiting call the library through ctypes, because
that lets go of Python's global lock while the library works, and hands CDR over without decoding it.
"""

from roslite.dds.cyclone import INFINITY, DdsError, Entity, delete, guid
from roslite.dds.endpoints import (
    PSEUDO_TOPIC_PARTICIPANT,
    PSEUDO_TOPIC_PUBLICATION,
    PSEUDO_TOPIC_SUBSCRIPTION,
    EndpointInfo,
    count_matched_readers,
    count_matched_writers,
    participant_of_writer,
    participants_reading,
    read_endpoints,
    read_participants,
)
from roslite.dds.participant import Participant
from roslite.dds.samples import Received, assert_liveliness, take, wait_for_acks, write
from roslite.dds.statuses import TYPE_CONSISTENCY_POLICY, Status, take_flags, take_status, watch_statuses
from roslite.dds.waiting import Guard, WaitSet, create_read_condition

__all__ = [
    "INFINITY",
    "PSEUDO_TOPIC_PARTICIPANT",
    "PSEUDO_TOPIC_PUBLICATION",
    "PSEUDO_TOPIC_SUBSCRIPTION",
    "TYPE_CONSISTENCY_POLICY",
    "DdsError",
    "EndpointInfo",
    "Entity",
    "Guard",
    "Participant",
    "Received",
    "Status",
    "WaitSet",
    "assert_liveliness",
    "count_matched_readers",
    "count_matched_writers",
    "create_read_condition",
    "delete",
    "guid",
    "participant_of_writer",
    "participants_reading",
    "read_endpoints",
    "read_participants",
    "take",
    "take_flags",
    "take_status",
    "wait_for_acks",
    "watch_statuses",
    "write",
]
