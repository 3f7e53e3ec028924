"""Exchanges, clocks and ids that the storage tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from storage.exchange import Exchange, FetchFailure, TlsFacts
from storage.gzipmembers import read_members
from storage.segment import Segment, SegmentInfo

STARTED = datetime(2026, 11, 23, 18, 5, 9, 250, UTC)
OPENED = datetime(2026, 11, 23, 18, 0, 0, 0, UTC)
INFO = SegmentInfo(
    part_of="gazette",
    operator="A. Keeper <keeper@example.org>",
    user_agent="newsark/1.0 (+https://example.org/bot)",
    contact="keeper@example.org",
    hostname="host.example",
    software="newsark/1.0",
)
REQUEST = b"GET /news/one HTTP/1.1\r\nHost: gazette.example\r\nUser-Agent: newsark/1.0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 17\r\nX-a:  b \r\n\r\n"
BODY = b"<p>a b\xc3\xa9 c</p>\r\n\x00"
TLS = TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", "ab" * 32, True)


def exchange(**changes: Any) -> Exchange:
    """A plain exchange of one small page, with `changes` made to it."""
    plain = Exchange(
        url="http://gazette.example/news/one",
        request=REQUEST,
        started=STARTED,
        ended=STARTED + timedelta(milliseconds=321),
        response_head=HEAD,
        body=BODY,
        peer_address="192.0.2.7",
        peer_port=80,
    )
    return replace(plain, **changes)


def failure(kind: str = "dns", message: str = "no such host") -> Exchange:
    """An exchange that brought nothing back."""
    return exchange(response_head=b"", body=b"", failure=FetchFailure(kind, message), peer_address=None, peer_port=None)


def ids() -> Callable[[], str]:
    """Record ids that count: …0001, …0002, …"""
    numbers = count(1)
    return lambda: f"<urn:uuid:00000000-0000-4000-8000-{next(numbers):012d}>"


def clock() -> datetime:
    """The time at which every test segment is opened and sealed."""
    return OPENED


def new_segment(directory: Path, new_id: Callable[[], str] | None = None) -> Segment:
    """A new segment with fixed clock, ids and host."""
    return Segment.create(directory, "gazette", INFO, clock=clock, new_id=new_id or ids(), host="host.example")


def members(path: Path) -> list[bytes]:
    """The uncompressed records of a WARC file."""
    with path.open("rb") as file:
        return [member.data for member in read_members(file, path.name)]


def open_warc(directory: Path) -> Path:
    """The only open WARC of a directory."""
    (path,) = directory.glob("*.warc.gz.open")
    return path


def fields_of(record: bytes) -> list[tuple[str, str]]:
    """The named fields of an uncompressed record."""
    lines = record.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def values(record: bytes, name: str) -> list[str]:
    """All values of one named field."""
    return [value for key, value in fields_of(record) if key == name]


def block_of(record: bytes) -> bytes:
    """The block of an uncompressed record."""
    return record.partition(b"\r\n\r\n")[2][:-4]
