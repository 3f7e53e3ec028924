"""The log: every event of every room, and what other libraries warn of, one line each, as text or as JSON."""

from __future__ import annotations

import logging
import logging.handlers
import secrets
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from rich.text import Text

from newsark.console import err, plain
from newsark.redaction import Cleaner, secrets_of
from newsark.settings import FILE
from storage.errors import BadSetting
from storage.log import SOURCE, Said

if TYPE_CHECKING:
    from newsark.settings import NewsarkSettings

ROOMS = ("newsark", "crawler", "reading", "pipelines", "storage")
FIRST = ("timestamp", "level", "event", "run", "source")
Facts = MutableMapping[str, Any]


def begin_logs(settings: NewsarkSettings, handler: logging.Handler | None = None) -> str:
    """Write log lines from now on, as the settings say; the id of this run, which is in each of them.

    With a `handler` they are given to that, as they are. Raises BadSetting when the file cannot be written to.
    """
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    level = logging.getLevelName(settings.log_level.upper())
    if handler is None:
        handler = _handler(settings)
        handler.setFormatter(_formatter(settings, run))
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or record.name.partition(".")[0] in ROOMS)
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Console | _File)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    for room in ROOMS:
        logging.getLogger(room).setLevel(level)
    logging.captureWarnings(True)
    return run


class _File(logging.handlers.WatchedFileHandler):
    """A file that may be moved away by others."""


class _Console(logging.StreamHandler["_Beside"]):
    """Standard error."""


class _Beside:
    """Standard error beside live lines: on a terminal what draws them must know of every other line."""

    def write(self, text: str) -> None:
        if err.is_terminal:
            err.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)
        else:
            sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _handler(settings: NewsarkSettings) -> logging.Handler:
    if settings.log_file is None:
        return _Console(_Beside())
    path = Path(settings.log_file).expanduser()
    try:
        return _File(path, encoding="utf-8")
    except OSError as problem:
        raise BadSetting(FILE, "log_file", f"{path} cannot be written to: {problem.strerror}") from problem


def _formatter(settings: NewsarkSettings, run: str) -> logging.Formatter:
    cleaner = Cleaner(secrets_of(settings))

    def told(_: Any, __: str, facts: Facts) -> Facts:
        return _facts(facts, run)

    def cleaned(_: Any, __: str, facts: Facts) -> Facts:
        # what comes first is all our own
        return {name: facts.pop(name) for name in FIRST} | cleaner.of(facts)

    colours = settings.log_file is None and err.is_terminal and not err.no_color
    render = _as_json if settings.log_format == "json" else _as_text(colours=colours)
    processors: list[Any] = [told, structlog.processors.format_exc_info, cleaned, render]
    return structlog.stdlib.ProcessorFormatter(processors=processors)


def _facts(facts: Facts, run: str) -> Facts:
    """The facts of a record, those that every line has first."""
    record: logging.LogRecord = facts["_record"]
    at = datetime.fromtimestamp(record.created, UTC)
    fixed = {"timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z", "level": record.levelname.lower()}
    told: Facts
    if isinstance(record.msg, Said):
        message = {"message": record.msg.sentence} if record.msg.sentence else {}
        told = {"event": record.msg.event, **message, **record.msg.facts}
    else:
        told = {"event": "message", "message": facts["event"], "logger": record.name}
    if facts.get("exc_info"):
        told["exc_info"] = facts["exc_info"]
    fixed |= {"event": told.pop("event"), "run": run}
    return {**fixed, "source": told.pop("source", None) or SOURCE.get(), **told}


def _as_json(_: Any, __: str, facts: Facts) -> str:
    return orjson.dumps(facts, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _as_text(*, colours: bool) -> Callable[[Any, str, Facts], str]:
    """A line for people: the sentence where there is one, else the event with its facts."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours, pad_event_to=0, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def rendered(logger: Any, name: str, facts: Facts) -> str:
        shown = {key: _in_a_line(key, value) for key, value in facts.items() if value is not None and key != "run"}
        sentence = shown.pop("message", None)
        if sentence is not None:
            kept = ("timestamp", "level", "exception", "source", "logger")
            shown = {"event": sentence, **{key: value for key, value in shown.items() if key in kept}}
        return str(renderer(logger, name, shown))

    return rendered


def _in_a_line(name: str, value: Any) -> Any:
    """What a page says may neither steer the terminal nor look like another line."""
    if not isinstance(value, str):
        return value
    return plain(value) if name == "exception" else " ".join(plain(value).split())
