"""`ros2 pkg xml`."""

from __future__ import annotations

import argparse
import os
from xml.etree import ElementTree

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from ros2cli.command import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package_name", help="The package name")
    parser.add_argument("-t", "--tag", help="The XML tag to output (e.g. 'version')")


def main(args: argparse.Namespace) -> None:
    """Print the manifest, or the text of one kind of tag in it."""
    try:
        path = os.path.join(get_package_share_directory(args.package_name), "package.xml")
    except PackageNotFoundError as error:
        raise CommandError("Package not found") from error
    if not os.path.isfile(path):
        raise CommandError("Package XML manifest not found")
    root = ElementTree.parse(path).getroot()
    if args.tag is None:
        print(ElementTree.tostring(root, encoding="unicode"))
        return
    elements = root.findall(args.tag)
    if not elements:
        raise CommandError("XML tag not found")
    for element in elements:
        print(element.text)
