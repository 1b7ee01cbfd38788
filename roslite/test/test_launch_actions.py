"""Actions: arguments, includes, groups, environment, timers."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from launch import LaunchContext, LaunchDescription, LaunchIntrospector
from launch.actions import (
    AppendEnvironmentVariable,
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    TimerAction,
    UnsetEnvironmentVariable,
    UnsetLaunchConfiguration,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_helpers import python, run, write

Look = Callable[..., OpaqueFunction]


@pytest.fixture
def seen() -> list[str | None]:
    return []


@pytest.fixture
def look(seen: list[str | None]) -> Look:
    """An action that notes the value of a configuration (None if not set) when it is visited."""

    def note(context: LaunchContext, name: str) -> None:
        seen.append(context.launch_configurations.get(name))

    return lambda name, **kwargs: OpaqueFunction(function=note, args=[name], **kwargs)


def test_an_argument_that_is_not_given_has_its_default(look: Look, seen: list[str | None]) -> None:
    assert run(DeclareLaunchArgument("sim", default_value="false"), look("sim")) == 0
    assert seen == ["false"]


def test_an_argument_that_is_given_has_its_value(look: Look, seen: list[str | None]) -> None:
    assert run(DeclareLaunchArgument("sim", default_value="false"), look("sim"), sim="true") == 0
    assert seen == ["true"]


def test_a_default_may_come_from_another_argument(look: Look, seen: list[str | None]) -> None:
    run(
        DeclareLaunchArgument("robot", default_value="wx250s"),
        DeclareLaunchArgument("file", default_value=[LaunchConfiguration("robot"), ".yaml"]),
        look("file"),
    )
    assert seen == ["wx250s.yaml"]


def test_a_required_argument_that_is_missing_is_an_error(look: Look, seen: list[str | None]) -> None:
    assert run(DeclareLaunchArgument("robot"), look("robot")) == 1
    assert seen == []


def test_a_value_that_is_no_choice_is_an_error() -> None:
    mode = DeclareLaunchArgument("mode", default_value="joint", choices=["joint", "ee"])
    assert run(mode, mode="torque") == 1


def test_a_default_that_is_no_choice_is_refused_at_once() -> None:
    with pytest.raises(RuntimeError, match="not in provided choices"):
        DeclareLaunchArgument("mode", default_value="torque", choices=["joint", "ee"])


def test_actions_follow_their_conditions(look: Look, seen: list[str | None]) -> None:
    run(
        look("sim", condition=IfCondition(LaunchConfiguration("sim"))),
        look("real", condition=UnlessCondition(LaunchConfiguration("sim"))),
        sim="true",
        real="no",
    )
    assert seen == ["true"]


def test_a_configuration_can_be_unset(look: Look, seen: list[str | None]) -> None:
    run(SetLaunchConfiguration("a", "1"), UnsetLaunchConfiguration("a"), look("a"))
    assert seen == [None]


def test_what_a_scoped_group_sets_ends_with_it(look: Look, seen: list[str | None]) -> None:
    run(GroupAction([SetLaunchConfiguration("a", "inside"), look("a")]), look("a"), a="outside")
    assert seen == ["inside", "outside"]


def test_what_a_group_without_scope_sets_stays(look: Look, seen: list[str | None]) -> None:
    run(GroupAction([SetLaunchConfiguration("a", "inside")], scoped=False), look("a"), a="outside")
    assert seen == ["inside"]


def test_a_group_that_does_not_forward_sees_only_its_own_configurations(look: Look, seen: list[str | None]) -> None:
    group = GroupAction([look("a"), look("b")], forwarding=False, launch_configurations={"a": "1"})
    run(group, a="outside", b="outside")
    assert seen == ["1", None]


def test_environment_changes_in_a_group_reach_its_processes_only(tmp_path: Path) -> None:
    before = dict(os.environ)
    code = "import os, pathlib; pathlib.Path(os.environ['FILE']).write_text(os.environ.get('A_VARIABLE', 'unset'))"
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    run(
        GroupAction(
            [
                SetEnvironmentVariable("A_VARIABLE", "1"),
                AppendEnvironmentVariable("A_VARIABLE", "2"),
                ExecuteProcess(cmd=python(code), additional_env={"FILE": str(inside)}),
            ]
        ),
        UnsetEnvironmentVariable("A_VARIABLE"),
        ExecuteProcess(cmd=python(code), additional_env={"FILE": str(outside)}),
    )
    assert inside.read_text() == f"1{os.pathsep}2"
    assert outside.read_text() == "unset"
    assert dict(os.environ) == before


def test_an_opaque_function_may_return_actions(tmp_path: Path) -> None:
    def nodes(context: LaunchContext, folder: Path) -> list[ExecuteProcess]:
        return [ExecuteProcess(cmd=write(folder / name)) for name in context.launch_configurations["names"].split()]

    assert run(OpaqueFunction(function=nodes, args=[tmp_path]), names="a b") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_exception_in_an_opaque_function_fails_the_launch() -> None:
    def broken(context: LaunchContext) -> None:
        raise KeyError("checkpoint")

    assert run(OpaqueFunction(function=broken)) == 1


def test_a_description_is_shown_as_a_tree() -> None:
    text = LaunchIntrospector().format_launch_description(
        LaunchDescription([LogInfo(msg=["a", LaunchConfiguration("b")]), ExecuteProcess(cmd=["ls", "-l"], cwd="/")])
    )
    first, second, third = text.splitlines()
    assert "LaunchDescription" in first
    assert second == "├── LogInfo('a' + LaunchConfig('b'))"
    assert third == "└── ExecuteProcess(cmd=['ls', '-l'], cwd=''/'', env=None, shell=False)"


@pytest.mark.parametrize(
    "name",
    [
        "launch.actions.emit_event.EmitEvent",
        "launch.actions.opaque_function.OpaqueFunction",
        "launch.conditions.if_condition.IfCondition",
        "launch.event_handlers.on_process_exit.OnProcessExit",
        "launch.event_handlers.on_shutdown.OnShutdown",
        "launch.events.shutdown.Shutdown",
        "launch.events.process.process_exited.ProcessExited",
        "launch.launch_description_sources.python_launch_description_source.PythonLaunchDescriptionSource",
        "launch.substitutions.text_substitution.TextSubstitution",
        "launch.substitutions.path_join_substitution.PathJoinSubstitution",
        "launch.substitutions.substitution_failure.SubstitutionFailure",
        "launch_ros.actions.push_ros_namespace.PushRosNamespace",
        "launch_ros.actions.set_parameter.SetParameter",
        "launch_ros.substitutions.find_package.FindPackageShare",
    ],
)
def test_a_class_is_found_in_its_own_module(name: str) -> None:
    module, _, class_name = name.rpartition(".")
    package = importlib.import_module(module.rpartition(".")[0])
    assert getattr(importlib.import_module(module), class_name) is getattr(package, class_name)


def test_a_timer_visits_its_actions_later(look: Look, seen: list[str | None]) -> None:
    run(TimerAction(period=0.05, actions=[look("a")]), SetLaunchConfiguration("a", "2"), look("a"), a="1")
    assert seen == ["2", "2"]


def launch_file(path: Path, body: str) -> PythonLaunchDescriptionSource:
    path.write_text(
        "from launch import LaunchDescription\n"
        "from launch.actions import *\n"
        "from launch.substitutions import *\n"
        f"def generate_launch_description():\n    return LaunchDescription([{body}])\n"
    )
    return PythonLaunchDescriptionSource(str(path))


def test_an_included_file_gets_its_arguments(tmp_path: Path, look: Look, seen: list[str | None]) -> None:
    source = launch_file(
        tmp_path / "inner.launch.py",
        "DeclareLaunchArgument('x'), SetLaunchConfiguration('out', ['got ', LaunchConfiguration('x')])",
    )
    outer = IncludeLaunchDescription(source, launch_arguments={"x": LaunchConfiguration("y")}.items())
    assert run(outer, look("out"), y="7") == 0
    assert seen == ["got 7"]


def test_an_included_file_without_its_required_argument_is_an_error(tmp_path: Path) -> None:
    source = launch_file(tmp_path / "inner.launch.py", "DeclareLaunchArgument('x')")
    assert run(IncludeLaunchDescription(source)) == 1


def test_a_launch_file_knows_its_folder(tmp_path: Path, look: Look, seen: list[str | None]) -> None:
    source = launch_file(tmp_path / "inner.launch.py", "SetLaunchConfiguration('dir', ThisLaunchFileDir())")
    run(IncludeLaunchDescription(source), look("dir"))
    assert seen == [str(tmp_path)]


def test_a_launch_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    assert run(IncludeLaunchDescription(PythonLaunchDescriptionSource(str(tmp_path / "none.launch.py")))) == 1


def test_an_include_under_a_condition_that_does_not_hold_may_be_broken(tmp_path: Path) -> None:
    path = PathJoinSubstitution([ThisLaunchFileDir(), "none.launch.py"])
    assert run(IncludeLaunchDescription(PythonLaunchDescriptionSource(path), condition=IfCondition("false"))) == 0


def test_arguments_are_listed_with_those_of_included_files(tmp_path: Path) -> None:
    source = launch_file(tmp_path / "inner.launch.py", "DeclareLaunchArgument('inner', default_value='1')")
    description = LaunchDescription([DeclareLaunchArgument("outer"), IncludeLaunchDescription(source)])
    assert [argument.name for argument in description.get_launch_arguments()] == ["outer", "inner"]
