"""What roslite's launch does beyond ROS 2's: no process is left behind, whatever ends the launch."""

import signal
import sys
from pathlib import Path

import pytest
from launch.actions import EmitEvent, IncludeLaunchDescription, TimerAction
from launch.events import Shutdown, matches_action
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_helpers import is_running, read_until, run, start_ros2, wait_until
from launch_ros.actions import ComposableNodeContainer, LifecycleNode, LoadComposableNodes
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

LAUNCH_FILE = """
import sys
from launch import LaunchDescription
from launch.actions import ExecuteProcess

CODE = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"


def generate_launch_description():
    return LaunchDescription([ExecuteProcess(cmd=[sys.executable, "-c", CODE], output="screen")])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGKILL])
def test_no_process_outlives_the_launch(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "a.launch.py"
    path.write_text(LAUNCH_FILE)
    process = start_ros2("launch", str(path), ROS_LOG_DIR=str(tmp_path))
    pid = int(read_until(process, "] pid ")[-1].split()[-1])
    process.send_signal(number)
    process.communicate(timeout=60)
    wait_until(lambda: not is_running(pid))
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 1)


@pytest.mark.parametrize(("name", "language"), [("a.launch.xml", "XML"), ("a.launch.yaml", "YAML")])
@pytest.mark.parametrize("option", [(), ("--show-args",)])
def test_a_launch_file_in_another_language_is_refused(
    tmp_path: Path, name: str, language: str, option: tuple[str, ...]
) -> None:
    path = tmp_path / name
    path.write_text("<launch/>")
    process = start_ros2("launch", str(path), *option, ROS_LOG_DIR=str(tmp_path))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"The launch file '{path}' is in {language}: only Python can be read here" in output


def test_a_container_of_nodes_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    container = ComposableNodeContainer(package="p", executable="component_container", name="c", namespace="")
    assert run(container) == 1
    assert "can only be loaded where ROS 2 itself is installed" in capfd.readouterr().out
    assert run(LoadComposableNodes(target_container="c", composable_node_descriptions=[])) == 1


def test_an_error_names_the_line_of_the_launch_file(tmp_path: Path) -> None:
    path = tmp_path / "a.launch.py"
    path.write_text("import launch\n\n\ndef generate_launch_description():\n    return launch.LaunchDescriptoin()\n")
    process = start_ros2("launch", str(path), ROS_LOG_DIR=str(tmp_path))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output.count(f"({path}, line 5)") == 1


def test_an_error_in_an_included_file_names_its_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.launch.py"
    path.write_text("def generate_launch_description():\n    return nothing\n")
    assert run(IncludeLaunchDescription(PythonLaunchDescriptionSource(str(path)))) == 1
    assert f"name 'nothing' is not defined ({path}, line 2)" in capfd.readouterr().out


def test_a_node_that_never_comes_does_not_keep_a_launch_from_ending(
    ros_domain: int, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = LifecycleNode(executable=sys.executable, arguments=["-c", "pass"], name="missing", namespace="")
    exit_code = run(
        missing,
        EmitEvent(
            event=ChangeState(
                lifecycle_node_matcher=matches_action(missing), transition_id=Transition.TRANSITION_CONFIGURE
            )
        ),
        TimerAction(period=1.0, actions=[EmitEvent(event=Shutdown())]),
    )
    assert exit_code == 0
    assert "Abandoning wait for the '/missing/change_state' service" in "".join(capfd.readouterr())
