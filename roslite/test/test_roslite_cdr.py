"""The bytes of messages are those that ROS 2 sends; bytes that are not are refused."""

import contextlib
import random
import struct
from typing import Any

import numpy as np
import pytest
from cdr_samples import broken, random_message
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore
from roslite.definitions import Definition, Field, FieldType, interface_names, interface_packages
from roslite.messages import Message, build_message, message_class, service_class

from roslite import cdr

STORE = get_typestore(Stores.ROS2_HUMBLE)
NAMES = sorted(STORE.fielddefs)


def assert_same(ours: Any, theirs: Any) -> None:
    """Compare a field with what rosbags has for it."""
    if isinstance(ours, Message):
        for slot in ours.__slots__:
            assert_same(getattr(ours, slot), getattr(theirs, slot[1:]))
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert_same(our, their)
    elif isinstance(ours, bytes):
        assert ours[0] == int(theirs) % 256  # rosbags has octets with a sign
    else:
        assert np.array_equal(ours, theirs)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), st.integers(0, 2**32))
def test_bytes_are_those_of_rosbags(name: str, seed: int) -> None:
    message = random_message(name, random.Random(seed))
    data = bytes(cdr.serialize(message))
    theirs = STORE.deserialize_cdr(data, name)
    assert_same(message, theirs)
    assert bytes(STORE.serialize_cdr(theirs, name)) == data
    assert cdr.deserialize(data, type(message)) == message


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(NAMES), st.integers(0, 2**32))
def test_big_endian_bytes_are_read(name: str, seed: int) -> None:
    message = random_message(name, random.Random(seed))
    theirs = STORE.deserialize_cdr(bytes(cdr.serialize(message)), name)
    assert cdr.deserialize(bytes(STORE.serialize_cdr(theirs, name, little_endian=False)), type(message)) == message


@pytest.mark.parametrize("package", interface_packages("srv"))
def test_requests_and_responses_come_back(package: str) -> None:
    chance = random.Random(0)
    for short in interface_names(package, "srv"):
        service = service_class(f"{package}/srv/{short}")
        for half in (service.Request, service.Response):
            message = random_message(half._definition.name, chance)
            data = cdr.serialize(message, prefix=bytes(16))
            assert cdr.deserialize(data, half, skip=16) == message


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(NAMES), st.integers(0, 2**32))
def test_cut_off_and_broken_bytes_are_refused_or_read_but_nothing_else(name: str, seed: int) -> None:
    chance = random.Random(seed)
    data = broken(cdr.serialize(random_message(name, chance)), chance)
    with contextlib.suppress(cdr.CdrError):
        cdr.deserialize(data, message_class(name))


@pytest.mark.parametrize("header", [b"\x00\x03\x00\x00", b"\x00\x07\x00\x00", b"\x01\x01\x00\x00"])
def test_other_encapsulations_are_refused(header: bytes) -> None:
    with pytest.raises(cdr.CdrError):
        cdr.deserialize(header + bytes(8), message_class("std_msgs/msg/Int32"))


def test_a_header_alone_is_refused() -> None:
    for data in (b"", b"\x00\x01", cdr.LITTLE_ENDIAN):
        with pytest.raises(cdr.CdrError):
            cdr.deserialize(data, message_class("std_msgs/msg/Int32"))


def test_announced_length_is_not_believed() -> None:
    with pytest.raises(cdr.CdrError, match="bytes are announced"):
        cdr.deserialize(b"\x00\x01\x00\x00\xff\xff\xff\x7f", message_class("std_msgs/msg/String"))
    with pytest.raises(cdr.CdrError):
        cdr.deserialize(b"\x00\x01\x00\x00\xff\xff\xff\xff", message_class("tf2_msgs/msg/TFMessage"))


def test_text_that_is_not_utf8_is_replaced() -> None:
    data = b"\x00\x01\x00\x00\x03\x00\x00\x00\xff\xfe\x00"
    assert cdr.deserialize(data, message_class("std_msgs/msg/String")).data == "\ufffd\ufffd"


def test_wide_text_has_four_bytes_for_each_utf16_unit() -> None:
    message = message_class("example_interfaces/msg/WString")()
    message.data = "aö\N{ROBOT FACE}"
    data = bytes(cdr.serialize(message))
    assert data == b"\x00\x01\x00\x00" + struct.pack("<5I", 4, ord("a"), ord("ö"), 0xD83E, 0xDD16)
    assert cdr.deserialize(data, type(message)) == message
    big_endian = b"\x00\x00\x00\x00" + struct.pack(">5I", 4, ord("a"), ord("ö"), 0xD83E, 0xDD16)
    assert cdr.deserialize(big_endian, type(message)) == message
    with pytest.raises(cdr.CdrError):
        cdr.deserialize(data[:-1], type(message))


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), min_size=3, max_size=3), st.lists(st.text(max_size=5)), st.integers())
def test_wide_texts_come_back_wherever_they_are(fixed: list[str], some: list[str], number: int) -> None:
    fields = (
        Field("one", FieldType("wstring")),
        Field("flag", FieldType("uint8")),
        Field("fixed", FieldType("wstring", "array", 3)),
        Field("some", FieldType("wstring", "sequence")),
        Field("number", FieldType("int64")),
    )
    class_ = build_message(Definition("test_msgs/msg/Wide", fields))
    message = class_(one=fixed[0], fixed=fixed, some=some, number=number % 2**63)
    assert cdr.deserialize(cdr.serialize(message), class_) == message
