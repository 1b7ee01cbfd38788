"""Teleoperation by gamepad or leader arm, beside a running ``widowx.launch.py``.

What needs keys (keyboard, SpaceMouse) needs a terminal of its own: ``ros2 run arvla_ros teleop``.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = (
    ("device", "gamepad", "what the operator drives with: gamepad or leader (keys: `ros2 run arvla_ros teleop`)"),
    ("joy_preset", "game_controller", "what /joy means: game_controller, xbox or ps4"),
    ("joy_driver", "true", "true or false: start the driver of the gamepad too (package joy)"),
    ("robot_name", "wx250s", "namespace of the Interbotix driver"),
    ("leader_name", "leader", "namespace of the leader arm's driver"),
    (
        "params_file",
        PathJoinSubstitution([FindPackageShare("arvla_ros"), "config", "params.yaml"]),
        "YAML file with node parameters",
    ),
)
DRIVERS = {"game_controller": "game_controller_node", "xbox": "joy_node", "ps4": "joy_node"}
"""Executables of the package joy, by preset."""


def start_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the teleop node, and the gamepad's driver if it is asked for."""
    text = {
        name: ParameterValue(LaunchConfiguration(name), value_type=str)
        for name in ("device", "joy_preset", "robot_name", "leader_name")
    }
    teleop = Node(
        package="arvla_ros",
        executable="teleop",
        name="teleop",
        output="screen",
        parameters=[LaunchConfiguration("params_file"), text],
    )
    driver = DRIVERS.get(LaunchConfiguration("joy_preset").perform(context))
    started = []
    if driver and LaunchConfiguration("joy_driver").perform(context).lower() in ("true", "1"):
        started.append(Node(package="joy", executable=driver, name="joy", output="screen"))

    def on_exit(event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        if context.is_shutdown:
            return None
        if event.returncode == 0:
            return EmitEvent(event=Shutdown(reason=f"{event.process_name} has finished"))
        raise RuntimeError(f"{event.process_name} ended with exit code {event.returncode}")

    return [RegisterEventHandler(OnProcessExit(target_action=teleop, on_exit=on_exit)), *started, teleop]


def generate_launch_description() -> LaunchDescription:
    """Return the launch description; ``--show-args`` lists the arguments."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_nodes)])
