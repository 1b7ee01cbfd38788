"""Each check before the first motion says exactly what differs."""

import json
from pathlib import Path

import numpy as np
import pytest

from arvla_ros.control.preflight import (
    CheckpointUnreadableError,
    Modes,
    SeenStates,
    hardware_errors,
    limit_differences,
    mode_differences,
    rate_differences,
)
from arvla_ros.paths import share_directory
from arvla_ros.robots import wx250s

LIMITS = wx250s.LIMITS
OURS = (LIMITS.names, LIMITS.lower.astype(np.float32), LIMITS.upper.astype(np.float32), LIMITS.velocity)
REACH = share_directory() / "checkpoints" / "reach"


def test_the_drivers_own_limits_are_ours():
    assert limit_differences(*OURS, LIMITS) == []


def test_a_limit_that_differs_is_told_with_both_values():
    names, lower, upper, velocity = OURS
    shifted = upper.copy()
    shifted[2] = 1.0
    assert limit_differences(names, lower, shifted, velocity, LIMITS) == [
        "elbow's upper limit is 1.000 rad at the driver, 1.606 here"
    ]
    slow = velocity.copy()
    slow[5] = np.nan
    assert limit_differences(names, lower, upper, slow, LIMITS) == [
        "wrist_rotate's velocity limit is nan rad/s at the driver, 3.142 here"
    ]


def test_joints_of_another_arm_or_order_are_told():
    names, *rest = OURS
    (difference,) = limit_differences(names[::-1], *rest, LIMITS)
    assert difference.startswith("the driver's arm has the joints wrist_rotate, wrist_angle, ")


def test_fewer_limits_than_joints_are_told():
    names, lower, upper, velocity = OURS
    assert limit_differences(names, lower[:5], upper, velocity, LIMITS) == [
        "the driver gives 5 lower limits for 6 joints"
    ]
    assert limit_differences(names, lower, upper, [], LIMITS) == ["the driver gives 0 velocity limits for 6 joints"]


def test_modes_of_a_stream_are_no_profile_and_the_wanted_mode():
    assert mode_differences("arm", Modes("position", "velocity", [0] * 6, [0] * 6), "position") == []
    assert mode_differences("arm", Modes("pwm", "time", [0, 2000], [300]), "position") == [
        "arm is in mode 'pwm', not 'position'",
        "arm has the profile time 2000/300, not velocity 0/0",
    ]


def test_a_servo_in_error_is_told_with_its_error():
    assert hardware_errors(LIMITS.names, [0, 0b100000, 0, 0b100, 0, 0]) == [
        "servo shoulder reports overload: reboot it in the sleep pose",
        "servo forearm_roll reports overheating: reboot it in the sleep pose",
    ]


def test_joint_states_that_come_too_slowly_are_told():
    assert rate_differences(100.0) == []
    assert rate_differences(3.4) == ["joint states arrive at 3 Hz, at least 20 are needed"]


def test_the_start_of_the_demonstrations_is_among_the_states_that_the_checkpoint_has_seen():
    seen = SeenStates.load(REACH)
    assert seen is not None
    assert seen.differences(wx250s.READY, wx250s.OPENING_UPPER) == []


def test_a_start_pose_outside_is_told_with_the_range_and_the_remedy():
    seen = SeenStates.load(REACH)
    assert seen is not None
    joints = wx250s.READY.copy()
    joints[2] = -1.5
    (difference,) = seen.differences(joints, wx250s.OPENING_UPPER)
    assert difference.startswith("elbow -1.50 rad is outside -0.")
    assert difference.endswith("; call /guard/home")


@pytest.mark.parametrize("kind", ["q99", "q99_mixed"])
def test_percentiles_are_a_range_too(tmp_path: Path, kind: str):
    config = json.loads((REACH / "config.json").read_text())
    config["normalization"]["state"] = {"kind": kind, "offset": [0.0] * 7, "scale": [1.0] * 7}
    (tmp_path / "config.json").write_text(json.dumps(config))
    seen = SeenStates.load(tmp_path)
    assert seen is not None
    assert seen.differences(np.full(6, 1.3), 0.05) == []
    assert len(seen.differences(np.full(6, 1.5), 0.05)) == 6


def test_a_checkpoint_without_statistics_says_nothing_of_the_start(tmp_path: Path):
    config = json.loads((REACH / "config.json").read_text())
    config["normalization"]["state"] = {"kind": "identity", "offset": [0.0] * 7, "scale": [1.0] * 7}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert SeenStates.load(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", '{"contract": {}}', "{"])
def test_a_checkpoint_that_cannot_be_read_is_told(tmp_path: Path, text: str):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointUnreadableError, match=r"checkpoint .*config\.json: "):
        SeenStates.load(tmp_path)
