"""The table of commands. A new verb is a module and a line here."""

from __future__ import annotations

from .command import Command, Verb

COMMANDS = {
    "bag": Command(
        "Various rosbag related sub-commands",
        verbs={
            "info": Verb("bag.info", "Print information about a bag to the screen"),
            "play": Verb("bag.play", "Play back ROS data from a bag"),
            "record": Verb("bag.record", "Record ROS data to a bag"),
            "reindex": Verb("bag.reindex", "Reconstruct metadata file for a bag"),
        },
    ),
    "interface": Command(
        "Show information about ROS interfaces",
        verbs={
            "list": Verb("interface.list", "List all interface types available"),
            "packages": Verb("interface.packages", "Output a list of packages that provide interfaces"),
            "proto": Verb("interface.proto", "Output an interface prototype"),
            "package": Verb("interface.package", "Output a list of available interface types within one package"),
            "show": Verb("interface.show", "Output the interface definition"),
        },
    ),
    "launch": Command("Run a launch file", module="launch"),
    "lifecycle": Command(
        "Various lifecycle related sub-commands",
        verbs={
            "get": Verb("lifecycle.get", "Get lifecycle state for one or more nodes"),
            "list": Verb("lifecycle.list", "Output a list of available transitions"),
            "nodes": Verb("lifecycle.nodes", "Output a list of nodes with lifecycle"),
            "set": Verb("lifecycle.set", "Trigger lifecycle state transition"),
        },
    ),
    "node": Command(
        "Various node related sub-commands",
        verbs={
            "info": Verb("node.info", "Output information about a node"),
            "list": Verb("node.list", "Output a list of available nodes"),
        },
    ),
    "param": Command(
        "Various param related sub-commands",
        verbs={
            "delete": Verb("param.delete", "Delete parameter"),
            "describe": Verb("param.describe", "Show descriptive information about declared parameters"),
            "dump": Verb("param.dump", "Show all of the parameters of a node in a YAML file format"),
            "get": Verb("param.get", "Get parameter"),
            "list": Verb("param.list", "Output a list of available parameters"),
            "load": Verb("param.load", "Load parameter file for a node"),
            "set": Verb("param.set", "Set parameter"),
        },
    ),
    "pkg": Command(
        "Various package related sub-commands",
        verbs={
            "executables": Verb("pkg.executables", "Output a list of package specific executables"),
            "list": Verb("pkg.list", "Output a list of available packages"),
            "prefix": Verb("pkg.prefix", "Output the prefix path of a package"),
            "xml": Verb("pkg.xml", "Output the XML of the package manifest or a specific tag"),
        },
    ),
    "run": Command("Run a package specific executable", module="run"),
    "service": Command(
        "Various service related sub-commands",
        verbs={
            "call": Verb("service.call", "Call a service"),
            "find": Verb("service.find", "Output a list of available services of a given type"),
            "list": Verb("service.list", "Output a list of available services"),
            "type": Verb("service.type", "Output a service's type"),
        },
    ),
    "topic": Command(
        "Various topic related sub-commands",
        verbs={
            "bw": Verb("topic.bw", "Display bandwidth used by topic"),
            "delay": Verb("topic.delay", "Display delay of topic from timestamp in header"),
            "echo": Verb("topic.echo", "Output messages from a topic"),
            "find": Verb("topic.find", "Output a list of available topics of a given type"),
            "hz": Verb("topic.hz", "Print the average publishing rate to screen"),
            "info": Verb("topic.info", "Print information about a topic"),
            "list": Verb("topic.list", "Output a list of available topics"),
            "pub": Verb("topic.pub", "Publish a message to a topic"),
            "type": Verb("topic.type", "Print a topic's type"),
        },
    ),
}
