"""What roslite says to ROS arguments that make no sense, and to those that it does not heed."""

from pathlib import Path

import pytest
from roslite.arguments import ArgumentError, parse


@pytest.mark.parametrize(
    "arguments",
    [
        ["--log-config-file", "x.yaml"],
        ["--log-file-name", "x"],
        ["--enable-external-lib-logs"],
        ["--enclave", "/robot"],
        ["--log-level", "loud"],
        ["--log-level"],
        ["--enable-sound"],
        ["unknown"],
    ],
)
def test_what_is_not_heeded_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ArgumentError):
        parse(["--ros-args", *arguments])


def test_the_last_switch_for_logs_holds() -> None:
    parsed = parse(["--ros-args", "--disable-stdout-logs", "--enable-stdout-logs", "--disable-rosout-logs"])
    assert parsed.stdout_logs
    assert not parsed.rosout_logs


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("guard: {ros__parameters: {limits: {speed: [1, 2.5]}}}", r"'limits.speed' of '/guard'.*different types"),
        ("guard: {ros__parameters: {joints: [[1], [2]]}}", r"'joints' of '/guard'.*\[1\]"),
        ("guard: {ros__parameters: {rate: }}", r"'rate' of '/guard'.*no value"),
        ("guard: {ros__parameters: 5}", "'/guard' has no parameters"),
        ("guard: {rate: 5}", "'/guard/rate' has no 'ros__parameters'"),
        ("guard: [", "YAML|while parsing"),
    ],
)
def test_a_broken_parameter_file_is_refused_with_file_and_key(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(content)
    with pytest.raises(ArgumentError, match=f"(?s)broken.yaml.*{complaint}"):
        parse(["--ros-args", "--params-file", str(file)])
