"""Which topics are recorded or played."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ros2cli.command import CommandError
from ros2cli.graph import absolute, is_hidden


@dataclass(frozen=True)
class TopicFilter:
    """A choice of topics by name.

    Attributes:
        names: the topics that are asked for by name; empty for all.
        include: what a name must contain.
        exclude: what a name must not contain.
        hidden: whether hidden topics are taken too.
    """

    names: frozenset[str]
    include: re.Pattern[str] | None
    exclude: re.Pattern[str] | None
    hidden: bool

    def takes(self, topic: str) -> bool:
        """Whether a topic is taken."""
        if self.names and topic not in self.names:
            return False
        if self.exclude is not None and self.exclude.search(topic):
            return False
        if self.include is not None and not self.include.search(topic):
            return False
        return self.hidden or not is_hidden(topic)


def topic_filter(names: list[str], include: str, exclude: str, *, hidden: bool) -> TopicFilter:
    """Return the filter that the command line describes; empty strings say nothing.

    Raises:
        CommandError: a regular expression is malformed.
    """
    return TopicFilter(frozenset(map(absolute, names)), _pattern(include), _pattern(exclude), hidden)


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise CommandError(f"[ERROR] [ros2bag]: '{text}' is no regular expression: {error}") from error
