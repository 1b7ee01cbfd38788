"""`ros2 bag reindex`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .api import add_bag_arguments, failure
from .contents import files_of, scan_files
from .mcap import McapError
from .metadata import MetadataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bag_arguments(parser)


def main(args: argparse.Namespace) -> None:
    """Write the metadata anew from what the files hold, and finish files whose recording was cut off."""
    bag = Path(args.bag_path)
    if not bag.is_dir():
        raise failure("Must specify a bag directory")
    try:
        storage, files = files_of(bag, args.storage)
        metadata = scan_files(files, storage, repair=True)
        metadata.write(bag)
    except (MetadataError, McapError) as error:
        raise failure(str(error)) from error
    except OSError as error:
        raise failure(f"cannot write to '{bag}': {error.strerror}") from error
    print(f"[INFO] [ros2bag]: reindexed {len(files)} file(s) with {metadata.message_count} messages")
