"""The robot contract: topics to observations, actions to commands."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arvla_ros.paths import share_directory
from arvla_ros.robots.contract import ContractError, RobotContract

CONTRACT = RobotContract.load()
NAMES = ["left_finger", "elbow", "waist", "extra", "shoulder", "wrist_rotate", "forearm_roll", "wrist_angle"]


def test_state_is_matched_by_joint_name_not_by_order():
    state = CONTRACT.state(NAMES, [0.02, 3.0, 1.0, 9.0, 2.0, 6.0, 4.0, 5.0])
    np.testing.assert_allclose(state, [1, 2, 3, 4, 5, 6, 0.04], atol=1e-6)


def test_a_missing_joint_is_named():
    with pytest.raises(ContractError, match="lacks elbow"):
        CONTRACT.state([name for name in NAMES if name != "elbow"], [0.0] * 7)
    with pytest.raises(ContractError, match="8 names but 7 positions"):
        CONTRACT.state(NAMES, [0.0] * 7)


@given(
    hnp.arrays(np.float32, 7, elements=st.floats(-1, 1, width=32)),
    hnp.arrays(np.float32, 7, elements=st.floats(-1, 1, width=32)),
)
def test_command_and_action_are_inverse(action, state):
    target, opening = CONTRACT.command(action, state)
    np.testing.assert_allclose(CONTRACT.action(target, opening, state), action, atol=1e-6)


@given(hnp.arrays(np.uint8, (96, 128, 3)), st.integers(1, 6))
def test_the_policy_image_is_the_mean_of_equal_blocks(image, scale):
    frame = image.repeat(scale, axis=0).repeat(scale, axis=1)
    np.testing.assert_array_equal(CONTRACT.image(frame), image)


def test_blocks_are_rounded_to_the_nearest():
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    exact = frame.reshape(96, 5, 128, 5, 3).mean((1, 3))
    assert np.abs(CONTRACT.image(frame) - exact).max() <= 0.5


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((480, 640, 3), np.float32), "uint8"),
        (np.zeros((480, 640), np.uint8), r"\[480, 640\]"),
        (np.zeros((480, 600, 3), np.uint8), "600x480, not a whole multiple of 128x96"),
        (np.zeros((48, 64, 3), np.uint8), "64x48"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(frame, message):
    with pytest.raises(ContractError, match=message):
        CONTRACT.image(frame)


def test_a_contract_survives_the_way_through_a_checkpoint():
    assert RobotContract.from_dict(CONTRACT.to_dict()) == CONTRACT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"robot": None}, "field 'robot' is missing"),
        ({"action_space": "wishes"}, "action_space 'wishes' is none of joint_delta"),
        ({"control_rate_hz": 0}, "control_rate_hz 0.0 must be positive"),
        ({"control_rate_hz": "fast"}, "could not convert"),
        ({"policy_image": {"width": 100, "height": 96}}, "640x480, not a whole multiple"),
        ({"cameras": []}, "must not be empty"),
    ],
)
def test_a_wrong_contract_file_names_file_and_field(tmp_path, change, message):
    fields = {**CONTRACT.to_dict(), **change}
    file = tmp_path / "arm.yaml"
    file.write_text(yaml.safe_dump({key: value for key, value in fields.items() if value is not None}))
    with pytest.raises(ContractError, match=message) as raised:
        RobotContract.load(file)
    assert str(file) in str(raised.value)


def test_a_contract_that_is_not_there_names_the_file():
    with pytest.raises(ContractError, match=r"robot contract 'wx251s': no file .*wx251s\.yaml"):
        RobotContract.load("wx251s")


def test_the_package_knows_where_its_own_files_are():
    assert (share_directory() / "launch" / "widowx.launch.py").is_file()
