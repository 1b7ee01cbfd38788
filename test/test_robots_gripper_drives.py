"""From metres between the fingers to the driver's gripper modes, against the published linkage table."""

import numpy as np
import pytest

from arvla_ros.robots.gripper_drives import DRIVES, PWM_LEAST, PWM_MOST, Pwm

# Opening in m and servo angle in rad, from the linkage of the wx250s (horn 14 mm, rod 24 mm).
LINKAGE = [(0.020, -1.571), (0.030, -0.378), (0.039, 0.0), (0.060, 0.668), (0.070, 1.040), (0.074, 1.268)]
PERIOD = 0.02


@pytest.mark.parametrize(("opening", "angle"), LINKAGE)
def test_a_position_is_the_servos_angle(opening: float, angle: float):
    assert DRIVES["position"]().command(opening, 0.05, 0.0) == pytest.approx(angle, abs=1e-3)


def test_a_linear_position_is_the_opening():
    assert DRIVES["linear_position"]().command(0.0612, 0.05, 0.0) == 0.0612


class Fingers:
    """Fingers that PWM moves as the real ones: not at all below 50, and not through what is between them."""

    def __init__(self, opening: float, between: float = 0.0) -> None:
        self.drive, self.opening, self.between, self.now = Pwm(), opening, between, 0.0

    def run(self, target: float, seconds: float) -> list[float]:
        commands = []
        for _ in range(round(seconds / PERIOD)):
            command = self.drive.command(target, self.opening, self.now)
            commands.append(command)
            if abs(command) >= 50:
                self.opening = float(np.clip(self.opening + 3e-6 * command, max(self.between, 0.030), 0.074))
            self.now += PERIOD
        return commands


@pytest.mark.parametrize("target", [0.030, 0.05, 0.074])
@pytest.mark.parametrize("start", [0.030, 0.074])
def test_pwm_stops_at_the_opening(start: float, target: float):
    fingers = Fingers(start)
    commands = fingers.run(target, 3.0)
    assert fingers.opening == pytest.approx(target, abs=0.0015)
    assert commands[-1] == 0.0
    assert all(command == 0 or PWM_LEAST <= abs(command) <= PWM_MOST for command in commands)


def test_pwm_opens_with_a_positive_and_closes_with_a_negative_strength():
    assert Fingers(0.05).run(0.07, PERIOD) == [PWM_MOST]
    assert Fingers(0.05).run(0.03, PERIOD) == [-PWM_MOST]


def test_pwm_goes_on_holding_what_is_between_the_fingers_with_the_least_strength():
    fingers = Fingers(0.074, between=0.05)
    assert fingers.run(0.030, 2.0)[-1] == -PWM_LEAST
    assert fingers.run(0.074, 3.0)[-1] == 0.0


def test_pwm_stops_pushing_open_what_is_stalled():
    drive = Pwm()
    commands = [drive.command(0.074, 0.05, k * PERIOD) for k in range(50)]
    assert commands[0] == PWM_MOST
    assert commands[-1] == 0.0


def test_pwm_rests_while_nobody_knows_the_opening():
    assert Pwm().command(0.05, float("nan"), 0.0) == 0.0
