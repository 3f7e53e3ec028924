"""The indexes of a WACZ package held to CDXJ 0.1.0 and to the records that they lead to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from storage.urlkeys import urlkey
from storage.validation.bytesflow import GZIP_MAGIC, FileFlow, GzipFlow, Readable
from storage.validation.fieldsyntax import parse_digest
from storage.validation.recordrules import target_of
from storage.validation.warcvalidator import FramedRecord

Tell = Callable[[str, str, int | None, int | None], None]
"""What is told of a fault: its rule, its message, the number of the line and its offset in the index."""

INDEX_NAME = re.compile(r"indexes/[^/]+\.(?:cdxj?(?:\.gz)?|idx)")
LINE_LIMIT_BYTES = 16 * 1024 * 1024
_FIELDS = ("url", "digest", "mime", "filename", "offset", "length", "status")
_LINE = re.compile(rb"([^ ]+) ([0-9]{14}|[0-9]{17}) (\{.*\})", re.DOTALL)
_HTTP = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#]*)", re.IGNORECASE)
_INDEXED = ("response", "resource", "revisit")


@dataclass(frozen=True, slots=True)
class Target:
    """A record that an index may lead to. Texts that are only compared stand there as hashes."""

    length: int
    kind: str
    url: int
    digits: str
    payload: tuple[str | None, bytes] | None
    is_wanted: bool


class Targets:
    """The records of all WARC files of a package, by file name and offset; and what was looked up so far."""

    def __init__(self) -> None:
        self._files: dict[str, dict[int, Target]] = {}
        self._found: dict[str, set[int]] = {}
        self.urls: set[int] = set()

    def taker(self, name: str) -> Callable[[FramedRecord], None]:
        """What takes the records of the WARC file called `name`."""
        records = self._files.setdefault(name, {})
        self._found.setdefault(name, set())

        def take(record: FramedRecord) -> None:
            header, payload = record.header, record.payload
            digest = (payload.algorithm, payload.value) if payload and payload.value else None
            digits = re.sub(r"\D", "", header.values.get("warc-date", ""))[:17]
            # a 304 replays as nothing, and what is no HTTP cannot be looked up by status
            wanted = header.record_type in _INDEXED and record.status != 304
            kind = header.record_type
            records[record.offset] = Target(record.length, kind, hash(target_of(header)), digits, digest, wanted)

        return take

    def files(self) -> Iterable[str]:
        """The names of the WARC files."""
        return self._files

    def look_up(self, name: str, offset: int) -> Target | None:
        """The record at that place, which counts as found."""
        target = self._files[name].get(offset)
        if target:
            self._found[name].add(offset)
        return target

    def not_found(self, name: str) -> Iterator[int]:
        """Offsets of the records of a file that no index leads to."""
        found = self._found[name]
        return (offset for offset, target in self._files[name].items() if target.is_wanted and offset not in found)


def check_index(lines: Iterable[tuple[int, bytes]], targets: Targets, tell: Tell) -> int:
    """How many lines a CDXJ index has; `lines` are (offset, line) and `tell` is told what is wrong with them."""
    count, last = 0, b""
    for offset, line in lines:
        count += 1
        if line < last:
            tell("index-sorted", f"line {count} stands behind {last[:80].decode('utf-8', 'replace')!r}", None, offset)
        last = line
        _check_line(line, count, offset, targets, tell)
    return count


def _check_line(line: bytes, number: int, offset: int, targets: Targets, tell: Tell) -> None:
    def told(rule: str, message: str) -> None:
        tell(rule, f"line {number}: {message}", None, offset)

    parsed = parse_line(line)
    if parsed is None:
        told("index-line", f"{line[:80].decode('utf-8', 'replace')!r} is no line of CDXJ")
        return
    key, digits, facts = parsed
    missing = [name for name in _FIELDS if name not in facts]
    if missing:
        told("index-field", f"it lacks {', '.join(missing)}")
        return
    url, name = str(facts["url"]), str(facts["filename"])
    targets.urls.add(hash(url))
    if "__wb_method=" not in key and key not in (urlkey(url), _plain_key(url)):
        told("index-key", f"the key of {url} is {urlkey(url)}, not {key}")
    place, length = number_of(facts["offset"]), number_of(facts["length"])
    if place is None or length is None:
        told("index-field", "offset or length is no number")
    elif name not in targets.files():
        told("index-filename", f"archive/ has no {name}")
    else:
        _compare(facts, digits, targets.look_up(name, place), (place, length), told)


def _compare(
    facts: dict[str, Any],
    digits: str,
    target: Target | None,
    place: tuple[int, int],
    told: Callable[[str, str], None],
) -> None:
    offset, length = place
    name = facts["filename"]
    if target is None:
        told("index-record", f"no record begins at offset {offset} of {name}")
        return
    # the two CRLF after a record that is not compressed are counted by some and not by others
    if length not in (target.length, target.length - 4):
        told("index-record", f"the record at offset {offset} of {name} has {target.length} bytes, not {length}")
    if hash(str(facts["url"])) != target.url:
        told("index-url", f"the record at offset {offset} of {name} is not of {facts['url']}")
    known = min(len(digits), len(target.digits))
    if digits[:known] != target.digits[:known] and digits[:14] != target.digits[:14]:
        told("index-time", f"the record at offset {offset} of {name} is of {target.digits}, not {digits}")
    digest = parse_digest(str(facts["digest"]))
    comparable = target.payload and digest.value is not None and digest.algorithm == target.payload[0]
    if comparable and target.payload and digest.value != target.payload[1]:
        told("index-digest", f"the record at offset {offset} of {name} has another payload digest")
    if (facts["mime"] == "warc/revisit") != (target.kind == "revisit"):
        told("index-revisit", f"the record at offset {offset} of {name} is a {target.kind}, its mime {facts['mime']}")


def parse_line(line: bytes) -> tuple[str, str, dict[str, Any]] | None:
    """Key, timestamp and JSON object of a CDXJ line, or None when it is none."""
    found = _LINE.fullmatch(line)
    if not found:
        return None
    try:
        facts = orjson.loads(found[3])
        key = found[1].decode("utf-8")
    except ValueError:
        return None
    return (key, found[2].decode("ascii"), facts) if isinstance(facts, dict) else None


def number_of(value: object) -> int | None:
    """The number that a field holds, as a number or, as many tools write it, in a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _plain_key(url: str) -> str | None:
    """The key as CDXJ 0.1.0 tells to make it, which keeps what others leave out."""
    found = _HTTP.match(url)
    if not found:
        return None
    host = ",".join(reversed(found[1].split(".")))
    return f"{host}){url[found.end() :]}".lower()


def lines_of(file: Readable) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of each line, without its end; a line beyond the limit is cut into several."""
    offset, held = 0, b""
    while piece := file.read(256 * 1024):
        *lines, held = (held + piece).split(b"\n")
        if len(held) > LINE_LIMIT_BYTES:
            lines, held = [*lines, held], b""
        for line in lines:
            yield offset, line.removesuffix(b"\r")
            offset += len(line) + 1
    if held:
        yield offset, held


class DamagedIndex(Exception):
    """A compressed index that cannot be unpacked whole."""


class Unpacked:
    """What the gzip members of a file hold, as a file. Raises DamagedIndex when they are not whole."""

    def __init__(self, file: Readable) -> None:
        self._packed = FileFlow(file)
        self._members = GzipFlow(self._packed)
        self._members.open_member()

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        while True:
            if piece := self._members.take(size):
                return piece
            if damage := self._members.damage:
                raise DamagedIndex(damage.message)
            if not self._packed.peek(1):
                return b""
            if self._packed.peek(3) != GZIP_MAGIC:
                raise DamagedIndex("bytes that are no gzip member follow")
            self._members.open_member()
