"""launch_ros: nodes of a package, their names, parameters and remappings."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from launch import LaunchContext, LaunchDescriptionEntity, Substitution
from launch.actions import GroupAction, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.frontend import expose_substitution
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch.utilities import perform_substitutions
from launch_helpers import run
from launch_ros.actions import (
    ComposableNodeContainer,
    LoadComposableNodes,
    Node,
    PushRosNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
)
from launch_ros.descriptions import ComposableNode
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare

EXECUTABLE = """#!/usr/bin/env python3
import json, os, sys
arguments = sys.argv[1:]
files = [open(path).read() for flag, path in zip(arguments, arguments[1:]) if flag == "--params-file"]
with open(os.environ["REPORT"], "a") as report:
    print(json.dumps({"arguments": arguments, "files": files}), file=report)
"""


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix with a package `robot` that has an executable `driver`, which reports its arguments."""
    marker = tmp_path / "share/ament_index/resource_index/packages/robot"
    marker.parent.mkdir(parents=True)
    marker.touch()
    (tmp_path / "share/robot").mkdir()
    executable = tmp_path / "lib/robot/driver"
    executable.parent.mkdir(parents=True)
    executable.write_text(EXECUTABLE)
    executable.chmod(0o755)
    prefixes = [str(tmp_path), *filter(None, [os.environ.get("AMENT_PREFIX_PATH")])]
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(prefixes))
    return tmp_path


class Report:
    """What the executables that ran were given."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def runs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    @property
    def arguments(self) -> list[str]:
        (only,) = self.runs
        arguments: list[str] = only["arguments"]
        return arguments

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the files, by name, the later one winning."""
        (only,) = self.runs
        merged = {}
        for text in only["files"]:
            for node in yaml.full_load(text).values():
                merged.update(node["ros__parameters"])
        parameters: dict[str, Any] = json.loads(json.dumps(merged))  # some versions write lists as tuples
        return parameters


@pytest.fixture
def report(prefix: Path) -> Report:
    return Report(prefix / "report")


def start(report: Report, *entities: LaunchDescriptionEntity, **configurations: str) -> int:
    return run(SetEnvironmentVariable("REPORT", str(report.path)), *entities, **configurations)


def driver(**kwargs: Any) -> Node:
    return Node(package="robot", executable="driver", **kwargs)


def pairs(arguments: list[str], flag: str) -> list[str]:
    return [value for key, value in itertools.pairwise(arguments) if key == flag]


def test_a_package_is_found(prefix: Path, report: Report) -> None:
    node = driver(arguments=[FindPackagePrefix("robot"), PathJoinSubstitution([FindPackageShare("robot"), "a.yaml"])])
    assert start(report, node) == 0
    assert report.arguments[:2] == [str(prefix), str(prefix / "share/robot/a.yaml")]


def test_an_executable_is_found_in_its_package(prefix: Path, report: Report) -> None:
    node = driver(arguments=[ExecutableInPackage(package="robot", executable="driver")])
    assert start(report, node) == 0
    assert report.arguments[0] == str(prefix / "lib/robot/driver")


def test_name_and_namespace_are_remapped(report: Report) -> None:
    assert start(report, driver(name="left", namespace="arms")) == 0
    assert pairs(report.arguments, "-r") == ["__node:=left", "__ns:=/arms"]


def test_ros_arguments_come_behind_the_others(report: Report) -> None:
    assert start(report, driver(arguments=["--fast"], ros_arguments=["--log-level", "debug"])) == 0
    assert report.arguments[:4] == ["--fast", "--ros-args", "--log-level", "debug"]


def test_names_are_remapped(report: Report) -> None:
    remappings = [("in", "out"), (["a", "b"], LaunchConfiguration("target"))]
    assert start(report, driver(remappings=remappings), target="/t") == 0
    assert pairs(report.arguments, "-r") == ["in:=out", "ab:=/t"]


def test_parameters_keep_their_types(report: Report) -> None:
    given = {"b": True, "i": 3, "f": 0.5, "s": "true", "list": [1, 2], "mixed": [1, 2.5], "nested": {"x": {"y": "z"}}}
    assert start(report, driver(parameters=[given])) == 0
    assert report.parameters == {
        "b": True,
        "i": 3,
        "f": 0.5,
        "s": "true",
        "list": [1, 2],
        "mixed": [1.0, 2.5],
        "nested.x.y": "z",
    }


