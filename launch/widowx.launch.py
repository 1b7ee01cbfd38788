"""AR-VLA on a WidowX 250 6-DOF, or, with ``sim:=true``, on a simulated one.

On the arm it expects the Interbotix driver and a camera to be running; nothing moves until /guard/enable is called.
In simulation the ``rollout`` node arms the guard itself and carries out one episode after the other.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

DEFAULT_PARAMS = PathJoinSubstitution([FindPackageShare("arvla_ros"), "config", "params.yaml"])

ARGUMENTS = (
    ("sim", "false", "true or false: simulate arm, camera and table instead of driving the real ones"),
    ("robot_name", "wx250s", "namespace of the Interbotix driver"),
    ("checkpoint", "reach", "checkpoint folder, or the name of one that the package ships"),
    ("device", "cpu", "torch device of perception and action expert, e.g. cuda"),
    ("instruction", "", "what to do, in words; empty: wait for /instruction, which simulated episodes publish"),
    ("task", "reach", "simulated task"),
    ("seed", "0", "simulated layout to begin with; each episode takes the next"),
    ("episodes", "0", "simulated episodes to carry out before everything ends; 0: until Ctrl-C"),
    ("use_sim_time", "false", "true or false: all nodes live in simulated time, which sim_widowx publishes on /clock"),
    ("real_time_factor", "1.0", "with use_sim_time: simulated seconds in a real one; 0.0: as many as it can"),
    ("report", "", "folder for the log of the simulated episodes; empty: none"),
    ("params_file", DEFAULT_PARAMS, "YAML file with node parameters"),
    ("log_level", "info", "debug, info, warn or error"),
)


def arvla_node(name: str, **parameters: ParameterValue) -> Node:
    """Return the node ``name`` with the shared parameter file and the ones given here."""
    return Node(
        package="arvla_ros",
        executable=name,
        name=name,
        output="screen",
        parameters=[LaunchConfiguration("params_file"), {"use_sim_time": flag("use_sim_time")}, parameters],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
    )


def text(name: str) -> ParameterValue:
    """Return a launch argument as a string parameter, even where it looks like a number."""
    return ParameterValue(LaunchConfiguration(name), value_type=str)


def number(name: str) -> ParameterValue:
    """Return a launch argument as an integer parameter."""
    return ParameterValue(LaunchConfiguration(name), value_type=int)


def decimal(name: str) -> ParameterValue:
    """Return a launch argument as a float parameter."""
    return ParameterValue(LaunchConfiguration(name), value_type=float)


def flag(name: str) -> ParameterValue:
    """Return a launch argument as a boolean parameter."""
    return ParameterValue(LaunchConfiguration(name), value_type=bool)


def end_together(node: Node, may_finish: bool = False) -> RegisterEventHandler:
    """Bring everything down when ``node`` ends; an error makes ``ros2 launch`` exit with code 1."""

    def on_exit(event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        if context.is_shutdown:
            return None
        if event.returncode == 0 and may_finish:
            return EmitEvent(event=Shutdown(reason=f"{event.process_name} has finished"))
        raise RuntimeError(f"{event.process_name} ended with exit code {event.returncode}")

    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))


def start_nodes(context: LaunchContext) -> list[Node | RegisterEventHandler]:
    """Return the nodes that the launch arguments ask for, each with its end tied to the whole."""
    policy = {"checkpoint": text("checkpoint"), "device": text("device")}
    driver = {"robot_name": text("robot_name")}
    nodes = [
        arvla_node("perception", instruction=text("instruction"), **policy),
        arvla_node("action_expert", **policy, **driver),
        arvla_node("guard", **driver),
    ]
    handlers = [end_together(node) for node in nodes]
    if IfCondition(LaunchConfiguration("sim")).evaluate(context):
        world = arvla_node(
            "sim_widowx",
            task=text("task"),
            seed=number("seed"),
            real_time_factor=decimal("real_time_factor"),
            **driver,
        )
        rollout = arvla_node("rollout", episodes=number("episodes"), report=text("report"))
        nodes += [world, rollout]
        handlers += [end_together(world), end_together(rollout, may_finish=True)]
    return [*handlers, *nodes]


def generate_launch_description() -> LaunchDescription:
    """Return the launch description; ``--show-args`` lists the arguments."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_nodes)])
