"""AR-VLA on a WidowX 250 6-DOF, or, with ``sim:=true``, on a simulated one.

On the arm it expects the Interbotix driver (or starts it, ``use_driver:=true``) and a camera; nothing moves until
/guard/enable is called. In simulation the ``rollout`` node arms the guard itself and carries out one episode after the
other. What happens when a node ends differs: in simulation all end; on the arm the others stay, above all the guard
that holds the arm and the driver that would let it fall.
"""

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
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

CONFIG = PathJoinSubstitution([FindPackageShare("arvla_ros"), "config"])
TRUE, FALSE = ("true", "1"), ("false", "0")

# Name, default, description, and the choices if there are only some. Empty: what params_file says stays.
ARGUMENTS = (
    ("sim", "false", "simulate arm, camera and table instead of driving the real ones", TRUE + FALSE),
    ("robot_name", "wx250s", "namespace of the Interbotix driver", None),
    ("use_driver", "false", "start the Interbotix driver too, with config/modes.yaml", TRUE + FALSE),
    ("checkpoint", "reach", "checkpoint folder, or the name of one that the package ships", None),
    ("device", "cpu", "torch device of perception and action expert, e.g. cuda", None),
    ("policy", "true", "false: neither perception nor action expert, for teleoperation and replay", TRUE + FALSE),
    ("perception", "true", "false: perception runs on another host (perception.launch.py)", TRUE + FALSE),
    ("cameras", "", "image topics separated by commas, in the checkpoint's order; empty: the checkpoint's", None),
    ("instruction", "", "what to do, in words; empty: wait for /instruction, which simulated episodes publish", None),
    ("command_mode", "", "joint or ee; empty: what the checkpoint's actions need", ("", "joint", "ee")),
    ("dry_run", "false", "compute and publish everything, send nothing to the arm", TRUE + FALSE),
    ("shadow", "false", "the policy runs beside a teleoperator, who alone moves the arm", TRUE + FALSE),
    ("deadman", "false", "the policy moves the arm only while the teleop node's deadman is held", TRUE + FALSE),
    ("teleop", "", "gamepad (needs the package joy) or leader: start teleop with that device; keys want a terminal of "
     "their own: `ros2 run arvla_ros teleop`", ("", "gamepad", "leader")),
    ("record", "", "folder to be made, of a bag of everything but the prefixes; empty: none", None),
    ("task", "reach", "simulated task", None),
    ("seed", "0", "simulated layout to begin with; each episode takes the next", None),
    ("rollout", "true", "in simulation, carry out episodes; false: you enable the guard, or teleoperate", TRUE + FALSE),
    ("scripted_operator", "false", "in simulation, the task's scripted expert drives, as teleop", TRUE + FALSE),
    ("episodes", "0", "simulated episodes to carry out before everything ends; 0: until Ctrl-C", None),
    ("real_time_factor", "1.0", "simulated seconds a second; other than 1: the simulator's /clock drives all", None),
    ("report", "", "folder for the log of the simulated episodes; empty: none", None),
    ("params_file", PathJoinSubstitution([CONFIG, "params.yaml"]), "YAML file with node parameters", None),
    ("log_level", "info", "debug, info, warn or error", ("debug", "info", "warn", "error")),
)  # fmt: skip

RECORDED = (
    "/arm/command", "/action_expert/step", "/guard/state", "/instruction", "/estop", "/deadman", "/diagnostics",
    "/parameter_events", "/rosout", "/sim_widowx/task",
)  # fmt: skip


class Arguments:
    """The launch arguments, as plain values or as the parameters that they become."""

    def __init__(self, context: LaunchContext) -> None:
        self._context = context

    def __getitem__(self, name: str) -> str:
        return self._context.perform_substitution(LaunchConfiguration(name))

    def on(self, name: str) -> bool:
        return self[name] in TRUE

    def parameters(self, **kinds: type) -> dict[str, ParameterValue]:
        """Return the arguments that are not empty as parameters of these types, also where a string looks a number."""
        given = {name: kind for name, kind in kinds.items() if self[name]}
        return {name: ParameterValue(LaunchConfiguration(name), value_type=kind) for name, kind in given.items()}


def arvla_node(name: str, arguments: Arguments, parameters: dict[str, object]) -> Node:
    """Return the node ``name`` with the shared parameter file and the parameters given here."""
    if arguments.on("sim") and float(arguments["real_time_factor"]) != 1.0:
        parameters = {**parameters, "use_sim_time": True}
    return Node(
        package="arvla_ros",
        executable=name,
        name=name,
        output="screen",
        parameters=[LaunchConfiguration("params_file"), parameters],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
    )


