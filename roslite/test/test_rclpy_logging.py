"""Loggers: levels, what one line may log, the terminal, ``/rosout``."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
import rclpy.logging
from rclpy.clock import ROSClock
from rclpy.logging import LoggingSeverity, get_logger
from rclpy.time import Time
from rclpy.time_source import TimeSource
from ros_helpers import spin_until


def test_levels_come_from_the_loggers_above() -> None:
    parent, child = get_logger("family"), get_logger("family.child")
    parent.set_level(LoggingSeverity.ERROR)
    assert child.get_effective_level() == LoggingSeverity.ERROR
    child.set_level(LoggingSeverity.DEBUG)
    assert child.is_enabled_for(LoggingSeverity.DEBUG)
    child.set_level(LoggingSeverity.UNSET)
    assert not child.is_enabled_for(LoggingSeverity.WARN)


def test_skipping_and_logging_once_add_up() -> None:
    logger = get_logger("filters")
    assert [logger.info("x", skip_first=True, once=True) for _ in range(4)] == [False, True, False, False]


def test_throttling_follows_a_simulated_clock() -> None:
    clock, source = ROSClock(), TimeSource()
    source.attach_clock(clock)
    source.ros_time_is_active = True
    logger, heard = get_logger("slow"), []
    for second in (1, 2, 3, 4, 5):
        clock.set_ros_time_override(Time(seconds=second, clock_type=clock.clock_type))
        heard.append(logger.info("x", throttle_duration_sec=2.0, throttle_time_source_type=clock))
    assert heard == [False, True, False, True, False]


def test_senseless_options_are_refused() -> None:
    logger = get_logger("options")
    with pytest.raises(TypeError, match="nonsense"):
        logger.info("x", nonsense=1)
    with pytest.raises(TypeError, match="throttle_duration_sec"):
        logger.info("x", throttle_time_source_type=ROSClock())


def test_one_line_cannot_log_now_like_this_and_now_like_that() -> None:
    logger = get_logger("changeable")

    def log(period: float) -> None:
        logger.info("x", throttle_duration_sec=period)

    log(1.0)
    with pytest.raises(ValueError, match="cannot be changed"):
        log(2.0)


def test_the_environment_says_how_a_line_looks(
    monkeypatch: pytest.MonkeyPatch, ros_domain: int, tmp_path: Path
) -> None:
    tokens = ("severity", "name", "message", "function_name", "file_name", "line_number", "time", "time_as_nanoseconds")
    monkeypatch.setenv("RCUTILS_CONSOLE_OUTPUT_FORMAT", "|".join(f"{{{token}}}" for token in tokens))
    monkeypatch.setenv("RCUTILS_LOGGING_USE_STDOUT", "1")
    monkeypatch.setenv("RCUTILS_COLORIZED_OUTPUT", "0")
    program = tmp_path / "speak.py"
    program.write_text(
        "import rclpy\n"
        "from rclpy.logging import get_logger\n"
        "def speak():\n"
        "    get_logger('speaker').warning('careful')\n"
        "rclpy.init()\n"
        "speak()\n"
        "rclpy.shutdown()\n"
    )
    printed = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True).stdout
    fields = printed.strip().split("|")
    assert fields[:3] == ["WARN", "speaker", "careful"]
    assert fields[3] == "speak"
    assert Path(fields[4]) == program
    assert fields[5] == "4"
    assert re.fullmatch(r"\d+\.\d{9}", fields[6])


def test_log_directory_is_that_of_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_LOG_DIR", raising=False)
    monkeypatch.setenv("ROS_HOME", "/home/robot")
    assert rclpy.logging.get_logging_directory() == Path("/home/robot/log")
    monkeypatch.setenv("ROS_LOG_DIR", "/logs")
    assert rclpy.logging.get_logging_directory() == Path("/logs")


def test_arguments_set_levels_and_silence_rosout(ros_domain: int) -> None:
    levels = ["--log-level", "quiet:=error", "--log-level", "quiet.loud:=debug", "--disable-rosout-logs"]
    rclpy.init(args=["program", "--ros-args", *levels])
    assert get_logger("quiet").get_effective_level() == LoggingSeverity.ERROR
    assert get_logger("quiet.loud").get_effective_level() == LoggingSeverity.DEBUG
    node = rclpy.create_node("silent")
    spin_until(node, lambda: "silent" in node.get_node_names())
    topics = dict(node.get_publisher_names_and_types_by_node("silent", "/"))
    assert "/parameter_events" in topics
    assert "/rosout" not in topics
    node.destroy_node()
    rclpy.shutdown()
