"""Records for the points of WARC 1.1, on files that Segment wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from storage_samples import (
    BODY,
    REQUEST,
    TLS,
    exchange,
    failure,
    members,
    new_segment,
    open_warc,
    values,
)

from storage.capture import Capture
from storage.exchange import Exchange

REVISIT = "http://netpreserve.org/warc/1.1/revisit/"
NOT_MODIFIED_HEAD = b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n\r\n'


def written(directory: Path, *exchanges: Exchange, **options: Any) -> list[bytes]:
    segment = new_segment(directory)
    for one in exchanges:
        segment.append(one, **options)
    return members(open_warc(directory))


def with_original(directory: Path, second: Exchange, first: Exchange | None = None) -> tuple[Capture, list[bytes]]:
    segment = new_segment(directory)
    original = segment.append(first or exchange())
    segment.append(second, original=original)
    return original, members(open_warc(directory))[-3:]


def records_of_every_kind(directory: Path) -> list[bytes]:
    """Records of every kind that Newsark writes."""
    segment = new_segment(directory)
    original = segment.append(exchange(tls=TLS, via="http://gazette.example/feed.xml"), hops=2)
    segment.append(exchange(url="http://gazette.example/copy"), original=original)
    segment.append(exchange(response_head=NOT_MODIFIED_HEAD, body=b""), original=original)
    segment.append(failure())
    segment.append(exchange(body=BODY[:5], truncated="disconnect"))
    segment.append(exchange(request=REQUEST.replace(b"GET", b"POST") + b"a=1"))
    return members(open_warc(directory))


def of_type(records: list[bytes], record_type: str) -> list[bytes]:
    return [record for record in records if values(record, "WARC-Type") == [record_type]]
