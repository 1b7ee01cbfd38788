"""Where and in which precision a policy computes, checked before anything is loaded."""

from __future__ import annotations

import torch

from arvla_ros.policy.prefix import DTYPES


class DeviceError(ValueError):
    """A device or a dtype that there is not; the message says which there are."""


def check_device(name: torch.device | str) -> torch.device:
    """Return the device of a name, ``cpu``, ``cuda`` or ``cuda:1``, if torch can compute on it.

    Raises:
        DeviceError: it cannot.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"device {str(name)!r}: {reason}; use cpu, or cuda where there is a GPU") from error
    return device


def check_dtype(name: str) -> str:
    """Return the name of a dtype, if it is one of ``DTYPES``.

    Raises:
        DeviceError: it is not.
    """
    if name not in DTYPES:
        raise DeviceError(f"dtype {name!r} is none of {', '.join(DTYPES)}")
    return name
