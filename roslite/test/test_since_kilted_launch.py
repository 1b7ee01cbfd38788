"""Substitutions that came after Jazzy, by Kilted."""

from launch import LaunchContext
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PathSubstitution, StringJoinSubstitution

CONTEXT = LaunchContext()
CONTEXT.launch_configurations["robot"] = "left"
ROBOT = LaunchConfiguration("robot")


def test_a_component_of_a_path_may_be_a_list() -> None:
    assert PathJoinSubstitution(["/maps", [ROBOT, ".yaml"]]).perform(CONTEXT) == "/maps/left.yaml"


def test_paths_are_continued() -> None:
    assert (PathSubstitution("/maps") / ROBOT / ["a", ".yaml"]).perform(CONTEXT) == "/maps/left/a.yaml"


def test_text_is_joined() -> None:
    assert StringJoinSubstitution([["a", ROBOT], "b"], delimiter=", ").perform(CONTEXT) == "aleft, b"
