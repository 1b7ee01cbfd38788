"""`ros2 bag record`."""

from __future__ import annotations

import argparse
import datetime
import os
import signal
from collections.abc import Callable
from pathlib import Path

import rclpy
from rclpy.logging import LoggingSeverity
from rclpy.parameter import Parameter

from ros2cli.arguments import positive_int, unsigned_int
from ros2cli.graph import names_from_user

from .api import add_log_level_argument, failure
from .bag_writer import BagWriter, Limits
from .keyboard import SPACE, keys
from .qos import read_overrides
from .recorder import Recorder, RecordOptions
from .storage_config import mcap_options
from .topic_filter import topic_filter

_MIN_SPLIT_SIZE = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    choice = parser.add_argument_group("which topics")
    choice.add_argument("topics", nargs="*", help="Topics to record")
    choice.add_argument("-a", "--all", action="store_true", help="Record all topics")
    choice.add_argument("-e", "--regex", default="", help="Record only topics that contain this regular expression")
    choice.add_argument(
        "-x", "--exclude", default="", help="Leave out topics that contain this regular expression (with -a or -e)"
    )
    choice.add_argument("--include-unpublished-topics", action="store_true", help="Also topics without a publisher")
    choice.add_argument("--include-hidden-topics", action="store_true", help="Also topics that begin with '_'")
    choice.add_argument("--ignore-leaf-topics", action="store_true", help="Leave out topics without a subscription")
    choice.add_argument("--no-discovery", action="store_true", help="Only topics that are there at the start")
    choice.add_argument(
        "-p",
        "--polling-interval",
        metavar="MS",
        type=positive_int,
        default=100,
        help="How often to look for new topics",
    )
    file = parser.add_argument_group("the bag")
    file.add_argument("-o", "--output", help="Folder to create; default: rosbag2_ and the time, in this folder")
    file.add_argument("-s", "--storage", default="mcap", help="Storage to write; there is 'mcap' (the default)")
    file.add_argument(
        "-b", "--max-bag-size", metavar="BYTES", type=unsigned_int, default=0, help="Begin a new file after that"
    )
    file.add_argument(
        "-d", "--max-bag-duration", metavar="S", type=unsigned_int, default=0, help="Begin a new file after that"
    )
    file.add_argument(
        "--max-cache-size",
        metavar="BYTES",
        type=unsigned_int,
        default=100 * 1024 * 1024,
        help="How much may wait to be written (default: 100 MiB); with 0, receiving waits for writing",
    )
    file.add_argument(
        "--compression-mode", default="none", choices=["none", "file", "message"], help="See --storage-preset-profile"
    )
    file.add_argument("--storage-preset-profile", default="", help="none, zstd_fast or zstd_small")
    file.add_argument("--storage-config-file", help="YAML file: compression, compressionLevel, chunkSize")
    parser.add_argument("--qos-profile-overrides-path", help="YAML file: QoS profiles of single topics")
    parser.add_argument("--start-paused", action="store_true", help="Begin to record when SPACE is pressed")
    parser.add_argument("--use-sim-time", action="store_true", help="Stamp messages with the time of /clock")
    parser.add_argument("--node-name", default="rosbag2_recorder", help="Name of the recorder's node")
    add_log_level_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Record until interrupted."""
    _check(args)
    bag = Path(args.output or datetime.datetime.now().strftime("rosbag2_%Y_%m_%d-%H_%M_%S"))
    if bag.is_dir():
        raise failure(f"Output folder '{bag}' already exists.")
    options = RecordOptions(
        topics=topic_filter(
            args.topics, "" if args.all else args.regex, args.exclude, hidden=args.include_hidden_topics
        ),
        include_unpublished=args.include_unpublished_topics,
        ignore_leaf=args.ignore_leaf_topics,
        qos_overrides=read_overrides(args.qos_profile_overrides_path),
        discover=not args.no_discovery,
        polling_interval_s=args.polling_interval / 1000,
        max_cache_size=args.max_cache_size,
        use_sim_time=args.use_sim_time,
        paused=args.start_paused,
    )
    limits = Limits(args.max_bag_size, args.max_bag_duration * 1_000_000_000)
    storage = mcap_options(args.storage_preset_profile, args.storage_config_file)
    # Signals end the recording (rclpy sees to that), but nothing interrupts the finishing of the bag.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        with names_from_user():
            _record(args, lambda: BagWriter(bag, storage, limits), options)
    except OSError as error:
        raise failure(f"cannot write bag '{bag}': {os.strerror(error.errno or 0)}") from error


def _check(args: argparse.Namespace) -> None:
    if args.all and args.topics:
        raise failure("Specify either --all or topics, but not both simultaneously.")
    if not (args.all or args.topics or args.regex):
        raise failure("Invalid choice: Must specify topic(s), --regex or --all")
    if args.exclude and args.topics:
        raise failure("--exclude argument cannot be used when specifying a list of topics explicitly")
    if args.use_sim_time and args.no_discovery:
        raise failure("--use-sim-time and --no-discovery both set, but are incompatible settings.")
    if args.storage != "mcap":
        raise failure(f"storage '{args.storage}' cannot be written here; use -s mcap")
    if args.compression_mode != "none":
        raise failure(
            f"compression mode '{args.compression_mode}' is not supported: MCAP compresses its chunks; "
            "use --storage-preset-profile zstd_fast or zstd_small"
        )
    if 0 < args.max_bag_size <= _MIN_SPLIT_SIZE:
        raise failure(
            "Invalid bag splitting size given. Please provide a value greater than "
            f"{_MIN_SPLIT_SIZE}. Specified value of {args.max_bag_size}"
        )
    if args.all and args.regex:
        print("[WARN] [ros2bag]: --all will override --regex.")


def _record(args: argparse.Namespace, create: Callable[[], BagWriter], options: RecordOptions) -> None:
    rclpy.init(args=[])
    try:
        node = rclpy.create_node(
            args.node_name, parameter_overrides=[Parameter("use_sim_time", value=options.use_sim_time)]
        )
        node.get_logger().set_level(LoggingSeverity[args.log_level.upper()])
        recorder = Recorder(node, create(), options)
        node.get_logger().info("Press SPACE for pausing/resuming")
        with keys({SPACE: recorder.toggle_paused}):
            recorder.run()
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
