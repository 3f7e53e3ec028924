"""WARC files made by hand, apart from the code that Newsark writes them with: a valid one of each version."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

NAME = "gazette-20261123180000-00000-host.example.warc.gz"
BODY = b"<p>One.</p>"
CHUNKS = b"4\r\n<p>O\r\n7;x=y\r\nne.</p>\r\n0\r\nTrailer: t\r\n\r\n"
EVENT = "http://gazette.example/one"
PROFILES = "http://netpreserve.org/warc/{}/revisit/"
EVENTS = ("warcinfo", "request", "metadata", "response", "later-request", "revisit", "chunked", "resource")


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def uuid(number: int) -> str:
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


@dataclass(frozen=True)
class Made:
    """A record: its fields, its block, and the bytes around them."""

    fields: tuple[tuple[str, str], ...]
    block: bytes = b""
    version: str = "1.1"
    line_end: bytes = b"\r\n"
    end: bytes = b"\r\n\r\n"

    def bytes(self) -> bytes:
        lines = [f"WARC/{self.version}".encode(), *(f"{name}: {value}".encode() for name, value in self.fields)]
        return b"".join(line + self.line_end for line in lines) + self.line_end + self.block + self.end

    def put(self, name: str, value: str) -> Made:
        """The record with that value of a field, in the place of the old one or at the end."""
        if any(key == name for key, _ in self.fields):
            return replace(self, fields=tuple((key, value if key == name else old) for key, old in self.fields))
        return self.more(name, value)

    def more(self, name: str, value: str) -> Made:
        """The record with one more field."""
        return replace(self, fields=(*self.fields, (name, value)))

    def less(self, *names: str) -> Made:
        """The record without fields."""
        return replace(self, fields=tuple(one for one in self.fields if one[0] not in names))

    def of(self, block: bytes, payload: bytes | None = None) -> Made:
        """The record with another block, its length and digests true."""
        made = replace(self, block=block).put("Content-Length", str(len(block)))
        made = made.put("WARC-Block-Digest", sha256(block))
        return made if payload is None else made.put("WARC-Payload-Digest", sha256(payload))

    def value(self, name: str) -> str:
        return dict(self.fields)[name]


def record(number: int, kind: str, block: bytes, content_type: str | None, *more: tuple[str, str]) -> Made:
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", uuid(number)),
        ("WARC-Date", "2026-11-23T18:05:09.000250Z"),
        *more,
        ("WARC-Block-Digest", sha256(block)),
    ]
    if content_type:
        fields.append(("Content-Type", content_type))
    return Made((*fields, ("Content-Length", str(len(block)))), block)


def warc_1_1() -> dict[str, Made]:
    """The records of a valid WARC 1.1 file, by a name for each."""
    info = ("WARC-Warcinfo-ID", uuid(1))
    address = ("WARC-IP-Address", "192.0.2.7")
    event = (("WARC-Target-URI", EVENT), info, address)
    request = b"GET /one HTTP/1.1\r\nHost: gazette.example\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
    message = "application/http;msgtype="
    reference = (
        ("WARC-Profile", PROFILES.format("1.1") + "identical-payload-digest"),
        ("WARC-Refers-To", uuid(4)),
        ("WARC-Refers-To-Target-URI", EVENT),
        ("WARC-Refers-To-Date", "2026-11-23T18:05:09.000250Z"),
        ("WARC-Truncated", "length"),
        ("WARC-Payload-Digest", sha256(BODY)),
    )
    later = (("WARC-Target-URI", EVENT + "?again"), info, ("WARC-IP-Address", "2001:db8::7"))
    metadata = b"via: http://gazette.example/\r\nfetchTimeMs: 5\r\n"
    whole = [
        record(1, "warcinfo", b"software: x/1\r\n\r\n", "application/warc-fields", ("WARC-Filename", NAME)),
        record(2, "request", request, message + "request", *event, ("WARC-Concurrent-To", uuid(4))),
        record(3, "metadata", metadata, "application/warc-fields", *event, ("WARC-Concurrent-To", uuid(4))),
        record(4, "response", head + BODY, message + "response", *event, ("WARC-Payload-Digest", sha256(BODY))),
        record(5, "request", request, message + "request", *later, ("WARC-Concurrent-To", uuid(6))),
        record(6, "revisit", head, message + "response", *later, *reference),
        record(7, "response", chunked, message + "response", *event, ("WARC-Payload-Digest", sha256(BODY))),
        record(8, "resource", b"abc", "text/plain", *event, ("WARC-Payload-Digest", sha1(b"abc"))),
    ]
    return dict(zip(EVENTS, whole, strict=True))


def warc_1_0() -> dict[str, Made]:
    """The same file in WARC 1.0: whole seconds, its own profiles, angle brackets around a target URI."""
    records = {}
    for name, made in warc_1_1().items():
        changed = replace(made, version="1.0").put("WARC-Date", "2026-11-23T18:05:09Z")
        if name == "revisit":
            changed = changed.put("WARC-Profile", PROFILES.format("1.0") + "identical-payload-digest")
            changed = changed.put("WARC-Refers-To-Date", "2026-11-23T18:05:09Z")
        if name == "resource":
            changed = changed.put("WARC-Target-URI", f"<{EVENT}>")
        records[name] = changed
    return records


def segments() -> dict[str, Made]:
    """A valid file that holds a warcinfo record and the last segment of a response."""
    info = warc_1_1()["warcinfo"]
    last = Made(
        (
            ("WARC-Type", "continuation"),
            ("WARC-Record-ID", uuid(2)),
            ("WARC-Date", "2026-11-23T18:05:09Z"),
            ("WARC-Target-URI", EVENT),
            ("WARC-Segment-Origin-ID", uuid(99)),
            ("WARC-Segment-Number", "2"),
            ("WARC-Segment-Total-Length", "1000"),
            ("WARC-Block-Digest", sha256(b"rest")),
            ("Content-Length", "4"),
        ),
        b"rest",
    )
    return {"warcinfo": info, "continuation": last}


def series() -> dict[str, Made]:
    """A response in three segments of one file: valid but for the warning that it need not be segmented."""
    info, last = segments().values()
    origin = uuid(4)
    first = warc_1_1()["response"].more("WARC-Segment-Number", "1")
    middle = last.put("WARC-Record-ID", uuid(5)).put("WARC-Segment-Origin-ID", origin)
    middle = middle.less("WARC-Segment-Total-Length")
    last = last.put("WARC-Record-ID", uuid(6)).put("WARC-Segment-Origin-ID", origin).put("WARC-Segment-Number", "3")
    last = last.put("WARC-Segment-Total-Length", str(len(first.block) + 8))
    return {"warcinfo": info, "first": first, "middle": middle, "last": last}


def plain(records: Iterable[Made]) -> bytes:
    """The file without compression."""
    return b"".join(one.bytes() for one in records)


def packed(records: Iterable[Made]) -> bytes:
    """The file with one gzip member a record."""
    return b"".join(member(one.bytes()) for one in records)


def member(data: bytes) -> bytes:
    """A gzip member."""
    return gzip.compress(data, mtime=0)


def offset_of(records: Sequence[Made], number: int, *, gz: bool) -> int:
    """Where a record begins."""
    before = records[: number - 1]
    return len(packed(before) if gz else plain(before))


@dataclass(frozen=True)
class Broken:
    """A file with one fault: its bytes, and where its rule must be found."""

    rule: str
    data: bytes
    record: int | None
    offset: int | None
    name: str = NAME
    case: str = ""
    also: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.rule + (f"-{self.case}" if self.case else "")


Change = Callable[[Made], Made]
