"""The guard as seen from a node that commands the arm: its state, and what a person may ask of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from arvla_ros.msg import GuardState
from arvla_ros.nodes.qos import TELEMETRY

# It reports 50 times a second; a guard that has been silent for this long is not there; s.
SILENT_S = 1.0
MODES = {
    GuardState.MODE_DISARMED: "disarmed",
    GuardState.MODE_ACTIVE: "armed",
    GuardState.MODE_HOLD: "HOLD",
    GuardState.MODE_HOMING: "homing",
    GuardState.MODE_ESTOP: "E-STOP",
}


class GuardClient:
    """Keeps the newest GuardState; passes requests on and says what came of them."""

    def __init__(self, node: Node, say: Callable[[str], None]) -> None:
        """Listen through ``node``; answers go to ``say``."""
        self._say = say
        self._state: GuardState | None = None
        self._heard_at = 0.0
        self._enable = node.create_client(SetBool, "/guard/enable")
        self._home = node.create_client(Trigger, "/guard/home")
        self._sleep = node.create_client(Trigger, "/guard/sleep")
        node.create_subscription(GuardState, "/guard/state", self._on_state, TELEMETRY)

    def _on_state(self, message: GuardState) -> None:
        self._state, self._heard_at = message, time.monotonic()

    @property
    def state(self) -> GuardState | None:
        """The newest state; None: there is no guard that speaks."""
        return self._state if time.monotonic() - self._heard_at < SILENT_S else None

    @property
    def obstacle(self) -> str:
        """Why it passes nothing on now; empty: it may."""
        state = self.state
        if state is None or state.mode == GuardState.MODE_ACTIVE:
            return ""
        return f"the guard is {MODES.get(state.mode, state.mode)}: {state.reason}"

    @property
    def opening(self) -> float:
        """What the gripper was last told, m between the fingers; NaN: nothing that is known."""
        state = self.state
        return float(state.sent_gripper) if state is not None and len(state.sent) else math.nan

    def waits_for(self, source: str) -> bool:
        """Return whether it holds for no other reason than that ``source`` fell silent."""
        state = self.state
        return (
            state is not None
            and state.mode == GuardState.MODE_HOLD
            and state.reason.startswith(f"no command from {source!r}")
        )

    def enable(self, arm: bool) -> None:
        """Arm or disarm it."""
        self._ask(self._enable, SetBool.Request(data=arm))

    def go_home(self) -> None:
        """Send the arm home."""
        self._ask(self._home, Trigger.Request())

    def go_to_sleep(self) -> None:
        """Send the arm to its sleep pose."""
        self._ask(self._sleep, Trigger.Request())

    def describe(self) -> str:
        """Return its mode and why, in a few words."""
        state = self.state
        if state is None:
            return "no guard"
        words = f"guard {MODES.get(state.mode, state.mode)}"
        if state.source:
            words += f" ({state.source})"
        if state.reason:
            words += f": {state.reason}"
        return f"{words} limited {','.join(state.limited)}" if state.limited else words

    def _ask(self, client: Client, request: Any) -> None:
        if not client.service_is_ready():
            self._say(f"{client.srv_name}: there is no such service; is the guard running?")
            return

        def answer(future: Future) -> None:
            response = future.result()
            if response is not None:
                self._say(f"{client.srv_name}: {'' if response.success else 'REFUSED: '}{response.message}")

        client.call_async(request).add_done_callback(answer)
