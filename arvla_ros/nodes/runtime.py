"""How every node runs and ends: what a user can mend ends it in one line and with exit code 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rclpy
import rclpy.logging
from rclpy._rclpy_pybind11 import RCLError
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.task import Future

from arvla_ros.robots.contract import ContractError


class NodeError(RuntimeError):
    """A node cannot start or go on: one line that names the parameter, its value and the remedy."""


def run(node_class: Callable[[], Any], until: Callable[[Any], Future] | None = None) -> int:
    """Spin a node until it is interrupted or has done its work; return the exit code.

    Args:
        node_class: What makes the node.
        until: What returns the node's future that ends the spinning; its NodeError ends the node as any other does.
    """
    rclpy.init()
    node: Node | None = None
    try:
        node = node_class()
        if until is None:
            rclpy.spin(node)
        else:
            rclpy.spin_until_future_complete(node, until(node))
            until(node).result()
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except RCLError:
        # A callback that Ctrl-C fell into finds its publishers closed.
        if rclpy.ok():
            raise
        return 0
    except (NodeError, ContractError, ParameterException) as error:
        rclpy.logging.get_logger(node.get_name() if node else "arvla_ros").fatal(str(error))
        return 1
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
