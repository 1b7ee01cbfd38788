"""``arvla view``: a recorded run, or the one that is running, in rerun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from arvla_ros.episodes.bags import Bag, BagError
from arvla_ros.evaluation.rerun_viewer import ViewError
from arvla_ros.evaluation.viewing import RunView


@dataclass(frozen=True)
class ViewConfig:
    """Options of ``arvla view``."""

    bag: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of a recorded bag."""
    live: bool = False
    """Show the run that is running now, instead of a bag; needs ROS 2 or roslite."""
    save: Path | None = None
    """Write a file, .rrd, instead of opening a window: `rerun FILE` opens it, on another host too."""
    prefix: str = "wx250s"
    """Namespace of the driver (robot_name), for --live."""

    def __post_init__(self) -> None:
        if (self.bag is None) == (not self.live):
            raise ViewError("name a bag, or say --live")


def view(config: ViewConfig) -> int:
    """Show a run; return the exit code.

    Raises:
        ViewError: rerun or, for --live, rclpy is missing, or no window can be opened.
        BagError: the folder is no bag.
    """
    if config.bag is None:
        return _view_live(config)
    with Bag(config.bag, salvage=True) as bag:
        if bag.damage:
            print(f"warning: {bag.damage}")
        shown = RunView(config.bag.name, config.save)
        topics = [topic for topic, kind in bag.types.items() if kind in shown.handled]
        if not topics:
            raise BagError(f"{config.bag}: nothing to show; the bag has {', '.join(sorted(bag.types)) or 'nothing'}")
        try:
            for each in tqdm(bag.read(topics), total=sum(bag.counts[topic] for topic in topics), unit="message"):
                shown.add(each.topic, bag.types[each.topic], each.log_ns, each.message)
        except BagError as error:
            print(f"warning: {error}")
        finally:
            shown.close()
    if shown.skipped:
        print(f"warning: {shown.skipped} messages could not be shown; the text log in rerun says why")
    if config.save:
        print(f"{config.save}: open it with `rerun {config.save}`")
    return 0


def _view_live(config: ViewConfig) -> int:
    try:
        # Not above: a recorded run needs no ROS.
        from arvla_ros.nodes import view
    except ImportError as error:
        raise ViewError(f"--live needs ROS 2 ({error}): source it, or `pip install ./roslite`") from error
    parameters = ["-p", f"robot_name:={config.prefix.strip('/')}"]
    if config.save:
        parameters += ["-p", f"save:={config.save}"]
    return view.main(["--ros-args", *parameters])
