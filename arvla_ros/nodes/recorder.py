"""The recorder node: one bag an episode, begun, kept or discarded by service, none lost."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rclpy.node import Node
from std_srvs.srv import Trigger

from arvla_ros.episodes.episode_folder import EpisodeInfo, episodes, exclusive, recover
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.recording import Progress, Recording, Topic
from arvla_ros.msg import EpisodeStatus
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.parameters import declare_number, declare_numbers, declare_text, declare_texts
from arvla_ros.nodes.qos import LATCHED
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns
from arvla_ros.nodes.topic_streams import TopicStreams
from arvla_ros.robots.contract import RobotContract
from arvla_ros.srv import StartEpisode, StopEpisode

EVENTS = (
    *("/arm/command", "/action_expert/step", "/instruction", "/estop", "/deadman", "/diagnostics"),
    *("/parameter_events", "/sim_widowx/task"),
)
"""What is recorded too, where it is there, and may be silent."""

SILENCE_S = 0.5
"""A topic that has not spoken for this long is silent."""

_STATUS_PERIOD_S = 0.5
_LINE_PERIOD_S = 5.0


class RecorderNode(Node):
    """Records; ``episodes.recording`` writes, ``episodes.episode_folder`` says what lies where."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self._held = ExitStack()
        self._recording: Recording | None = None
        self._line_at = 0.0
        self._warned: list[str] = []
        self._declare_parameters()
        self._open_directory()
        self._streams = TopicStreams(self, [*self._min_rates, *self._events], self._on_topic, self._on_message)
        self._status = self.create_publisher(EpisodeStatus, "~/status", LATCHED)
        self.create_service(StartEpisode, "~/start", self._on_start)
        self.create_service(StopEpisode, "~/stop", self._on_stop)
        for name, act in (
            ("begin", self._begin_again),
            ("keep", self._keep),
            ("discard", self._discard),
            ("rerecord", self._rerecord),
        ):
            self.create_service(Trigger, f"~/{name}", self._trigger(act))
        self.create_timer(_STATUS_PERIOD_S, self._on_status)
        diagnostics.publish_diagnostics(self, self._report)

    def _declare_parameters(self) -> None:
        robot = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        cameras = [camera.topic for camera in RobotContract.load("wx250s").cameras]
        driver = [f"/{robot}/joint_states", "/guard/state"]
        topics = declare_texts(
            self, "topics", [*driver, *cameras], "topics that must speak all the time for an episode to begin"
        )
        rates = declare_numbers(
            self, "min_rates_hz", [50.0, 25.0, *(10.0 for _ in cameras)], "warned about below, Hz, in their order"
        )
        if len(rates) != len(topics):
            raise NodeError(f"parameter min_rates_hz={rates}: topics has {len(topics)} names, {', '.join(topics)}")
        self._min_rates = dict(zip(topics, rates, strict=True))
        commands = [f"/{robot}/commands/joint_group", f"/{robot}/commands/joint_single"]
        self._events = declare_texts(self, "events", [*commands, *EVENTS], "recorded too, but may be silent")
        self._directory = Path(declare_text(self, "directory", "episodes", "folder of the episodes")).expanduser()
        self._min_free_gb = declare_number(self, "min_free_gb", 2.0, "stop before less is free, GB", 0.0, 1e6)
        self._max_duration_s = declare_number(self, "max_duration_s", 0.0, "end an episode after; 0: never, s", 0, 1e6)
        self._task = declare_text(self, "task", "", "task of episodes that are begun without saying it")
        self._instruction = declare_text(self, "instruction", "", "instruction of those")
        self._operator = declare_text(self, "operator", "", "who demonstrates")

    def _open_directory(self) -> None:
        """Take the directory for this recorder alone, and repair what a crash left."""
        try:
            self._held.enter_context(exclusive(self._directory))
            outcomes = recover(self._directory)
        except (DatasetError, OSError) as error:
            raise NodeError(f"parameter directory={str(self._directory)!r}: {error}") from error
        for folder, outcome in outcomes:
            self.get_logger().warning(f"{folder}: {outcome}")
        self.get_logger().info(f"{len(episodes(self._directory))} episodes in {self._directory.absolute()}")

    def destroy_node(self) -> None:
        """Finish the episode that is being recorded: nobody has said whether it is kept."""
        if self._recording is not None:
            self._end(lambda recording: recording.stop(None, notes="the recorder was stopped"))
        self._held.close()
        super().destroy_node()

    # Services.

    def _on_start(self, request: StartEpisode.Request, response: StartEpisode.Response) -> StartEpisode.Response:
        task, operator = request.task or self._task, request.operator or self._operator
        instruction = request.instruction or self._instruction
        response.success, response.message = self._begin(task, instruction, operator)
        if self._recording is not None:
            response.episode, response.path = self._recording.info.episode, str(self._recording.folder)
        return response

    def _on_stop(self, request: StopEpisode.Request, response: StopEpisode.Response) -> StopEpisode.Response:
        score = float(request.score) if request.score >= 0 else None
        if score is not None and score > 1:
            response.message = f"score {score:g} is not between 0 and 1; the episode goes on"
            return response
        recording = self._recording
        response.success, response.message = self._stop(request.keep, score, request.notes)
        if recording is not None and response.success:
            response.path = response.message
            response.messages, response.duration = recording.info.messages, recording.info.duration_s
        return response

    def _trigger(
        self, act: Callable[[], tuple[bool, str]]
    ) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        def answer(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            response.success, response.message = act()
            return response

        return answer

    def _begin_again(self) -> tuple[bool, str]:
        return self._begin(self._task, self._instruction, self._operator)

    def _keep(self) -> tuple[bool, str]:
        return self._stop(True, None, "")

    def _discard(self) -> tuple[bool, str]:
        return self._end(Recording.discard)

    def _rerecord(self) -> tuple[bool, str]:
        """Delete what has been recorded and begin anew with the same words."""
        if self._recording is None:
            return False, "nothing is being recorded"
        info = self._recording.info
        done, message = self._discard()
        return self._begin(info.task, info.instruction, info.operator) if done else (done, message)

    # What they do.

    def _begin(self, task: str, instruction: str, operator: str) -> tuple[bool, str]:
        if self._recording is not None:
            return False, f"episode {self._recording.info.episode} is being recorded: stop it first"
        silent = self._silent(time.monotonic())
        if silent:
            return False, "; ".join(silent)
        started = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        info = EpisodeInfo(0, task, instruction, operator, started)
        known = [stream.topic for stream in self._streams.streams.values() if stream.topic is not None]
        try:
            self._recording = Recording(self._directory, info, known, self._min_free_gb)
        except OSError as error:
            return False, str(error)
        now = now_ns(self)
        for name, stream in self._streams.streams.items():
            if stream.latched is not None:  # said before, and still true: every bag has it
                self._recording.put(name, now, now, stream.latched)
        self._task, self._instruction, self._operator = task, instruction, operator
        self.get_logger().info(f"recording episode {self._recording.info.episode}: {task} {instruction!r}")
        self._on_status()
        return True, str(self._recording.folder)

    def _stop(self, keep: bool | None, score: float | None, notes: str) -> tuple[bool, str]:
        return self._end(lambda recording: recording.stop(keep, score, notes))

    def _end(self, finish: Callable[[Recording], Path | None]) -> tuple[bool, str]:
        recording, self._recording = self._recording, None
        if recording is None:
            return False, "nothing is being recorded"
        try:
            path = finish(recording)
        except OSError as error:
            message = f"{recording.folder}: {error}; it is repaired when a recorder starts here again"
            self.get_logger().error(message)
            return False, message
        info = recording.info
        outcome = f"{path}: {info.duration_s:.1f} s, {info.messages} messages" if path else "deleted"
        self.get_logger().info(f"episode {info.episode} ended: {outcome}")
        return True, str(path) if path else f"episode {info.episode} deleted"

    # Messages and status.

    def _on_topic(self, topic: Topic) -> None:
        if self._recording is not None:
            self._recording.add_topic(topic)

    def _on_message(self, topic: str, log_ns: int, data: bytes) -> None:
        if self._recording is not None:
            self._recording.put(topic, log_ns, log_ns, data)

    def _silent(self, now: float) -> list[str]:
        """Return what keeps an episode from beginning."""
        problems = []
        for name in self._min_rates:
            stream = self._streams.streams[name]
            if stream.problem:
                problems.append(f"{name} {stream.problem}")
            elif stream.topic is None:
                problems.append(f"{name}: nobody publishes it")
            elif stream.silence_s(now) > SILENCE_S:
                problems.append(f"{name}: silent for more than {SILENCE_S:g} s")
        return problems

    def _warnings(self, now: float) -> list[str]:
        warnings = self._silent(now)
        for name, least in self._min_rates.items():
            rate = self._streams.streams[name].rate_hz(now)
            if rate < least and not any(warning.startswith(name) for warning in warnings):
                warnings.append(f"{name}: {rate:.0f} Hz, expected at least {least:g} Hz")
        return warnings

    def _on_status(self) -> None:
        now, recording = time.monotonic(), self._recording
        progress = recording.progress() if recording else Progress(0, {}, 0.0, "")
        if recording is not None and progress.error:
            self.get_logger().error(f"episode {recording.info.episode}: {progress.error}")
            self._stop(None, None, "")
        elif self._max_duration_s and progress.duration_s > self._max_duration_s:
            self._stop(None, None, f"max_duration_s {self._max_duration_s:g} reached")
        warnings = self._warnings(now)
        if progress.dropped:
            warnings.append(f"the disk is too slow: dropped {progress.dropped}")
        known = {warning.partition(":")[0] for warning in self._warned}
        if recording is not None and any(warning.partition(":")[0] not in known for warning in warnings):
            self.get_logger().warning("; ".join(warnings))
        self._warned = warnings
        self._publish_status(now, progress, warnings)

    def _publish_status(self, now: float, progress: Progress, warnings: list[str]) -> None:
        recording, streams = self._recording, self._streams.streams
        free_gb = shutil.disk_usage(self._directory).free / 1e9 if self._directory.exists() else 0.0
        finished = episodes(self._directory)
        message = EpisodeStatus(
            recording=recording is not None,
            episode=recording.info.episode if recording else max(len(finished) - 1, 0),
            task=self._task,
            instruction=self._instruction,
            duration=progress.duration_s,
            messages=progress.messages,
            dropped=sum(progress.dropped.values()),
            topics=list(streams),
            rates=[stream.rate_hz(now) for stream in streams.values()],
            warnings=warnings,
            disk_free_gb=free_gb,
            kept=len(finished),
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(message)
        if recording is not None and now - self._line_at >= _LINE_PERIOD_S:
            self._line_at = now
            rates = ", ".join(f"{name} {streams[name].rate_hz(now):.0f} Hz" for name in self._min_rates)
            self.get_logger().info(
                f"episode {recording.info.episode}: {progress.duration_s:.0f} s, {rates}, {free_gb:.0f} GB free, "
                f"{sum(progress.dropped.values())} dropped"
            )

    def _report(self) -> diagnostics.Report:
        level = diagnostics.WARN if self._warned else diagnostics.OK
        state = f"recording episode {self._recording.info.episode}" if self._recording else "ready"
        return level, "; ".join(self._warned) or state, {"directory": str(self._directory)}


def main() -> int:
    """Run the recorder."""
    return run(RecorderNode)
