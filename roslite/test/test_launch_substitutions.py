"""Substitutions and conditions."""

import sys

import pytest
from launch import LaunchContext, SomeSubstitutionsType, Substitution
from launch.conditions import (
    IfCondition,
    LaunchConfigurationEquals,
    LaunchConfigurationNotEquals,
    UnlessCondition,
)
from launch.substitutions import (
    AndSubstitution,
    Command,
    EnvironmentVariable,
    FindExecutable,
    LaunchConfiguration,
    NotSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
)


@pytest.fixture
def context() -> LaunchContext:
    context = LaunchContext()
    context.launch_configurations.update({"robot": "wx250s", "sim": "true", "rate": "2.5"})
    return context


def value(context: LaunchContext, substitution: Substitution) -> str:
    return context.perform_substitution(substitution)


def test_text_stays_as_it_is(context: LaunchContext) -> None:
    assert value(context, TextSubstitution(text="$(x)")) == "$(x)"


def test_a_configuration_is_looked_up_by_name(context: LaunchContext) -> None:
    assert value(context, LaunchConfiguration("robot")) == "wx250s"


def test_a_missing_configuration_has_its_default_as_text(context: LaunchContext) -> None:
    assert value(context, LaunchConfiguration("timeout", default=5)) == "5"
    assert value(context, LaunchConfiguration("x", default=["a", LaunchConfiguration("rate")])) == "a2.5"


def test_a_missing_configuration_without_default_fails(context: LaunchContext) -> None:
    with pytest.raises(SubstitutionFailure, match="launch configuration 'nope' does not exist"):
        value(context, LaunchConfiguration("nope"))


def test_paths_join_text_and_substitutions(context: LaunchContext) -> None:
    assert value(context, PathJoinSubstitution(["/share", "config", LaunchConfiguration("robot")])) == (
        "/share/config/wx250s"
    )


def test_an_environment_variable_is_read(context: LaunchContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_VARIABLE", "here")
    assert value(context, EnvironmentVariable("A_VARIABLE")) == "here"


def test_a_missing_environment_variable_has_its_default_or_fails(
    context: LaunchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_VARIABLE", raising=False)
    assert value(context, EnvironmentVariable("A_VARIABLE", default_value="other")) == "other"
    with pytest.raises(SubstitutionFailure, match="environment variable 'A_VARIABLE' does not exist"):
        value(context, EnvironmentVariable("A_VARIABLE"))


def test_a_python_expression_sees_substituted_text(context: LaunchContext) -> None:
    assert value(context, PythonExpression(["'", LaunchConfiguration("robot"), "' == 'wx250s'"])) == "True"
    assert value(context, PythonExpression([LaunchConfiguration("rate"), " * 2"])) == "5.0"


def test_an_executable_is_found_on_the_path(context: LaunchContext) -> None:
    assert value(context, FindExecutable(name="sh")).endswith("/sh")


def test_a_missing_executable_fails(context: LaunchContext) -> None:
    with pytest.raises(SubstitutionFailure, match="not found on the PATH"):
        value(context, FindExecutable(name="no-such-executable"))


def test_a_command_gives_its_output(context: LaunchContext) -> None:
    assert value(context, Command([sys.executable, " -c 'print(1 + 1)'"])) == "2\n"


def test_a_failing_command_fails(context: LaunchContext) -> None:
    with pytest.raises(SubstitutionFailure, match="executed command failed"):
        value(context, Command([sys.executable, " -c 'raise SystemExit(3)'"]))


@pytest.mark.parametrize(("left", "right"), [("true", "true"), ("true", "false"), ("false", "false")])
def test_booleans_combine(context: LaunchContext, left: str, right: str) -> None:
    both, either = left == right == "true", "true" in (left, right)
    assert value(context, AndSubstitution(left, right)) == str(both).lower()
    assert value(context, OrSubstitution(left, right)) == str(either).lower()
    assert value(context, NotSubstitution(left)) == str(left != "true").lower()


@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_conditions_read_true_and_false(context: LaunchContext, text: SomeSubstitutionsType, truth: bool) -> None:
    assert IfCondition(text).evaluate(context) is truth
    assert UnlessCondition(text).evaluate(context) is not truth


def test_a_condition_that_says_neither_is_an_error(context: LaunchContext) -> None:
    with pytest.raises(Exception, match="perhaps"):
        IfCondition("perhaps").evaluate(context)


def test_conditions_compare_configurations(context: LaunchContext) -> None:
    assert LaunchConfigurationEquals("robot", "wx250s").evaluate(context)
    assert not LaunchConfigurationEquals("robot", "px100").evaluate(context)
    assert LaunchConfigurationNotEquals("robot", "px100").evaluate(context)
    assert LaunchConfigurationEquals("not_set", None).evaluate(context)
