"""Substitutions that came after Humble, by Jazzy."""

from pathlib import Path

import pytest
from launch import LaunchContext
from launch.substitutions import (
    AllSubstitution,
    AnySubstitution,
    EqualsSubstitution,
    FileContent,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    SubstitutionFailure,
)


@pytest.fixture
def context() -> LaunchContext:
    context = LaunchContext()
    context.launch_configurations["robot"] = "left"
    return context


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("1", 1.0, True),
        ("true", True, True),
        (LaunchConfiguration("robot"), "left", True),
    ],
)
def test_values_are_compared(context: LaunchContext, left: object, right: object, equal: bool) -> None:
    assert EqualsSubstitution(left, right).perform(context) == str(equal).lower()
    assert NotEqualsSubstitution(left, right).perform(context) == str(not equal).lower()


def test_a_condition_chooses(context: LaunchContext) -> None:
    robot = LaunchConfiguration("robot")
    assert (
        IfElseSubstitution(EqualsSubstitution(robot, "left"), if_value=["l", robot], else_value="r").perform(context)
        == "lleft"
    )
    assert IfElseSubstitution("0", if_value="l").perform(context) == ""


def test_several_truths_combine(context: LaunchContext) -> None:
    assert AllSubstitution("true", "True", "on").perform(context) == "true"
    assert AnySubstitution("false", "off").perform(context) == "false"
    with pytest.raises(SubstitutionFailure):
        AnySubstitution("true", "perhaps").perform(context)


def test_a_file_is_read(context: LaunchContext, tmp_path: Path) -> None:
    (tmp_path / "left").write_text("<robot/>")
    assert FileContent([str(tmp_path), "/", LaunchConfiguration("robot")]).perform(context) == "<robot/>"
    with pytest.raises(SubstitutionFailure):
        FileContent(str(tmp_path / "right")).perform(context)
