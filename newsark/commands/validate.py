"""`newsark validate`: do files keep to WARC 1.1 or WACZ 1.1.1?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.text import Text

from newsark.console import counted, err, plain, print_json, say, say_line
from newsark.options import JsonOption
from storage.errors import BadSetting, NotAFile

if TYPE_CHECKING:
    from storage.validation.faults import Fault, Severity, Verdict

STANDARD_INPUT = "-"
BUCKETS = "s3://"
MOST_SHOWN = 5
LONG_BYTES = 50_000_000


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="WARC or WACZ files, s3://bucket/key, or - for standard input.")
    ],
    json: JsonOption = False,
) -> None:
    """Hold WARC and WACZ files to every rule of WARC 1.0, WARC 1.1 and WACZ 1.1.1.

    Each fault is told with record, offset and clause. Exit code 1 when a file has errors; warnings are allowed.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise NotAFile(STANDARD_INPUT, "standard input can be read once")
    openers = [_opener(name) for name in files]
    results: list[tuple[bool, int]] = []
    for name, opener in zip(files, openers, strict=True):
        verdict = _verdict(name, opener)
        results.append((verdict.ok, verdict.records))
        if json:
            print_json(verdict.facts())
        else:
            _print_verdict(verdict)
    if not json:
        _print_sum(results)
    if not all(ok for ok, _ in results):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Opened:
    file: BinaryIO
    name: str | None
    size_bytes: int | None


def _opener(name: str) -> Callable[[], _Opened]:
    """What opens a file. Raises NotAFile before anything is read, so that a wrong word costs no waiting."""
    if name == STANDARD_INPUT:
        return lambda: _Opened(sys.stdin.buffer, None, None)
    if name.startswith(BUCKETS):
        return _object_opener(name)
    path = Path(name)
    if path.is_dir():
        raise NotAFile(name, "is a directory; name the files in it")
    if not path.exists():
        raise NotAFile(name, "no such file")
    # a pipe has no size
    size = path.stat().st_size if path.is_file() else None
    return lambda: _Opened(path.open("rb"), path.name, size)


def _object_opener(name: str) -> Callable[[], _Opened]:
    place, _, key = name.rpartition("/")
    if not key or "/" not in name.removeprefix(BUCKETS).lstrip("/"):
        raise NotAFile(name, "names no object; write s3://bucket/key")

    def opener() -> _Opened:
        from newsark.archiveplace import store_settings
        from newsark.home import Home
        from storage.stores import open_store
        from storage.validation.objectfile import open_object

        # endpoint and credentials are those of the settings here; the place is the object's own
        file = open_object(open_store(store_settings(Home.here(archive=place).settings)[0]), key)
        size = file.seek(0, 2)
        file.seek(0)
        return _Opened(file, key, size)

    return opener


def _verdict(name: str, opener: Callable[[], _Opened]) -> Verdict:
    from storage.validation.validator import validate as validate_file

    try:
        opened = opener()
    except PermissionError as problem:
        raise NotAFile(name, "may not be read; check its permissions") from problem
    except BadSetting as problem:
        raise NotAFile(name, str(problem)) from problem
    with opened.file, _progress(name, opened.size_bytes) as on_read:
        return validate_file(opened.file, name, opened.name, on_read=on_read)


def _print_verdict(verdict: Verdict) -> None:
    counts = _counts(verdict)
    mark, style = ("✓", "green") if verdict.ok else ("✗", "red")
    if verdict.ok and counts["warning"]:
        style = "yellow"
    facts = [counted(verdict.records, "record"), *_told(counts)]
    say_line(Text.assemble((mark, f"bold {style}"), f" {plain(verdict.file)}", f"  {', '.join(facts)}"))
    for severity in ("error", "warning"):
        of_severity = [fault for fault in verdict.faults if fault.severity == severity]
        for rule in dict.fromkeys(fault.rule for fault in of_severity):
            _print_rule([fault for fault in of_severity if fault.rule == rule], verdict.unlisted.get(rule, 0))


def _print_rule(faults: Sequence[Fault], unlisted: int) -> None:
    from storage.validation.validator import RULES

    first = faults[0]
    style = "red" if first.severity == "error" else "yellow"
    rule = RULES[first.rule]
    heading = ((f"  {first.severity} ", style), (first.rule, f"bold {style}"), f"  {rule.sentence} ")
    say_line(Text.assemble(*heading, (f"({rule.clause})", "dim")))
    for fault in faults[:MOST_SHOWN]:
        place = [f"record {fault.record:,}"] if fault.record is not None else []
        place += [f"offset {fault.offset:,}"] if fault.offset is not None else []
        say(f"{', '.join(place)}{': ' if place else ''}{fault.message}", indent=4)
    more = len(faults) + unlisted - MOST_SHOWN
    if more > 0:
        say(f"and {more:,} more{'' if unlisted else ': --json lists them'}", "dim", indent=4)


def _print_sum(results: Sequence[tuple[bool, int]]) -> None:
    wrong = sum(not ok for ok, _ in results)
    records = sum(count for _, count in results)
    files = f"{counted(len(results), 'file')}, {counted(records, 'record')}"
    if wrong:
        say(f"{files}: {len(results) - wrong:,} ok, {wrong:,} with errors", "bold red")
    else:
        say(f"{files}: all ok", "bold green")


def _counts(verdict: Verdict) -> Counter[Severity]:
    from storage.validation.validator import RULES

    counts: Counter[Severity] = Counter(fault.severity for fault in verdict.faults)
    for rule, count in verdict.unlisted.items():
        counts[RULES[rule].severity] += count
    return counts


def _told(counts: Counter[Severity]) -> list[str]:
    return [counted(counts[severity], severity) for severity in ("error", "warning") if counts[severity]]


@contextmanager
def _progress(name: str, size_bytes: int | None) -> Iterator[Callable[[int], None] | None]:
    """What to tell of bytes as they are read: a bar for a long file on a terminal, else None."""
    if not err.is_terminal or (size_bytes is not None and size_bytes < LONG_BYTES):
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("{task.description}", *columns, console=err, transient=True) as bar:
        task = bar.add_task(plain(name.rpartition("/")[2] or name), total=size_bytes)
        yield lambda count: bar.advance(task, count)
