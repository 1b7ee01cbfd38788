"""Recording demonstrations on the arm, or, with ``sim:=true``, of the scripted expert in an operator's place.

Everything of ``widowx.launch.py`` but the policy, and the recorder. By hand: `ros2 service call /recorder/begin
std_srvs/srv/Trigger`, and keep, discard or rerecord. In simulation the ``rollout`` node begins, keeps and discards.
"""

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare("arvla_ros")
TRUE = ("true", "1")

# Name, default, description. Those with a star go on to widowx.launch.py.
ARGUMENTS = (
    ("sim*", "false", "record the simulated arm"),
    ("task*", "stack3", "what is demonstrated; in simulation the task"),
    ("instruction", "", "in words, as the policy will be told; in simulation the task tells"),
    ("operator", "", "who demonstrates"),
    ("directory", "episodes", "folder of the episodes"),
    ("episodes", "0", "in simulation, episodes to record before everything ends; 0: until Ctrl-C"),
    ("teleop*", "", "gamepad or leader; keys want a terminal of their own: `ros2 run arvla_ros teleop`"),
    ("use_driver*", "false", "start the Interbotix driver too"),
    ("cameras*", "", "image topics separated by commas; empty: those of config/wx250s.yaml"),
    ("robot_name*", "wx250s", "namespace of the Interbotix driver"),
    ("seed*", "0", "simulated layout to begin with; each episode takes the next"),
    ("real_time_factor*", "1.0", "simulated seconds a second"),
    ("params_file*", PathJoinSubstitution([SHARE, "config", "params.yaml"]), "YAML file with node parameters"),
    ("log_level*", "info", "debug, info, warn or error"),
)


def start(context: LaunchContext) -> list[Action]:
    """Return what the launch arguments ask for."""
    value = {name.rstrip("*"): LaunchConfiguration(name.rstrip("*")).perform(context) for name, _, _ in ARGUMENTS}
    simulated = value["sim"].lower() in TRUE
    passed_on = {name.rstrip("*"): value[name.rstrip("*")] for name, _, _ in ARGUMENTS if name.endswith("*")}
    stack = IncludeLaunchDescription(
        PythonLaunchDescriptionSource([PathJoinSubstitution([SHARE, "launch", "widowx.launch.py"])]),
        launch_arguments={**passed_on, "policy": "false", "scripted_operator": str(simulated).lower()}.items(),
    )
    told = {name: value[name] for name in ("robot_name", "task", "instruction", "operator", "directory")}
    recorder = node("recorder", {name: text for name, text in told.items() if text}, value)
    if not simulated:
        # On the arm nothing else ends with it: the guard holds the arm, and the driver would let it fall.
        return [stack, recorder]
    count = ParameterValue(LaunchConfiguration("episodes"), value_type=int)
    rollout = node("rollout", {"record": True, "episodes": count}, value)
    return [end_with(recorder), end_with(rollout), stack, recorder, rollout]


def node(name: str, parameters: dict[str, object], value: dict[str, str]) -> Node:
    """Return the node ``name`` with the shared parameter file and the parameters given here."""
    texts = {
        key: ParameterValue(each, value_type=str) if isinstance(each, str) else each for key, each in parameters.items()
    }
    if value["sim"].lower() in TRUE and float(value["real_time_factor"]) != 1.0:
        texts["use_sim_time"] = True
    return Node(
        package="arvla_ros",
        executable=name,
        name=name,
        output="screen",
        parameters=[value["params_file"], texts],
        ros_arguments=["--log-level", value["log_level"]],
    )


def end_with(started: Node) -> RegisterEventHandler:
    """End everything once ``started`` has ended; with an error, ``ros2 launch`` exits with code 1."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        if context.is_shutdown:
            return None
        if event.returncode == 0:
            return EmitEvent(event=Shutdown(reason=f"{event.process_name} has finished"))
        raise RuntimeError(f"{event.process_name} ended with exit code {event.returncode}")

    return RegisterEventHandler(OnProcessExit(target_action=started, on_exit=on_exit))


def generate_launch_description() -> LaunchDescription:
    """Return the launch description; ``--show-args`` lists the arguments."""
    declared = [
        DeclareLaunchArgument(name.rstrip("*"), default_value=default, description=description)
        for name, default, description in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