@pytest.mark.parametrize("value", [[1, "a"], [True, 1], [], [[LaunchConfiguration("number")], ["a"]], None, [None]])
def test_a_list_of_several_types_is_refused(report: Report, value: Any) -> None:
    def add(context: LaunchContext) -> list[Node]:
        return [driver(parameters=[{"x": value}])]

    assert start(report, OpaqueFunction(function=add), number="1") == 1
    assert not report.path.exists()


def test_items_of_a_list_may_be_substituted(report: Report) -> None:
    number = LaunchConfiguration("number")
    given = {"x": [1, number], "y": [[number], [number, "0"]], "z": ["a", ["b", number]]}
    assert start(report, driver(parameters=[given]), number="2") == 0
    assert report.parameters == {"x": [1, 2], "y": [2, 20], "z": ["a", "b2"]}


def test_substituted_parameters_are_read_as_yaml(report: Report) -> None:
    rate, sim, name = (LaunchConfiguration(key) for key in ("rate", "sim", "name"))
    parameters = {"rate": rate, "sim": sim, "name": name, "both": [name, "-", rate]}
    assert start(report, driver(parameters=[parameters]), rate="2.5", sim="false", name="left") == 0
    assert report.parameters == {"rate": 2.5, "sim": False, "name": "left", "both": "left-2.5"}


def test_a_substituted_parameter_may_be_given_a_type(report: Report) -> None:
    rate = LaunchConfiguration("rate")
    parameters = {"text": ParameterValue(rate, value_type=str), "number": ParameterValue(rate, value_type=float)}
    assert start(report, driver(parameters=[parameters]), rate="2") == 0
    assert report.parameters == {"text": "2", "number": 2.0}
    assert isinstance(report.parameters["number"], float)


def test_a_substituted_parameter_of_the_wrong_type_is_an_error(report: Report) -> None:
    parameters = {"rate": ParameterValue(LaunchConfiguration("rate"), value_type=float)}
    assert start(report, driver(parameters=[parameters]), rate="fast") == 1
    assert not report.path.exists()


def test_parameters_are_for_the_named_node(report: Report) -> None:
    assert start(report, driver(name="left", namespace="arms", parameters=[{"a": 1}])) == 0
    (text,) = report.runs[0]["files"]
    assert yaml.safe_load(text) == {"/arms/left": {"ros__parameters": {"a": 1}}}


