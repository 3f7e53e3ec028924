"""Runs `newsark` with a kill in wait at one named step, and notes what the archive acknowledged.

    python -m benchmarks.crashpoints --acks FILE [--point NAME --mark FILE] -- crawl …

The table says what function a step is, in words of the program alone: nothing in it knows of this file. At its point
the whole process group is ended with SIGKILL, so start it in a session of its own. `--list` names the points;
`--acks` gets a line for each group of visits when `Archive.settle` has returned: that is what may not be lost.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FETCH = "crawler.wire:Wire.fetch"
SEAL = "storage.segment:Segment.seal"
RECOVER = "storage.archive:Archive.recover"
SETTLE = "storage.archive:Archive.settle"


@dataclass(frozen=True, slots=True)
class Point:
    """A step of the program: the `hit`-th time `target` begins or ends, after each of `armed_by` was called once."""

    name: str
    target: str
    when: Literal["before", "after"]
    hit: int = 1
    armed_by: tuple[str, ...] = (FETCH,)


_SEALING = (FETCH, SEAL)
_PUT = "storage.directory:DirectoryStore.put_file"
_LINK = "storage.directory:DirectoryStore._link"

POINTS = (
    Point("a response has come", FETCH, "after", 9),
    Point("an exchange is appended", "storage.segment:Segment.append", "after", 9),
    Point("lines are appended, nothing is flushed", "storage.segment:Segment.flush", "before", 4),
    Point("the WARC is flushed, the lines are not", "storage.appendfile:AppendFile.flush", "after", 4),
    Point("the segment is flushed, nothing is committed", "storage.segment:Segment.flush", "after", 4),
    Point("in the transaction, before the acknowledgement", "storage.leads:Leads.acknowledge", "before", 2),
    Point("in the transaction, after the acknowledgement", "storage.leads:Leads.acknowledge", "after", 2),
    Point("acknowledged", SETTLE, "after", 2),
    Point("leads are leased", "storage.leads:Leads.lease", "after", 3),
    Point("a segment begins", "storage.segment:Segment.create", "before", 1, _SEALING),
    Point("a segment's number is taken, it has no file", "storage.segment:next_serial", "after", 1, _SEALING),
    Point("a segment's files are made, its first record is not", "storage.segment:Segment.__init__", "after", 1),
    Point("a segment has begun", "storage.segment:Segment.create", "after", 1, _SEALING),
    Point("sealing begins", SEAL, "before", 1, (FETCH,)),
    Point("sealing: the index is written", "storage.segment:write_durably", "after", 1, _SEALING),
    Point("sealing: the records are written", "storage.segment:write_durably", "after", 2, _SEALING),
    Point("sealing: the events are written", "storage.segment:write_durably", "after", 3, _SEALING),
    Point("sealing: the WARC has its name, there is no note", "storage.segment:sealed_part", "before", 1, _SEALING),
    Point("sealing: before the note", "storage.sealed:SealedSegment.keep_note", "before", 1, _SEALING),
    Point("sealing: after the note", "storage.sealed:SealedSegment.keep_note", "after", 1, _SEALING),
    Point("sealed, not stored", SEAL, "after", 1, (FETCH,)),
    Point("storing: before the WARC", _PUT, "before", 1, _SEALING),
    Point("storing: an object has two names", _LINK, "after", 1, _SEALING),
    Point("storing: after the WARC", _PUT, "after", 1, _SEALING),
    Point("storing: after the index", _PUT, "after", 2, _SEALING),
    Point("storing: after the records", _PUT, "after", 3, _SEALING),
    Point("storing: after the events, before the manifest", _PUT, "after", 4, _SEALING),
    Point("storing: the manifest is written beside the segment", "storage.archive:write_durably", "after", 1, _SEALING),
    Point("storing: the segment is a row", "storage.segments:Segments.add", "after", 1, _SEALING),
    Point("storing: the manifest is stored", _PUT, "after", 5, _SEALING),
    Point("storing: before the local files are removed", "storage.sealed:SealedSegment.forget", "before", 1, _SEALING),
    Point("storing: after the local files are removed", "storage.sealed:SealedSegment.forget", "after", 1, _SEALING),
    Point("recovery: segments are found, none is stored", "storage.archive:recover", "after", 1, ()),
    Point("recovery: a segment is sealed, not stored", SEAL, "after", 1, (RECOVER,)),
    Point("recovery: an object is stored", _PUT, "after", 1, (RECOVER,)),
    Point("recovery: done, leases are still out", RECOVER, "after", 1, ()),
)
"""Steps of a crawl."""

ERASING = (
    Point("erasing: objects are rewritten, there is no journal", "storage.erasing.carrying:rewrite", "after", 1, ()),
    Point("erasing: in the transaction", "storage.wordindex:WordIndex.remove", "after", 1, ()),
    Point("erasing: an object is replaced", "storage.directory:DirectoryStore.replace", "after", 1, ()),
)
"""Steps of an erasure."""

_EVERY = (*POINTS, *ERASING)


def point(name: str) -> Point:
    """The point of that name."""
    return next(one for one in _EVERY if one.name == name)


def missing() -> list[str]:
    """The targets that do not exist in the program as it is now."""
    return sorted({target for one in _EVERY for target in (one.target, *one.armed_by) if not _exists(target)})


def _exists(target: str) -> bool:
    try:
        _place(target)
    except (ImportError, AttributeError):
        return False
    return True


def _place(target: str) -> tuple[Any, str, Any]:
    """Where a function hangs, under which name, and what hangs there: the function as it was defined."""
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, name, inspect.getattr_static(owner, name)


def _wrap(target: str, before: Callable[[], None], after: Callable[[tuple[Any, ...], Any], None]) -> None:
    """Call `before` when the function begins and `after` when it has returned."""
    owner, name, defined = _place(target)
    function = defined.__func__ if isinstance(defined, classmethod | staticmethod) else defined
    wrapped: Callable[..., Any]
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            before()
            result = await function(*args, **kwargs)
            after(args, result)
            return result
    else:

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            before()
            result = function(*args, **kwargs)
            after(args, result)
            return result

    setattr(owner, name, type(defined)(wrapped) if isinstance(defined, classmethod | staticmethod) else wrapped)


class Trap:
    """Waits for its point and ends the process group there."""

    def __init__(self, wanted: Point, mark: Path) -> None:
        self.wanted = wanted
        self.mark = mark
        self.called = 0
        self.hits = 0

    def set(self) -> None:
        for number, target in enumerate(self.wanted.armed_by):
            _wrap(target, functools.partial(self._armed, number), lambda _args, _result: None)
        if self.wanted.when == "before":
            _wrap(self.wanted.target, self._hit, lambda _args, _result: None)
        else:
            _wrap(self.wanted.target, lambda: None, lambda _args, _result: self._hit())

    def _armed(self, number: int) -> None:
        if number == self.called:
            self.called += 1

    def _hit(self) -> None:
        if self.called < len(self.wanted.armed_by):
            return
        self.hits += 1
        if self.hits == self.wanted.hit:
            fd = os.open(self.mark, os.O_WRONLY | os.O_CREAT, 0o644)
            os.write(fd, self.wanted.name.encode())
            os.killpg(0, signal.SIGKILL)


def note_acknowledgements(path: Path) -> None:
    """Write what `Archive.settle` acknowledged to a file, as soon as it has returned."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def after(args: tuple[Any, ...], _result: Any) -> None:
        done = [[one.lead_id, one.state, one.capture_record_id] for one in args[2].acknowledgements]
        os.write(fd, json.dumps(done).encode() + b"\n")

    _wrap(SETTLE, lambda: None, after)


def flush_nothing() -> None:
    """Let segments believe that they are flushed: a program that a medium which forgets must find out."""
    importlib.import_module("storage.appendfile").__dict__["flush_to_medium"] = lambda _fd: None


def main(arguments: Sequence[str]) -> int:
    """Run `newsark`, or say what points there are; 1 when the program has a point no longer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--acks", type=Path)
    parser.add_argument("--point", choices=[one.name for one in _EVERY])
    parser.add_argument("--mark", type=Path)
    parser.add_argument("--without-flush", action="store_true")
    parser.add_argument("command", nargs="*", help="what `newsark` is called with")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{one.name}: {one.when} {one.target}, {one.hit}" for one in _EVERY))
        return 1 if missing() else 0
    if options.acks:
        note_acknowledgements(options.acks)
    if options.without_flush:
        flush_nothing()
    if options.point:
        Trap(point(options.point), options.mark).set()
    from newsark.cli import run

    sys.argv = ["newsark", *options.command]
    return int(run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
