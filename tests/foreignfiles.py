"""WARC, ARC and WACZ files as other tools write them, made for tests with warcio and by hand."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

BEGIN = datetime(2021, 3, 1, 9, 0, tzinfo=UTC)
HOST = "http://valley-post.example"


def page(number: int, edition: str = "") -> bytes:
    """An article of a newsroom; editions of one number are its versions."""
    body = "".join(
        f"<p>Paragraph {part} of story {number}{edition}: the council met for the {number}th time this year and spoke "
        f"of bridge {part}, which the flood had taken, and of the {number + part} people who live behind it.</p>"
        for part in range(5)
    )
    head = f"<head><title>Story {number}</title><meta property='og:type' content='article'></head>"
    story = f"<article><h1>Story {number}{edition} of the valley</h1>{body}</article>"
    return f"<html>{head}<body><nav><a href='/'>Home</a></nav>{story}</body></html>".encode()


def address(number: int) -> str:
    return f"{HOST}/2021/03/story-{number}"


def date(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Warc:
    """A WARC file that is written record by record; `packed` makes each a gzip member of its own."""

    def __init__(self, *, packed: bool = True) -> None:
        self._file = io.BytesIO()
        self._writer = WARCWriter(self._file, gzip=packed)
        self._writer.write_record(self._writer.create_warcinfo_record("other.warc.gz", {"software": "otherbot/2.1"}))

    def response(
        self, url: str, body: bytes, minutes: float, headers: Iterable[tuple[str, str]] = (), status: str = "200 OK"
    ) -> str:
        """The id of a new response record."""
        head = StatusAndHeaders(status, [("Content-Type", "text/html; charset=utf-8"), *headers], protocol="HTTP/1.1")
        record = self._writer.create_warc_record(
            url,
            "response",
            payload=io.BytesIO(body),
            http_headers=head,
            warc_headers_dict={"WARC-Date": date(minutes)},
        )
        self._writer.write_record(record)
        return str(record.rec_headers.get_header("WARC-Record-ID"))

    def revisit(self, url: str, digest: str, minutes: float, original: tuple[str, float]) -> None:
        """A revisit that names its original by address and time, as others do."""
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        record = self._writer.create_revisit_record(url, digest, original[0], date(original[1]), http_headers=head)
        record.rec_headers.replace_header("WARC-Date", date(minutes))
        self._writer.write_record(record)

    def other(self, kind: str, url: str, payload: bytes, content_type: str, minutes: float = 0) -> None:
        """A record of another type, such as resource, metadata or conversion."""
        self._writer.write_record(
            self._writer.create_warc_record(
                url,
                kind,
                payload=io.BytesIO(payload),
                warc_content_type=content_type,
                warc_headers_dict={"WARC-Date": date(minutes)},
            )
        )

    @property
    def data(self) -> bytes:
        """The file so far."""
        return self._file.getvalue()


def articles(count: int, *, packed: bool = True, edition: str = "", minutes: float = 0) -> bytes:
    """A WARC of so many articles, a minute apart."""
    warc = Warc(packed=packed)
    for number in range(count):
        warc.response(address(number), page(number, edition), minutes + number)
    return warc.data


def arc(count: int) -> bytes:
    """An ARC file of version 1 with so many articles."""
    info = b"1 0 OtherBot\nURL IP-address Archive-date Content-type Archive-length\n"
    out = b"filedesc://other.arc 0.0.0.0 20210301090000 text/plain %d\n%s\n" % (len(info), info)
    for number in range(count):
        http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page(number)
        url = address(number).encode()
        out += b"%s 192.0.2.7 202103010900%02d text/html %d\n%s\n" % (url, number, len(http), http)
    return out


def wacz(warc: bytes, compression: int = zipfile.ZIP_STORED, name: str = "archive/data.warc.gz") -> bytes:
    """A WACZ that holds one WARC."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("datapackage.json", '{"profile": "data-package", "wacz_version": "1.1.1"}')
        archive.writestr(zipfile.ZipInfo(name), warc, compress_type=compression)
        archive.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}\n')
    return file.getvalue()


def packed_whole(plain: bytes) -> bytes:
    """A file in one gzip member, as `gzip` makes it."""
    return gzip.compress(plain)
