"""CDXJ index lines: `urlkey timestamp {json}`, sorted by bytes (CDXJ 0.1.0), as pywb 2.10 reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from storage.capture import Capture
from storage.timestamps import timestamp14
from storage.uris import urlkey

_LINE = re.compile(rb"(\S+) ([0-9]{14,17}) (\{.*\})\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One line of an index: where a page of that key and time is. `mime` is `warc/revisit` for a revisit."""

    urlkey: str
    timestamp: str
    url: str
    mime: str
    status: str
    digest: str
    length: int
    offset: int
    filename: str


def is_indexed(capture: Capture) -> bool:
    """Whether a capture can be replayed: failures cannot, nor what no reader takes for HTTP.

    A 304 is left out too: pywb would show it as an empty page instead of the original that it stands for.
    """
    return capture.record_type != "metadata" and capture.status not in (None, 304)


def index_line(capture: Capture) -> bytes | None:
    """The capture's CDXJ line with its line end, or None when it is not indexed."""
    if not is_indexed(capture):
        return None
    facts = {
        "url": capture.url,
        "mime": "warc/revisit" if capture.record_type == "revisit" else capture.mime or "unk",
        "status": str(capture.status),
        "digest": capture.payload_digest or "-",
        "length": str(capture.length),
        "offset": str(capture.offset),
        "filename": capture.filename,
    }
    return f"{urlkey(capture.url)} {timestamp14(capture.date)} ".encode("ascii") + orjson.dumps(facts) + b"\n"


def parse_index_line(line: bytes) -> IndexEntry:
    """The entry of a CDXJ line. Raises ValueError when it is none."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"{line[:80]!r} is not a CDXJ line")
    facts = orjson.loads(found[3])
    try:
        return IndexEntry(
            urlkey=found[1].decode("utf-8"),
            timestamp=found[2].decode("ascii"),
            url=str(facts["url"]),
            mime=str(facts.get("mime", "unk")),
            status=str(facts.get("status", "-")),
            digest=str(facts.get("digest", "-")),
            length=int(facts["length"]),
            offset=int(facts["offset"]),
            filename=str(facts["filename"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{line[:80]!r} is not a CDXJ line: {error}") from error


def sorted_index(lines: Iterable[bytes]) -> list[bytes]:
    """The lines in byte order, as binary search over an index asks for."""
    return sorted(lines)
