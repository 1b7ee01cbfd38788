"""The rules that names of nodes, topics and services follow, and how they become absolute."""

import re

_BAD_CHARACTER = {
    "node": re.compile(r"[^A-Za-z0-9_]"),
    "namespace": re.compile(r"[^A-Za-z0-9_/]"),
    "topic": re.compile(r"[^A-Za-z0-9_/~{}]"),
}

Problem = tuple[str, int]
"""What is wrong with a name, and at which character."""


def problem_of_node_name(name: str) -> Problem | None:
    """Return what is wrong with the name of a node, None if nothing is."""
    if not name:
        return "node name must not be empty", 0
    if bad := _BAD_CHARACTER["node"].search(name):
        return "node name must not contain characters other than alphanumerics or '_'", bad.start()
    if name[0].isdigit():
        return "node name must not start with a number", 0
    return None


def problem_of_namespace(name: str) -> Problem | None:
    """Return what is wrong with a namespace, None if nothing is."""
    if not name:
        return "namespace must not be empty", 0
    if not name.startswith("/"):
        return "namespace must be absolute, it must lead with a '/'", 0
    if len(name) > 1 and name.endswith("/"):
        return "namespace must not end with a '/', unless only a '/'", len(name) - 1
    if bad := _BAD_CHARACTER["namespace"].search(name):
        return "namespace must not contain characters other than alphanumerics, '_', or '/'", bad.start()
    return _problem_of_tokens(name, "namespace")


def problem_of_topic_name(name: str) -> Problem | None:
    """Return what is wrong with the name of a topic or service as a program gives it, None if nothing is."""
    if not name:
        return "topic name must not be empty string", 0
    if name.endswith("/"):
        return "topic name must not end with a forward slash", len(name) - 1
    if bad := _BAD_CHARACTER["topic"].search(name):
        return "topic name must not contain characters other than alphanumerics, '_', '~', '{', or '}'", bad.start()
    tilde = name.rfind("~")
    if tilde > 0:
        return "topic name must not contain '~' anywhere but at the start", tilde
    if name.startswith("~") and len(name) > 1 and name[1] != "/":
        return "topic name must have a forward slash after a tilde", 1
    without = re.sub(r"\{[A-Za-z_][A-Za-z0-9_]*\}", lambda match: "x" * len(match[0]), name)
    if brace := re.search(r"[{}]", without):
        return "topic name has unbalanced curly braces, or no name between them", brace.start()
    return _problem_of_tokens(name, "topic name")


def problem_of_full_topic_name(name: str) -> Problem | None:
    """Return what is wrong with an absolute name of a topic or service, None if nothing is."""
    if not name.startswith("/"):
        return "topic name must be absolute, it must lead with a '/'", 0
    if bad := _BAD_CHARACTER["namespace"].search(name):
        return "topic name must not contain characters other than alphanumerics, '_', or '/'", bad.start()
    return problem_of_topic_name(name)


def _problem_of_tokens(name: str, what: str) -> Problem | None:
    if (index := name.find("//")) >= 0:
        return f"{what} must not contain repeated '/'", index + 1
    if number := re.search(r"(?:^|/)([0-9])", name):
        return f"{what} token must not start with a number", number.start(1)
    return None


def expand(name: str, node_name: str, namespace: str) -> str:
    """Return the absolute name that a relative (``a``), private (``~/a``) or absolute (``/a``) one stands for."""
    name = name.replace("{node}", node_name).replace("{ns}", namespace.strip("/")).replace("{namespace}", namespace)
    if name.startswith("/"):
        return name
    if name.startswith("~"):
        return join(join(namespace, node_name), name[1:].lstrip("/")) if len(name) > 1 else join(namespace, node_name)
    return join(namespace, name)


def join(namespace: str, name: str) -> str:
    """Return ``name`` inside ``namespace``."""
    return f"{namespace.rstrip('/')}/{name}"
