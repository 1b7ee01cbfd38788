"""`ros2 bag play`."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

import rclpy
from rclpy.logging import LoggingSeverity
from rclpy.signals import SignalHandlerOptions
from rosbags.rosbag2 import Reader, ReaderError

from ros2cli.arguments import positive_float, positive_int, unsigned_float, unsigned_int
from ros2cli.graph import names_from_user

from .api import add_bag_arguments, add_log_level_argument, failure
from .contents import read_metadata
from .keyboard import DOWN, RIGHT, SPACE, UP, keys
from .mcap import McapError
from .metadata import MetadataError
from .player import Player, PlayOptions
from .qos import read_overrides
from .topic_filter import topic_filter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bag_arguments(parser)
    choice = parser.add_argument_group("which topics")
    choice.add_argument("--topics", metavar="TOPIC", default=[], nargs="+", help="Topics to play (default: all)")
    choice.add_argument("-e", "--regex", default="", help="Play only topics that contain this regular expression")
    choice.add_argument(
        "-x", "--exclude", "--exclude-regex", default="", help="Leave out topics that contain this regular expression"
    )
    choice.add_argument(
        "-m", "--remap", metavar="OLD:=NEW", default=[], nargs="+", help="Publish topics under other names"
    )
    time = parser.add_argument_group("when")
    time.add_argument("-r", "--rate", type=positive_float, default=1.0, help="How much faster than recorded")
    time.add_argument("-l", "--loop", action="store_true", help="Begin again at the end")
    time.add_argument(
        "--start-offset", metavar="S", type=unsigned_float, default=0.0, help="Leave out so much at the beginning"
    )
    time.add_argument(
        "-d", "--delay", metavar="S", type=positive_float, default=0.0, help="Wait so long before, each time"
    )
    time.add_argument("-p", "--start-paused", action="store_true", help="Begin to play when SPACE is pressed")
    time.add_argument(
        "--clock",
        metavar="HZ",
        type=positive_float,
        nargs="?",
        const=40.0,
        default=0.0,
        help="Publish /clock, so often (40 if not said)",
    )
    time.add_argument(
        "--wait-for-all-acked",
        metavar="MS",
        type=unsigned_int,
        help="In the end, wait so long (0: for ever) until all reliable subscriptions have all messages",
    )
    parser.add_argument(
        "--read-ahead-queue-size",
        metavar="N",
        type=positive_int,
        default=1000,
        help="How many messages to read before they are needed (default: 1000)",
    )
    parser.add_argument("--qos-profile-overrides-path", help="YAML file: QoS profiles of single topics")
    parser.add_argument("--disable-keyboard-controls", action="store_true", help="Do not listen to the keyboard")
    parser.add_argument("--node-name", default="rosbag2_player", help="Name of the player's node")
    add_log_level_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Play the bag to its end, or until interrupted."""
    options = PlayOptions(
        topics=topic_filter(args.topics, args.regex, args.exclude, hidden=True),
        qos_overrides=read_overrides(args.qos_profile_overrides_path),
        rate=args.rate,
        start_offset_s=args.start_offset,
        delay_s=args.delay,
        loop=args.loop,
        clock_hz=args.clock,
        read_ahead=args.read_ahead_queue_size,
        acked_timeout_ms=args.wait_for_all_acked,
        paused=args.start_paused,
    )
    bag = Path(args.bag_path)
    try:
        read_metadata(bag, args.storage)
        reader = Reader(bag)
        reader.open()
        try:
            with names_from_user():
                _play(args, reader, options)
        finally:
            reader.close()
    except (MetadataError, McapError, ReaderError) as error:
        raise failure(str(error)) from error


def _play(args: argparse.Namespace, reader: Reader, options: PlayOptions) -> None:
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        remaps = [argument for rule in args.remap for argument in ("-r", rule)]
        node = rclpy.create_node(args.node_name, cli_args=["--ros-args", *remaps])
        node.get_logger().set_level(LoggingSeverity[args.log_level.upper()])
        player = Player(node, reader, options)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: player.clock.stop())
        actions = {SPACE: player.toggle_paused, RIGHT: player.play_next, UP: player.faster, DOWN: player.slower}
        if args.disable_keyboard_controls:
            player.run()
        else:
            node.get_logger().info("Press SPACE for Pause/Resume, CURSOR_RIGHT for Play Next Message")
            node.get_logger().info("Press CURSOR_UP for Increase Rate 10%, CURSOR_DOWN for Decrease Rate 10%")
            with keys(actions):
                player.run()
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
