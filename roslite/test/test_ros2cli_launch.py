"""`ros2 launch`, `ros2 run` and `ros2 pkg`, as a user types them."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from launch_helpers import ROS2, is_running, read_until, ros2, start_ros2, wait_until

HEAD = """
import sys
from launch import LaunchDescription
from launch.actions import *
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def python(code, **kwargs):
    return ExecuteProcess(cmd=[sys.executable, "-c", code], output="screen", **kwargs)


def generate_launch_description():
    return LaunchDescription([{body}])
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The share folder of a package `robot` with an executable `hello`."""
    marker = tmp_path / "share/ament_index/resource_index/packages/robot"
    marker.parent.mkdir(parents=True)
    marker.touch()
    share = tmp_path / "share/robot"
    (share / "launch").mkdir(parents=True)
    executable = tmp_path / "lib/robot/hello"
    executable.parent.mkdir(parents=True)
    executable.write_text(
        "#!/usr/bin/env python3\nimport sys\nprint('hello', *sys.argv[1:])\nsys.exit(int(sys.argv[1]))\n"
    )
    executable.chmod(0o755)
    prefixes = [str(tmp_path), *filter(None, [os.environ.get("AMENT_PREFIX_PATH")])]
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(prefixes))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    return share


def launch_file(package: Path, body: str, name: str = "robot.launch.py") -> str:
    path = package / "launch" / name
    path.write_text(HEAD.replace("{body}", body))
    return str(path)


def test_a_launch_file_of_a_package_is_run(package: Path) -> None:
    launch_file(package, "python('print(1 + 1)', name='adder')")
    result = ros2("launch", "robot", "robot.launch.py")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    name = next(line.split("]")[0][1:] for line in lines if line.endswith("] 2"))
    assert name.startswith("adder-")
    assert any(line.startswith(f"[INFO] [{name}]: process started with pid [") for line in lines)
    assert any(line.startswith(f"[INFO] [{name}]: process has finished cleanly [pid ") for line in lines)


def test_a_launch_file_is_run_by_its_path_with_arguments(package: Path) -> None:
    path = launch_file(package, "DeclareLaunchArgument('x', default_value='1'), LogInfo(msg=LaunchConfiguration('x'))")
    result = ros2("launch", path, "x:=first", "x:=last")
    assert result.returncode == 0
    assert "[INFO] [launch.user]: last" in result.stdout


def test_a_process_that_dies_is_reported_with_its_command(package: Path) -> None:
    path = launch_file(package, "python('raise SystemExit(3)', name='guard')")
    result = ros2("launch", path)
    assert result.returncode == 0
    assert "process has died [pid " in result.stdout
    assert "exit code 3, cmd '" in result.stdout
    assert " -c raise SystemExit(3)']." in result.stdout


def test_output_of_a_process_goes_to_the_log_unless_it_is_for_the_screen(package: Path, tmp_path: Path) -> None:
    code = "'import sys; print(1 + 1); print(2 + 2, file=sys.stderr)'"
    path = launch_file(package, f"ExecuteProcess(cmd=[sys.executable, '-c', {code}], name='quiet')")
    result = ros2("launch", path)
    assert "] 2\n" not in result.stdout
    assert "] 4\n" in result.stdout
    (log,) = (tmp_path / "log").rglob("launch.log")
    assert "] 2\n" in log.read_text()


def test_arguments_are_shown(package: Path) -> None:
    launch_file(
        package,
        "DeclareLaunchArgument('robot'), "
        "DeclareLaunchArgument('sim', default_value='false', description='No hardware', choices=['true', 'false'])",
    )
    result = ros2("launch", "robot", "robot.launch.py", "--show-args")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "Arguments (pass arguments as '<name>:=<value>'):",
        "",
        "    'robot':",
        "        no description given",
        "",
        "    'sim':",
        "        No hardware. Valid choices are: ['true', 'false']",
        "        (default: 'false')",
    ]


@pytest.mark.parametrize(
    ("body", "arguments", "message"),
    [
        ("DeclareLaunchArgument('robot')", (), "robot"),
        ("DeclareLaunchArgument('m', choices=['a', 'b'])", ("m:=c",), "Valid options are: ['a', 'b']"),
        ("Nod(executable='x')", (), "name 'Nod' is not defined"),
        ("Node(package='nowhere', executable='x')", (), "nowhere"),
        ("Node(package='robot', executable='x')", (), "executable 'x' not found on the libexec directory"),
        ("LogInfo(msg=LaunchConfiguration('typo'))", (), "launch configuration 'typo' does not exist"),
    ],
)
def test_an_error_in_a_launch_file_is_logged_and_exit_code_1(
    package: Path, body: str, arguments: tuple[str, ...], message: str
) -> None:
    result = ros2("launch", launch_file(package, body), *arguments)
    assert result.returncode == 1
    _, *errors = result.stdout.split("[ERROR] [launch]: ")
    (error,) = errors
    assert error.startswith("Caught exception in launch (see debug for traceback): ")
    assert message in error


def test_an_error_brings_down_what_was_started_before(package: Path) -> None:
    body = "python('import time; time.sleep(60)', name='early'), Node(package='robot', executable='x')"
    result = ros2("launch", launch_file(package, body))
    assert result.returncode == 1
    assert "sending signal 'SIGINT' to process[early-1]" in result.stdout or "process started" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "robot.launch.py"), "Package 'nowhere' not found"),
        (("robot", "none.launch.py"), "file 'none.launch.py' was not found in the share directory of package 'robot'"),
        (("robot", "robot.launch.py", "x=1"), "malformed launch argument 'x=1'"),
    ],
)
def test_what_cannot_be_launched_is_said(package: Path, arguments: tuple[str, ...], message: str) -> None:
    launch_file(package, "")
    result = ros2("launch", *arguments)
    assert result.returncode == 1
    assert message in result.stderr


PATIENT = """python('''
import os, time
try:
    print("pid", os.getpid(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("bye", flush=True)
''', name='patient')"""
STUBBORN = """python('''
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
time.sleep(60)
''', name='stubborn', sigterm_timeout='0.2', sigkill_timeout='0.2')"""


def test_ctrl_c_brings_everything_down(package: Path) -> None:
    process = start_ros2("launch", "--noninteractive", launch_file(package, f"{PATIENT}, {STUBBORN}"))
    pids = [int(read_until(process, "] pid ")[-1].split()[-1]) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert not any(is_running(pid) for pid in pids)
    assert "[WARNING] [launch]: user interrupted with ctrl-c (SIGINT)" in output
    assert "] bye" in output
    assert "sending signal 'SIGINT' to process[patient-" in output
    assert "failed to terminate '0.2' seconds after receiving 'SIGINT', escalating to 'SIGTERM'" in output
    assert "failed to terminate '0.4' seconds after receiving 'SIGTERM', escalating to 'SIGKILL'" in output
    assert "exit code -9" in output


def test_ctrl_c_on_a_terminal_reaches_each_process_once(package: Path) -> None:
    ours, theirs = pty.openpty()
    path = launch_file(package, PATIENT)
    process = subprocess.Popen(
        [ROS2, "launch", path],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
    )
    os.close(theirs)
    read_until(process, "] pid ")
    os.write(ours, b"\x03")
    output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert "user interrupted with ctrl-c (SIGINT)" in output
    assert output.count("] bye") == 1
    assert "sending signal" not in output


def test_a_launch_file_is_shown_as_a_tree(package: Path) -> None:
    result = ros2("launch", launch_file(package, "LogInfo(msg='hello')"), "--print")
    assert result.returncode == 0
    assert "── LogInfo('hello')" in result.stdout
    assert "[INFO]" not in result.stdout


def test_a_prefix_goes_before_the_executables_that_it_is_for(package: Path) -> None:
    path = launch_file(
        package,
        "ExecuteProcess(cmd=['/bin/echo', 'one'], output='screen'), "
        "ExecuteProcess(cmd=['/usr/bin/env', 'echo', 'two'], output='screen')",
    )
    prefix = f"--launch-prefix={sys.executable} -c 'import sys; print(sys.argv[1:])'"
    result = ros2("launch", path, prefix, "--launch-prefix-filter=ech")
    assert "] ['/bin/echo', 'one']" in result.stdout
    assert "] two" in result.stdout
    assert ros2("launch", path, "--launch-prefix-filter=ech").returncode == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def generate_launch_description(:\n", "robot.launch.py, line 1)"),
        ("x = 1\n", "does not contain the required function 'generate_launch_description()'"),
        ("import nowhere\n", "No module named 'nowhere'"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--show-args",), ("--print",)])
def test_a_file_that_is_no_launch_file_is_an_error(
    package: Path, text: str, message: str, option: tuple[str, ...]
) -> None:
    path = package / "launch/robot.launch.py"
    path.write_text(text)
    result = ros2("launch", str(path), *option)
    assert result.returncode == 1
    assert message in result.stdout + result.stderr


def test_two_launch_files_of_one_name_are_an_error(package: Path) -> None:
    launch_file(package, "")
    (package / "other").mkdir()
    (package / "other/robot.launch.py").write_text("")
    result = ros2("launch", "robot", "robot.launch.py")
    assert result.returncode == 1
    assert "file 'robot.launch.py' was found more than once in the share directory of package 'robot'" in result.stderr


def test_run_becomes_the_executable(package: Path) -> None:
    result = ros2("run", "robot", "hello", "3", "--ros-args", "-r", "a:=b")
    assert result.returncode == 3
    assert result.stdout.splitlines()[0] == "hello 3 --ros-args -r a:=b"


def test_run_uses_the_python_of_ros2_itself(package: Path) -> None:
    executable = package.parents[1] / "lib/robot/which"
    executable.write_text("#!/usr/bin/env python3\nimport sys\nprint(sys.prefix)\n")
    executable.chmod(0o755)
    assert ros2("run", "robot", "which").stdout.strip() == sys.prefix


def test_run_says_what_is_missing(package: Path) -> None:
    missing = ros2("run", "robot", "nothing")
    assert missing.returncode == 1
    assert "No executable found" in missing.stderr
    nowhere = ros2("run", "nowhere", "nothing")
    assert nowhere.returncode == 1
    assert "Package 'nowhere' not found" in nowhere.stderr


def test_packages_are_listed(package: Path) -> None:
    assert "robot" in ros2("pkg", "list").stdout.split()
    assert ros2("pkg", "prefix", "robot").stdout.strip() == str(package.parents[1])
    assert ros2("pkg", "executables", "robot").stdout.splitlines() == ["robot hello"]
    assert ros2("pkg", "prefix", "nowhere").returncode == 1


def test_without_a_command_there_is_help() -> None:
    result = ros2()
    assert result.returncode == 0
    assert "ros2 is an extensible command-line tool for ROS 2" in result.stdout
    for command in ("launch", "run", "topic", "node", "param", "service", "interface", "pkg"):
        assert f"\n  {command} " in result.stdout


def test_an_unknown_command_is_an_error() -> None:
    result = ros2("lunch")
    assert result.returncode == 2
    assert "lunch" in result.stderr


def test_children_end_when_their_file_is_gone(package: Path) -> None:
    """Nothing of a launch lasts beyond it, even when its output is read by nobody."""
    process = start_ros2("launch", "--noninteractive", launch_file(package, PATIENT))
    pid = int(read_until(process, "] pid ")[-1].split()[-1])
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    wait_until(lambda: not is_running(pid))
