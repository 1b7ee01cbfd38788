"""launch_ros: managed nodes, taken through their states by a launch."""

import sys
from pathlib import Path

import launch
import launch_ros
import pytest
from launch.actions import EmitEvent, RegisterEventHandler
from launch.events import Shutdown, matches_action
from launch_helpers import run
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.events.matchers import matches_node_name
from lifecycle_msgs.msg import Transition

NODE = """#!{python}
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn


class Camera(LifecycleNode):
    def on_cleanup(self, state):
        return TransitionCallbackReturn.FAILURE


rclpy.init()
try:
    rclpy.spin(Camera("camera"))
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


@pytest.fixture
def camera(ros_domain: int, tmp_path: Path) -> LifecycleNode:
    """A managed node `/robot/camera` that cannot be cleaned up."""
    executable = tmp_path / "camera.py"
    executable.write_text(NODE.format(python=sys.executable))
    executable.chmod(0o755)
    return LifecycleNode(executable=str(executable), name="camera", namespace="robot", output="screen")


def change(node: LifecycleNode, transition: int) -> EmitEvent:
    """Ask a node for a transition."""
    return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition))


def test_a_node_is_taken_from_state_to_state(camera: LifecycleNode) -> None:
    reached: list[str] = []

    def note(state: str) -> launch.actions.OpaqueFunction:
        return launch.actions.OpaqueFunction(function=lambda _: reached.append(state))

    exit_code = run(
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=camera,
                goal_state="inactive",
                entities=[note("inactive"), change(camera, Transition.TRANSITION_ACTIVATE)],
            )
        ),
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=camera,
                start_state="activating",
                goal_state="active",
                entities=[note("active"), EmitEvent(event=Shutdown())],
            )
        ),
        camera,
        change(camera, Transition.TRANSITION_CONFIGURE),
    )
    assert exit_code == 0
    assert reached == ["inactive", "active"]


def test_a_transition_that_fails_is_logged(camera: LifecycleNode) -> None:
    exit_code = run(
        RegisterEventHandler(
            OnStateTransition(
                start_state="configuring", entities=[change(camera, Transition.TRANSITION_CLEANUP)], handle_once=True
            )
        ),
        RegisterEventHandler(
            OnStateTransition(
                start_state="cleaningup", entities=[change(camera, Transition.TRANSITION_INACTIVE_SHUTDOWN)]
            )
        ),
        RegisterEventHandler(OnStateTransition(goal_state="finalized", entities=[EmitEvent(event=Shutdown())])),
        camera,
        change(camera, Transition.TRANSITION_CONFIGURE),
    )
    assert exit_code == 0
    log = (Path(launch.logging.launch_config.log_dir) / "launch.log").read_text()
    assert "Failed to make transition 'TRANSITION_CLEANUP' for LifecycleNode '/robot/camera'" in log


def test_nodes_are_chosen_by_name(camera: LifecycleNode) -> None:
    def configure(name: str) -> EmitEvent:
        event = ChangeState(
            lifecycle_node_matcher=matches_node_name(name), transition_id=Transition.TRANSITION_CONFIGURE
        )
        return EmitEvent(event=event)

    exit_code = run(
        RegisterEventHandler(OnStateTransition(goal_state="inactive", entities=[EmitEvent(event=Shutdown())])),
        camera,
        configure("robot/other"),
        configure("robot/camera"),
    )
    assert exit_code == 0


def test_a_transition_that_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="TRANSITION_CONFIGURE: 1"):
        ChangeState(lifecycle_node_matcher=lambda _: True, transition_id=Transition.TRANSITION_ON_CONFIGURE_SUCCESS)


def test_a_handler_is_for_managed_nodes() -> None:
    plain = launch_ros.actions.Node(executable="camera", package="robot")
    with pytest.raises(RuntimeError, match="LifecycleNode"):
        OnStateTransition(target_lifecycle_node=plain, entities=[])


def test_a_node_needs_name_and_namespace() -> None:
    with pytest.raises(TypeError, match="namespace"):
        LifecycleNode(executable="camera", package="robot", name="camera")
    with pytest.raises(TypeError, match="name"):
        LifecycleNode(executable="camera", package="robot", namespace="robot")


def test_everything_is_reached_from_the_package() -> None:
    assert launch_ros.actions.LifecycleNode is LifecycleNode
    assert launch_ros.events.lifecycle.ChangeState is ChangeState
    assert launch_ros.event_handlers.OnStateTransition is OnStateTransition