def test_files_and_dictionaries_are_passed_in_their_order(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("/**:\n  ros__parameters: {a: 1, b: 1}\n")
    path = PathJoinSubstitution([str(tmp_path), LaunchConfiguration("robot")])
    assert start(report, driver(parameters=[{"a": 0, "c": 0}, [path, ".yaml"], {"b": 2}]), robot="robot") == 0
    assert report.parameters == {"a": 1, "b": 2, "c": 0}
    assert str(file) in report.arguments


def test_substitutions_in_a_file_are_replaced_where_allowed(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("/**:\n  ros__parameters: {name: $(var robot), home: $(find-pkg-share robot)}\n")
    assert start(report, driver(parameters=[ParameterFile(str(file), allow_substs=True)]), robot="left") == 0
    assert report.parameters == {"name": "left", "home": str(tmp_path / "share/robot")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(var robot)", "left"),
        ("$(var $(var which))", "left"),
        ("$(var none other)", "other"),
        ("$(var none 'two words')", "two words"),
        ("$(env NONE there)", "there"),
        ("a $(var robot) and $(var which)", "a left and robot"),
        ("$(eval '1 + 1')", 2),
        ("$(not true)", False),
        ("$(find-pkg-share $(var package))/a", "{prefix}/share/robot/a"),
        ("$(find-pkg-prefix robot)", "{prefix}"),
        ("$(param speed)", 3),
        (r"\$(var robot)", "$(var robot)"),
        ("costs $5 (more)", "costs $5 (more)"),
    ],
)
def test_a_file_may_hold_substitutions(report: Report, tmp_path: Path, text: str, value: Any) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(f"/**:\n  ros__parameters:\n    # a comment\n    x: {text}\n")
    node = driver(parameters=[ParameterFile(str(file), allow_substs=True)])
    settings = {"robot": "left", "which": "robot", "package": "robot"}
    assert start(report, SetParameter("speed", 3), node, **settings) == 0
    expected = value.replace("{prefix}", str(tmp_path)) if isinstance(value, str) else value
    assert report.parameters == {"x": expected}


@pytest.mark.parametrize("text", ["$(nothing x)", "$(var none)", "$(var robot", "$(var)"])
def test_a_file_with_a_wrong_substitution_is_an_error(report: Report, tmp_path: Path, text: str) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(f"/**:\n  ros__parameters: {{x: {text}}}\n")
    assert start(report, driver(parameters=[ParameterFile(str(file), allow_substs=True)])) == 1
    assert not report.path.exists()


def test_text_may_refer_to_substitutions_of_ones_own(report: Report, tmp_path: Path) -> None:
    @expose_substitution("shout")
    class Shout(Substitution):
        def __init__(self, text: list[Substitution]) -> None:
            super().__init__()
            self.text = text

        @classmethod
        def parse(cls, data: list[list[Substitution]]) -> tuple[type[Substitution], dict[str, Any]]:
            return cls, {"text": data[0]}

        def perform(self, context: LaunchContext) -> str:
            return perform_substitutions(context, self.text).upper()

    file = tmp_path / "robot.yaml"
    file.write_text("/**:\n  ros__parameters: {x: $(shout $(var robot))}\n")
    assert start(report, driver(parameters=[ParameterFile(str(file), allow_substs=True)]), robot="left") == 0
    assert report.parameters == {"x": "LEFT"}


def test_a_launch_file_may_hold_containers_that_are_not_started(report: Report) -> None:
    node = ComposableNode(package="p", plugin="p::N", name="n", parameters=[{"a": 1}], remappings=[("a", "b")])
    container = ComposableNodeContainer(
        package="rclcpp_components",
        executable="component_container",
        name="container",
        namespace="",
        composable_node_descriptions=[node],
        condition=IfCondition("false"),
    )
    load = LoadComposableNodes(
        target_container="container", composable_node_descriptions=[node], condition=IfCondition("false")
    )
    assert start(report, container, load, driver()) == 0
    assert len(report.runs) == 1


@pytest.mark.parametrize(
    ("value", "value_type"),
    [(1, float), ("1", list[float]), ([1, 2], list[float]), ([1, "a"], None), (None, None), (True, str)],
)
def test_a_value_of_another_type_than_said_is_refused(value: Any, value_type: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        ParameterValue(value, value_type=value_type).evaluate(LaunchContext())


def test_what_a_group_sets_is_for_its_nodes(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("/**:\n  ros__parameters: {b: 1}\n")
    group = GroupAction(
        [
            PushRosNamespace("left"),
            PushRosNamespace(LaunchConfiguration("robot")),
            SetParameter("a", 2.5),
            SetParametersFromFile(str(file)),
            SetRemap("in", "out"),
            driver(name="n", on_exit=[driver(name="later")]),
        ]
    )
    assert start(report, group, robot="arm") == 0
    first, second = report.runs
    assert pairs(first["arguments"], "-r") == ["__node:=n", "__ns:=/left/arm", "in:=out"]
    assert pairs(first["arguments"], "-p") == ["a:=2.5"]
    assert pairs(first["arguments"], "--params-file") == [str(file)]
    assert pairs(second["arguments"], "-r") == ["__node:=later"]


@pytest.mark.parametrize("name", ["with-dash", "1st", "with space", ""])
def test_an_invalid_name_is_an_error(report: Report, name: str) -> None:
    assert start(report, driver(name=name)) == 1
    assert not report.path.exists()


def test_parameters_that_are_no_list_are_refused() -> None:
    with pytest.raises(TypeError):
        driver(parameters={"a": 1})


def test_a_missing_package_is_an_error(report: Report) -> None:
    assert start(report, Node(package="nowhere", executable="driver")) == 1


def test_a_missing_executable_is_an_error(report: Report) -> None:
    assert start(report, Node(package="robot", executable="nothing")) == 1