def nodes(arguments: Arguments) -> dict[str, Node]:
    """Return the nodes that the launch arguments ask for, by name."""
    driver = arguments.parameters(robot_name=str)
    policy = arguments.parameters(checkpoint=str, device=str)
    parameters: dict[str, dict[str, object]] = {
        "guard": {**driver, **arguments.parameters(dry_run=bool)},
    }
    if arguments.on("policy"):
        parameters["guard"] |= arguments.parameters(checkpoint=str)
        parameters["action_expert"] = {**policy, **driver, **arguments.parameters(command_mode=str)}
    if arguments.on("shadow"):
        parameters["guard"]["sources"] = ["teleop"]
    if arguments.on("deadman"):
        parameters["guard"]["deadman_required"] = True
    if arguments.on("policy") and arguments.on("perception"):
        cameras = [topic.strip() for topic in arguments["cameras"].split(",") if topic.strip()]
        parameters["perception"] = {
            **policy,
            **arguments.parameters(instruction=str),
            **({"camera_topics": cameras} if cameras else {}),
        }
        if arguments.on("sim"):
            # A scene at rest is rendered the same to the bit; a real camera that repeats itself is frozen.
            parameters["perception"]["frozen_after_s"] = 0.0
    if arguments["teleop"]:
        parameters["teleop"] = {**driver, "device": arguments["teleop"]}
    if arguments.on("sim"):
        parameters["sim_widowx"] = {
            **driver,
            **arguments.parameters(task=str, seed=int, real_time_factor=float, scripted_operator=bool),
        }
        if arguments.on("rollout") and arguments.on("policy"):
            parameters["rollout"] = dict(arguments.parameters(episodes=int, report=str))
    return {name: arvla_node(name, arguments, each) for name, each in parameters.items()}


def end_together(node: Node, may_finish: bool) -> RegisterEventHandler:
    """Bring everything down when ``node`` ends; an error makes ``ros2 launch`` exit with code 1."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        if context.is_shutdown:
            return None
        if event.returncode == 0 and may_finish:
            return EmitEvent(event=Shutdown(reason=f"{event.process_name} has finished"))
        raise RuntimeError(f"{event.process_name} ended with exit code {event.returncode}")

    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))


def stay_up(node: Node) -> RegisterEventHandler:
    """Say that ``node`` has ended, and leave guard and driver with the arm."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> LogInfo | None:
        if context.is_shutdown:
            return None
        return LogInfo(
            msg=f"{event.process_name} ended with exit code {event.returncode}; the other nodes stay: see the lines "
            "above, `ros2 topic echo /guard/state`, and end with Ctrl-C once the arm is at rest (/guard/sleep)"
        )

    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))


def recorder(arguments: Arguments) -> ExecuteProcess:
    """Return ``ros2 bag record`` of what the stack does and sees."""
    robot = arguments["robot_name"]
    cameras = [topic.strip() for topic in arguments["cameras"].split(",") if topic.strip()] or ["/camera/image_raw"]
    driver = [f"/{robot}/joint_states", f"/{robot}/commands/joint_group", f"/{robot}/commands/joint_single"]
    topics = [*driver, *cameras, *RECORDED]
    return ExecuteProcess(
        cmd=["ros2", "bag", "record", "-s", "mcap", "-o", arguments["record"], *topics], output="screen"
    )


def driver(arguments: Arguments) -> IncludeLaunchDescription:
    """Return the Interbotix driver with our operating modes: its own lag behind a stream of commands."""
    try:
        share = Path(get_package_share_directory("interbotix_xsarm_control"))
    except PackageNotFoundError as error:
        raise RuntimeError(
            "use_driver:=true: there is no package interbotix_xsarm_control; install the Interbotix packages and "
            "source their workspace, or leave it out and start the driver yourself"
        ) from error
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(share / "launch" / "xsarm_control.launch.py")),
        launch_arguments={
            "robot_model": "wx250s",
            "robot_name": arguments["robot_name"],
            "use_rviz": "false",
            "mode_configs": PathJoinSubstitution([CONFIG, "modes.yaml"]),
        }.items(),
    )


def start(context: LaunchContext) -> list[Action]:
    """Return what the launch arguments ask for."""
    arguments = Arguments(context)
    simulated = arguments.on("sim")
    if simulated and arguments.on("use_driver"):
        raise RuntimeError("sim:=true and use_driver:=true: it is either the simulated arm or the real one")
    started = nodes(arguments)
    handlers = [end_together(node, name == "rollout") if simulated else stay_up(node) for name, node in started.items()]
    actions: list[Action] = [*handlers, *started.values()]
    if arguments.on("use_driver"):
        actions.insert(0, driver(arguments))
    if arguments["teleop"] == "gamepad":
        actions.append(Node(package="joy", executable="game_controller_node", name="joy", output="screen"))
    if arguments["record"]:
        actions.append(recorder(arguments))
    return actions


def generate_launch_description() -> LaunchDescription:
    """Return the launch description; ``--show-args`` lists the arguments."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)
        for name, default, description, choices in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
