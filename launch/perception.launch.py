"""Perception alone, on a host with a GPU; everything else runs beside the arm (``widowx.launch.py perception:=false``).

Both hosts need the same checkpoint, the same ROS_DOMAIN_ID, and clocks in step: docs/cameras.md tells how.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

DEFAULT_PARAMS = PathJoinSubstitution([FindPackageShare("arvla_ros"), "config", "params.yaml"])

# Name, default, description, and the type of the parameter of that name. Empty: what params_file says stays.
PARAMETERS = (
    ("checkpoint", "reach", "checkpoint folder, or the name of one that the package ships", str),
    ("device", "cpu", "torch device, e.g. cuda or cuda:1", str),
    ("dtype", "", "of the prefix: float32, float16 or bfloat16; a pretrained backbone computes in it too", str),
    ("instruction", "", "what to do, in words; empty: wait for /instruction", str),
    ("refresh_rate_hz", "", "prefixes a second; 0: as fast as it can", float),
)
OTHERS = (
    ("cameras", "", "image topics separated by commas, in the checkpoint's order; empty: the checkpoint's"),
    ("params_file", DEFAULT_PARAMS, "YAML file with node parameters"),
    ("log_level", "info", "debug, info, warn or error"),
)


def start(context: LaunchContext) -> list[Node]:
    """Return the perception node with the arguments that are not empty as parameters."""

    def given(name: str) -> str:
        return context.perform_substitution(LaunchConfiguration(name))

    parameters: dict[str, object] = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, _, _, kind in PARAMETERS
        if given(name)
    }
    topics = [topic.strip() for topic in given("cameras").split(",") if topic.strip()]
    if topics:
        parameters["camera_topics"] = topics
    return [
        Node(
            package="arvla_ros",
            executable="perception",
            name="perception",
            output="screen",
            parameters=[LaunchConfiguration("params_file"), parameters],
            ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Return the launch description; ``--show-args`` lists the arguments."""
    arguments = [(name, default, description) for name, default, description, _ in PARAMETERS]
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in (*arguments, *OTHERS)
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
