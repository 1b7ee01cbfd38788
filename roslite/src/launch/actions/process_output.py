"""From pieces of output to logged lines."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable


class ProcessOutput:
    """Logs what a process prints, line by line."""

    def __init__(self, loggers: tuple[logging.Logger, logging.Logger], format_line: Callable[[str], str]) -> None:
        """Create it with the loggers of stdout and stderr."""
        self.__loggers = {1: loggers[0], 2: loggers[1]}
        self.__format_line = format_line
        self.__decoders = {fd: codecs.getincrementaldecoder("utf-8")(errors="replace") for fd in self.__loggers}
        self.__unfinished = dict.fromkeys(self.__loggers, "")

    def write(self, fd: int, data: bytes) -> None:
        """Log the lines that are complete with this piece, printed to 1 (stdout) or 2 (stderr)."""
        *lines, rest = (self.__unfinished[fd] + self.__decoders[fd].decode(data)).split("\n")
        self.__unfinished[fd] = rest
        for line in lines:
            self.__log(fd, line)

    def flush(self) -> None:
        """Log what is left without the end of its line."""
        for fd, rest in self.__unfinished.items():
            if rest:
                self.__unfinished[fd] = ""
                self.__log(fd, rest)

    def __log(self, fd: int, line: str) -> None:
        self.__loggers[fd].info(self.__format_line(line))
