"""What happens, as events with facts, in Python's own logging under each file's name.

An event has a short name that stays the same (`segment-sealed`), facts by name, and where people are to act on it a
sentence. Nothing is made into text before somebody wants the line. How lines look is for whoever sets up logging; the
command line does (newsark/logs.py), a program of somebody else's may do it in its own way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

SOURCE: ContextVar[str | None] = ContextVar("source", default=None)
"""The source that is being worked on, for events that do not name one themselves."""


class Said:
    """An event as the message of a log record; its text is the sentence, or the event with its facts."""

    __slots__ = ("event", "facts", "sentence")

    def __init__(self, event: str, sentence: str, facts: Mapping[str, object]) -> None:
        self.event, self.sentence, self.facts = event, sentence, facts

    def __str__(self) -> str:
        return self.sentence or " ".join([self.event, *(f"{name}={value}" for name, value in self.facts.items())])


class Log:
    """The events of one file."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    @property
    def tells_all(self) -> bool:
        """Whether debug events are wanted; asked where making their facts would cost something."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, event: str, sentence: str = "", /, **facts: object) -> None:
        """One of very many: a visit, an exchange."""
        self._say(logging.DEBUG, event, sentence, facts)

    def info(self, event: str, sentence: str = "", /, **facts: object) -> None:
        """What a reader of the log wants to find later."""
        self._say(logging.INFO, event, sentence, facts)

    def warning(self, event: str, sentence: str = "", /, **facts: object) -> None:
        """What somebody may have to act on."""
        self._say(logging.WARNING, event, sentence, facts)

    def error(self, event: str, sentence: str = "", problem: BaseException | None = None, /, **facts: object) -> None:
        """What went wrong and should not have; with the traceback of `problem`."""
        self._say(logging.ERROR, event, sentence, facts, problem)

    def _say(
        self, level: int, event: str, sentence: str, facts: Mapping[str, object], problem: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, Said(event, sentence, facts), exc_info=problem, stacklevel=3)


@contextmanager
def about_source(source_id: str) -> Iterator[None]:
    """Name this source in all events of the block, and of the tasks that begin in it."""
    token = SOURCE.set(source_id)
    try:
        yield
    finally:
        SOURCE.reset(token)
