"""Carries out simulated episodes with the whole stack: home, new layout, instruction, arm the guard, watch, score."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from arvla_ros.evaluation.run_log import Episode
from arvla_ros.msg import ActionStep, GuardState, TaskStatus, VLPrefix
from arvla_ros.nodes.parameters import declare_count, declare_flag, declare_number, declare_text
from arvla_ros.nodes.qos import LATCHED, NEWEST, TELEMETRY
from arvla_ros.nodes.run_recorder import RunRecorder
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns
from arvla_ros.robots.contract import RobotContract
from arvla_ros.srv import StartEpisode, StopEpisode

# Anything but an episode itself is done within this time, or something is wrong.
ANSWER_TIMEOUT_S = 20.0
# A fault on the way home makes the guard hold; on a busy machine there may be some, without anything being wrong.
MOST_ATTEMPTS = 5


class RolloutNode(Node):
    """Runs episodes in a thread of their own, so that they read as they happen; the executor keeps what comes in."""

    def __init__(self) -> None:
        super().__init__("rollout")
        self._episodes = declare_count(self, "episodes", 0, "episodes to carry out; 0: without end", 0, 10**6)
        self._time_limit_s = declare_number(
            self, "time_limit_s", 0.0, "an episode ends after this, simulated s; 0: the task's own limit", 0.0, 600.0
        )
        self._start_timeout_s = declare_number(self, "start_timeout_s", 60.0, "wait for the other nodes, s", 1.0, 600.0)
        self._records = declare_flag(
            self, "record", False, "no policy drives: record each episode, and keep those that succeed"
        )
        report = declare_text(self, "report", "", "folder for the log of the run; empty: none")
        self._report = Path(report) if report else None
        self._recorder = RunRecorder(self, RobotContract.load("wx250s")) if report else None
        self._newest: dict[type, Any] = {}
        self._arrived = threading.Condition()
        self._subscribe(GuardState, "/guard/state", TELEMETRY)
        self._subscribe(TaskStatus, "/sim_widowx/task", LATCHED)
        if not self._records:
            self._subscribe(ActionStep, "/action_expert/step", TELEMETRY)
            self._subscribe(VLPrefix, "/vl_prefix", NEWEST)
        self._instructions = self.create_publisher(String, "/instruction", LATCHED)
        self._home = self.create_client(Trigger, "/guard/home")
        self._enable = self.create_client(SetBool, "/guard/enable")
        self._new_layout = self.create_client(Trigger, "/sim_widowx/reset")
        self._needed = [self._home, self._enable, self._new_layout]
        if self._records:
            self._start = self.create_client(StartEpisode, "/recorder/start")
            self._stop = self.create_client(StopEpisode, "/recorder/stop")
            self._needed += [self._start, self._stop]
        else:
            self._forget = self.create_client(Trigger, "/action_expert/reset")
            self._needed.append(self._forget)
        self.done = Future()
        threading.Thread(target=self._work, name="episodes", daemon=True).start()

    def _subscribe(self, kind: type, topic: str, qos: Any) -> None:
        def keep(message: Any) -> None:
            with self._arrived:
                self._newest[kind] = message
                self._arrived.notify_all()

        self.create_subscription(kind, topic, keep, qos)

    def _work(self) -> None:
        try:
            self._wait_for_nodes()
            self._carry_out()
        except (NodeError, OSError) as error:
            self.done.set_exception(NodeError(str(error)))
        except Exception as error:
            # Ctrl-C has closed everything under our feet; otherwise it is worth a traceback, and the end of the node.
            self.done.set_exception(error)
        else:
            self.done.set_result(None)

    def _carry_out(self) -> None:
        count = 0
        while self._episodes == 0 or count < self._episodes:
            count += 1
            episode = self._run_episode()
            outcome = "success" if episode.success else f"failed ({episode.detail})"
            seconds = (episode.end_ns - episode.start_ns) * 1e-9
            self.get_logger().info(f"episode {count}: {episode.instruction!r}: {outcome} after {seconds:.1f} s")
            if self._recorder:
                self._recorder.log.episodes.append(episode)
        if self._recorder and self._report:
            self._recorder.log.save(self._report)
            self.get_logger().info(f"log of the run is in {self._report}")

    def _wait_for_nodes(self) -> None:
        for client in self._needed:
            if not client.wait_for_service(timeout_sec=self._start_timeout_s):
                raise NodeError(
                    f"parameter start_timeout_s={self._start_timeout_s:g}: no service {client.srv_name} within that; "
                    "is its node running? see the lines above, and `ros2 node list`"
                )
        expected = {GuardState, TaskStatus} if self._records else {ActionStep, GuardState, TaskStatus}
        self._expect("a first word of every node", expected.issubset)

    def _run_episode(self) -> Episode:
        self._go_home()
        before = self._newest[TaskStatus]
        self._call(self._new_layout, Trigger.Request())
        self._expect("the new layout", lambda newest: _is_new_episode(newest[TaskStatus], before))
        task = self._newest[TaskStatus]
        self._instructions.publish(String(data=task.instruction))
        if self._records:
            self._start_recording(task)
        else:
            self._make_policy_ready(task)
        self._ask(self._enable, SetBool.Request(data=True))  # refused while the e-stop is pressed: a failed episode
        start_ns = now_ns(self)
        ended = self._watch()
        self._call(self._enable, SetBool.Request(data=False))
        if self._records:
            self._call(self._stop, StopEpisode.Request(keep=bool(ended.success), score=ended.score, notes=ended.detail))
        return Episode(
            seed=int(ended.seed),
            instruction=ended.instruction,
            start_ns=start_ns,
            end_ns=now_ns(self),
            success=bool(ended.success),
            score=float(ended.score),
            detail=ended.detail,
        )

    def _make_policy_ready(self, task: TaskStatus) -> None:
        # The expert forgets only once perception follows the new instruction: no prefix of the old one gets through.
        self._expect(
            f"a prefix for {task.instruction!r}",
            lambda newest: VLPrefix in newest and newest[VLPrefix].instruction == task.instruction,
        )
        self._call(self._forget, Trigger.Request())

    def _start_recording(self, task: TaskStatus) -> None:
        """Begin an episode once every topic of the recorder speaks."""
        request = StartEpisode.Request(task=task.task, instruction=task.instruction, operator="scripted expert")
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not (answer := self._ask(self._start, request)).success:
            if time.monotonic() > deadline:
                raise NodeError(f"service {self._start.srv_name}: {answer.message}")
            time.sleep(0.2)

    def _watch(self) -> TaskStatus:
        """Wait until the task is done or its time, which is simulated time, is up; return how it ended."""
        end = self._newest[TaskStatus].elapsed + (self._time_limit_s or self._newest[TaskStatus].time_limit)
        seen = None

        def is_heard_of(newest: dict[type, Any]) -> bool:
            return newest[TaskStatus] is not seen

        while seen is None or not (seen.success or seen.elapsed >= end):
            self._expect("how the task stands", is_heard_of)
            seen = self._newest[TaskStatus]
        return seen

    def _go_home(self) -> None:
        """Send the arm home; as long as the e-stop is pressed, wait for the person who pressed it."""
        attempts = 0
        while not self._is_home_after_asking():
            state = self._newest[GuardState]
            if _stopped(self._newest):
                self.get_logger().warning("waiting: publish false on /estop to go on", throttle_duration_sec=10.0)
            elif attempts == MOST_ATTEMPTS:
                raise NodeError(f"service {self._home.srv_name}: not home after {attempts} attempts: {state.reason}")
            else:
                attempts += 1
                self.get_logger().warning(f"not home yet, asking again: {state.reason}")
            time.sleep(1.0)

    def _is_home_after_asking(self) -> bool:
        answer = self._ask(self._home, Trigger.Request())
        if answer.success:
            # First it says that it is on its way, then, with the reason, that it is no more.
            self._wait(1.0, lambda newest: _is_homing(newest) or _is_home(newest))
            self._expect("the arm at home", lambda newest: not _is_homing(newest))
            return _is_home(self._newest)
        if not _stopped(self._newest):
            raise NodeError(f"service {self._home.srv_name}: {answer.message}")
        return False

    def _call(self, client: Client, request: Any) -> None:
        """Call a service and insist that it does what it is asked."""
        response = self._ask(client, request)
        if not response.success:
            raise NodeError(f"service {client.srv_name}: {response.message}")

    def _ask(self, client: Client, request: Any) -> Any:
        """Call a service and return its answer."""
        answered = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(ANSWER_TIMEOUT_S):
            raise NodeError(f"service {client.srv_name}: no answer within {ANSWER_TIMEOUT_S:g} s")
        return future.result()

    def _wait(self, timeout_s: float, reached: Callable[[dict[type, Any]], bool]) -> bool:
        """Wait until the newest messages say that something is reached; return whether they did in time."""
        with self._arrived:
            return self._arrived.wait_for(lambda: reached(self._newest), timeout_s)

    def _expect(self, what: str, reached: Callable[[dict[type, Any]], bool]) -> None:
        if not self._wait(ANSWER_TIMEOUT_S, reached):
            raise NodeError(f"waited {ANSWER_TIMEOUT_S:g} s in vain for {what}: see the lines of the other nodes above")


def _is_new_episode(task: TaskStatus, before: TaskStatus) -> bool:
    # By the task's own time: with /clock, what this node takes for now may lag behind a stamp.
    return bool(task.seed != before.seed or task.elapsed < before.elapsed)


def _is_home(newest: dict[type, Any]) -> bool:
    return bool(newest[GuardState].reason == "home reached")


def _is_homing(newest: dict[type, Any]) -> bool:
    return bool(newest[GuardState].mode == GuardState.MODE_HOMING)


def _stopped(newest: dict[type, Any]) -> bool:
    return bool(newest[GuardState].mode == GuardState.MODE_ESTOP)


def main() -> int:
    """Run simulated episodes."""
    return run(RolloutNode, until=lambda node: node.done)
