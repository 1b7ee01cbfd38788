"""Random messages, and bytes that are nearly messages."""

import random
from typing import Any

import numpy as np
from roslite.definitions import FieldType
from roslite.messages import Message, message_class

from roslite import cdr

INTEGERS = {f"{sign}int{bits}": (sign, bits) for sign in ("", "u") for bits in (8, 16, 32, 64)}
TEXTS = ["", "a", "abc", "äöü", "a longer text \N{SNOWMAN}", "\N{ROBOT FACE}"]


def random_value(type_: FieldType, chance: random.Random) -> Any:
    if type_.kind == "single":
        return random_single(type_.base, chance)
    bound = min(type_.size or 5, 5)
    count = type_.size if type_.kind == "array" else chance.randint(0, bound)
    return [random_single(type_.base, chance) for _ in range(count)]


def random_single(base: str, chance: random.Random) -> Any:
    if base in INTEGERS or base == "char":
        sign, bits = INTEGERS.get(base, ("u", 8))
        return chance.randrange(2**bits) - (0 if sign else 2 ** (bits - 1))
    choices: dict[str, Any] = {
        "bool": chance.random() < 0.5,
        "byte": bytes([chance.randrange(256)]),
        "float32": float(np.float32(chance.uniform(-10, 10))),
        "float64": chance.uniform(-10, 10),
        "string": chance.choice(TEXTS),
        "wstring": chance.choice(TEXTS),
    }
    return choices[base] if base in choices else random_message(base, chance)


def random_message(name: str, chance: random.Random) -> Message:
    message = message_class(name)()
    for field in message._definition.fields:
        setattr(message, field.name, random_value(field.type, chance))
    return message


def broken(data: bytearray, chance: random.Random) -> bytearray:
    """Return CDR that was cut off, or has wrong bytes in it, or both; behind the header."""
    data = data[: chance.randint(min(4, len(data)), len(data))] if chance.random() < 0.5 else bytearray(data)
    for _ in range(chance.randint(0, 8) if len(data) > 4 else 0):
        data[chance.randrange(4, len(data))] = chance.choice([0, 1, 127, 255, chance.randrange(256)])
    return data


def noise(chance: random.Random) -> bytearray:
    """Return random bytes behind a good header."""
    return bytearray(cdr.LITTLE_ENDIAN + chance.randbytes(chance.randrange(200)))
