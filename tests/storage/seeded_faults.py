"""One fault for each rule of WARC, each made from a valid file, with the place where it must be found."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace

from tests.storage.warc_files import (
    BODY,
    CHUNKS,
    EVENT,
    NAME,
    PROFILES,
    Broken,
    Change,
    Made,
    member,
    offset_of,
    packed,
    plain,
    segments,
    series,
    sha1,
    sha256,
    uuid,
    warc_1_0,
    warc_1_1,
)

IDENTICAL = PROFILES.format("1.1") + "identical-payload-digest"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"


def put(name: str, value: str) -> Change:
    return lambda made: made.put(name, value)


def more(name: str, value: str) -> Change:
    return lambda made: made.more(name, value)


def less(*names: str) -> Change:
    return lambda made: made.less(*names)


def of(block: bytes, payload: bytes | None = BODY) -> Change:
    return lambda made: made.of(block, payload)


def both(*changes: Change) -> Change:
    def change(made: Made) -> Made:
        for one in changes:
            made = one(made)
        return made

    return change


def raw(old: bytes, new: bytes) -> Change:
    """Other bytes in the record, which is then no longer what its fields say."""

    class Raw(Made):
        def bytes(self) -> bytes:
            return Made.bytes(self).replace(old, new, 1)

    return lambda made: Raw(made.fields, made.block, made.version, made.line_end, made.end)


# rule, the record it is in, the change; several for one rule are told apart by a word
IN_1_1: tuple[tuple[str, str, Change], ...] = (
    ("version", "response", lambda made: replace(made, version="1.2")),
    ("version:line", "response", lambda made: replace(made, version="1.1 ")),
    ("version-draft", "resource", lambda made: replace(made, version="0.18").put("WARC-Date", "2026-11-23T18:05:09Z")),
    ("header-line-end", "response", lambda made: replace(made, line_end=b"\n")),
    ("record-end:missing", "response", lambda made: replace(made, end=b"\r\n")),
    ("record-end:short", "response", put("Content-Length", "70")),
    ("field-line", "response", raw(b"WARC-Block-Digest", b"no colon here\r\nWARC-Block-Digest")),
    ("field-name", "response", more("X Y", "z")),
    ("field-value", "response", raw(b"text/html", b"text/html") and more("WARC-Source-URI", "a\x01b")),
    ("field-utf8", "response", raw(b"WARC-Block", b"WARC-Source-URI: \xff\xfe\r\nWARC-Block")),
    ("field-folded", "response", raw(b"WARC-Block-Digest: ", b"WARC-Block-Digest:\r\n ")),
    ("encoded-word", "response", more("WARC-JSON-Metadata", "=?utf-8?q?x?=")),
    ("field-empty", "response", put("WARC-IP-Address", "")),
    ("field-repeated", "response", more("WARC-IP-Address", "192.0.2.7")),
    ("field-unknown", "response", more("WARC-Mood", "fine")),
    ("field-missing:date", "resource", less("WARC-Date")),
    ("field-missing:type", "resource", less("WARC-Type", "WARC-Payload-Digest")),
    ("record-id:brackets", "resource", put("WARC-Record-ID", uuid(8)[1:-1])),
    ("record-id:scheme", "resource", put("WARC-Record-ID", "<zaphod>")),
    ("record-id:space", "resource", put("WARC-Record-ID", "<urn:x:a b>")),
    ("record-id-uuid", "resource", put("WARC-Record-ID", "<urn:uuid:1234>")),
    ("record-id-repeated", "resource", put("WARC-Record-ID", uuid(7))),
    ("content-length", "resource", put("Content-Length", "three")),
    ("date", "resource", put("WARC-Date", "2026-11-23T18:05:09+00:00")),
    ("date:fraction", "resource", put("WARC-Date", "2026-11-23T18:05:09.1234567890Z")),
    ("date:calendar", "resource", put("WARC-Date", "2026-02-30T18:05:09Z")),
    ("date:refers", "revisit", put("WARC-Refers-To-Date", "yesterday")),
    ("date-case", "resource", put("WARC-Date", "2026-11-23t18:05:09z")),
    ("type", "resource", put("WARC-Type", "re source")),
    ("type-unknown", "resource", put("WARC-Type", "monkeys")),
    ("media-type", "resource", put("Content-Type", "gif\\image")),
    ("media-type:payload", "resource", more("WARC-Identified-Payload-Type", "html")),
    ("content-type-missing", "resource", less("Content-Type")),
    ("content-type-http", "response", put("Content-Type", "application/http")),
    ("content-type-http:other", "request", put("Content-Type", "application/http;msgtype=response")),
    ("content-type-dns", "resource", put("WARC-Target-URI", "dns:gazette.example")),
    ("content-type-fields", "metadata", put("Content-Type", "text/anvl")),
    ("concurrent-to", "warcinfo", more("WARC-Concurrent-To", uuid(4))),
    ("concurrent-date", "metadata", put("WARC-Date", "2026-11-23T18:05:09Z")),
    ("concurrent-target", "metadata", put("WARC-Target-URI", EVENT + "?other")),
    ("concurrent-absent", "metadata", put("WARC-Concurrent-To", uuid(77))),
    ("digest-syntax", "resource", put("WARC-Payload-Digest", "sharif-1; omar")),
    ("digest-value", "resource", put("WARC-Payload-Digest", "sha1:1112H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ")),
    ("digest-form:label", "resource", put("WARC-Payload-Digest", sha1(b"abc").replace("sha1", "SHA-1"))),
    ("digest-form:case", "resource", put("WARC-Payload-Digest", sha1(b"abc").lower())),
    ("digest-unknown", "resource", put("WARC-Payload-Digest", "crc99:1234")),
    ("block-digest", "metadata", put("WARC-Block-Digest", sha256(b"other"))),
    ("payload-digest", "response", put("WARC-Payload-Digest", sha256(b"other"))),
    ("payload-digest:framed", "chunked", put("WARC-Payload-Digest", sha256(CHUNKS))),
    ("payload-digest:resource", "resource", put("WARC-Payload-Digest", sha1(b"abd"))),
    ("payload-none", "metadata", more("WARC-Payload-Digest", sha256(b"x"))),
    ("payload-none:type", "warcinfo", more("WARC-Identified-Payload-Type", "text/html")),
    ("ip-address", "response", put("WARC-IP-Address", "a.b.c.d")),
    ("ip-address:zone", "revisit", put("WARC-IP-Address", "fe80::1%eth0")),
    ("ip-address-form", "revisit", put("WARC-IP-Address", "2001:DB8:0:0:0:0:0:7")),
    ("ip-address-type", "warcinfo", more("WARC-IP-Address", "192.0.2.7")),
    ("ip-address-missing", "response", less("WARC-IP-Address")),
    ("refers-to", "response", more("WARC-Refers-To", uuid(1))),
    ("refers-to-revisit", "response", more("WARC-Refers-To-Target-URI", EVENT)),
    ("refers-to-revisit:date", "metadata", more("WARC-Refers-To-Date", "2026-11-23T18:05:09Z")),
    ("target-uri:space", "chunked", put("WARC-Target-URI", "http://gazette.example/a b")),
    ("target-uri:letter", "chunked", put("WARC-Target-URI", "http://gazette.example/é")),
    ("target-uri:escape", "chunked", put("WARC-Target-URI", "http://gazette.example/%zz")),
    ("target-uri:relative", "resource", put("WARC-Target-URI", "bad_uri")),
    ("target-uri:brackets", "chunked", put("WARC-Target-URI", f"<{EVENT}>")),
    ("target-uri-missing", "resource", less("WARC-Target-URI")),
    ("target-uri-warcinfo", "warcinfo", more("WARC-Target-URI", EVENT)),
    ("truncated-reason", "response", more("WARC-Truncated", "too long")),
    ("truncated-unknown", "response", more("WARC-Truncated", "boredom")),
    ("warcinfo-id", "warcinfo", more("WARC-Warcinfo-ID", uuid(1))),
    ("warcinfo-absent", "resource", put("WARC-Warcinfo-ID", uuid(77))),
    ("warc-fields", "warcinfo", of(b"software: x/1\n\r\n", None)),
    ("warc-fields:colon", "metadata", of(b"via http\r\n", None)),
    ("warc-fields:end", "metadata", of(b"via: x", None)),
    ("filename", "response", more("WARC-Filename", NAME)),
    ("filename-other", "warcinfo", put("WARC-Filename", "other.warc.gz")),
    ("protocol-joined", "response", more("WARC-Protocol", "http/1.1, tls/1.3")),
    ("profile-missing", "revisit", less("WARC-Profile")),
    ("profile-elsewhere", "response", more("WARC-Profile", IDENTICAL)),
    ("profile-unknown", "revisit", put("WARC-Profile", "http://example.org/mine")),
    ("profile-version", "revisit", put("WARC-Profile", IDENTICAL.replace("1.1", "1.0"))),
    ("revisit-payload-digest", "revisit", less("WARC-Payload-Digest")),
    ("revisit-truncated", "revisit", less("WARC-Truncated")),
    ("revisit-truncated:reason", "revisit", put("WARC-Truncated", "time")),
    ("revisit-reference", "revisit", less("WARC-Refers-To-Date")),
    ("revisit-of-revisit", "revisit", put("WARC-Refers-To", uuid(3))),
    ("revisit-mismatch", "revisit", put("WARC-Refers-To-Target-URI", EVENT + "?other")),
    ("revisit-mismatch:date", "revisit", put("WARC-Refers-To-Date", "2026-11-22T18:05:09Z")),
    ("revisit-digest", "revisit", put("WARC-Payload-Digest", sha256(b"other"))),
    (
        "revisit-empty-digest",
        "revisit",
        both(
            put("WARC-Profile", PROFILES.format("1.1") + "server-not-modified"),
            less("WARC-Refers-To", "WARC-Truncated"),
            more("WARC-Refers-To", uuid(8)),
            put("WARC-Refers-To-Target-URI", EVENT),
            put("WARC-Payload-Digest", sha256(b"")),
        ),
    ),
    ("segment-number:first", "resource", more("WARC-Segment-Number", "2")),
    ("segment-place", "resource", more("WARC-Segment-Number", "1")),
    ("segment-origin", "response", more("WARC-Segment-Origin-ID", uuid(1))),
    ("segment-total", "response", more("WARC-Segment-Total-Length", "78")),
    ("http-version", "response", of(b"HTTP/2 200\r\n\r\n" + BODY)),
    ("http-version:request", "request", of(b"GET /one HTTP/2\r\nHost: x\r\n\r\n", None)),
    ("http-start-line", "response", of(b"ICY 200 OK\r\n\r\n" + BODY)),
    ("http-start-line:request", "request", of(b"GET\r\n\r\n", None)),
    ("http-field", "response", of(b"HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 11\r\n\r\n" + BODY)),
    ("http-head-end", "response", of(b"HTTP/1.1 200 OK\r\nServer: x\r\n")),
    ("http-truncated", "response", both(of(HEAD + BODY[:5]), less("WARC-Payload-Digest"))),
    ("http-truncated:empty", "response", both(of(HEAD, b""), less("WARC-Payload-Digest"))),
    ("http-chunked:cut", "chunked", lambda made: made.of(made.block[:-20])),
    ("http-chunked:never", "chunked", of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY)),
    ("http-length", "response", both(of(HEAD + BODY + b"more"), less("WARC-Payload-Digest"))),
    ("http-length:after", "chunked", lambda made: made.of(made.block + b"more")),
)

IN_1_0: tuple[tuple[str, str, Change], ...] = (
    ("date:1.0", "resource", put("WARC-Date", "2026-11-23T18:05:09.5Z")),
    ("date:day", "resource", put("WARC-Date", "2026-11-23")),
    ("profile-version:1.0", "revisit", put("WARC-Profile", IDENTICAL)),
    ("content-type-fields:1.0", "warcinfo", put("Content-Type", "application/octet-stream")),
)

IN_SEGMENTS: tuple[tuple[str, str, Change], ...] = (
    ("segment-missing", "continuation", less("WARC-Segment-Number")),
    ("segment-missing:origin", "continuation", less("WARC-Segment-Origin-ID")),
    ("segment-number", "continuation", put("WARC-Segment-Number", "1")),
    ("segment-total:digits", "continuation", put("WARC-Segment-Total-Length", "many")),
    ("segment-fields", "continuation", more("WARC-Warcinfo-ID", uuid(1))),
    ("segment-origin:unnumbered", "continuation", put("WARC-Segment-Origin-ID", uuid(1))),
)

IN_SERIES: tuple[tuple[str, str, Change], ...] = (
    ("segment-order", "last", put("WARC-Segment-Number", "4")),
    ("segment-target", "middle", put("WARC-Target-URI", EVENT + "?other")),
    ("segment-total:sum", "last", put("WARC-Segment-Total-Length", "5")),
)


def broken_records() -> Iterator[Broken]:
    """A gzip file for each change of a record."""
    bases = ((IN_1_1, warc_1_1()), (IN_1_0, warc_1_0()), (IN_SEGMENTS, segments()), (IN_SERIES, series()))
    for table, base in bases:
        for name, where, change in table:
            rule, _, case = name.partition(":")
            records = {key: change(made) if key == where else made for key, made in base.items()}
            number = list(records).index(where) + 1
            offset = offset_of(list(records.values()), number, gz=True)
            also = ("segment-needless",) if table is IN_SERIES else ()
            yield Broken(rule, packed(records.values()), number, offset, case=case, also=also)


def broken_files() -> Iterator[Broken]:
    """Files with a fault that is in no record's header."""
    records = list(warc_1_1().values())
    gz = packed(records)
    plain_name = NAME.removesuffix(".gz")
    renamed = [records[0].put("WARC-Filename", plain_name), *records[1:]]
    flat = plain(renamed)
    fourth, last = offset_of(records, 4, gz=True), offset_of(records, 8, gz=True)
    before, made, after = gz[:fourth], member(records[3].bytes()), gz[offset_of(records, 5, gz=True) :]
    yield Broken("truncated", gz[:-1], 8, last, case="trailer")
    yield Broken("truncated", gz[:-30], 8, last, case="data")
    yield Broken("truncated", gz[: last + 5], None, last, case="gzip-header")
    flat_last = offset_of(renamed, 8, gz=False)
    yield Broken("truncated", flat[:-5], 8, flat_last, plain_name, "block")
    yield Broken("truncated", flat[:-2], 8, flat_last, plain_name, "end")
    yield Broken("truncated", flat[: flat_last + 40], 8, flat_last, plain_name, "header")
    yield Broken("gzip-crc", before + flip(made, -8) + after, 4, fourth)
    yield Broken("gzip-length", before + flip(made, -4) + after, 4, fourth)
    yield Broken("gzip-data", before + made[:10] + b"\xff" * 20 + after, None, fourth)
    yield Broken("gzip-header", before + made[:3] + b"\xe0" + made[4:] + after, None, fourth)
    yield Broken("gzip-shared-member", member(plain(records)), 2, 0)
    pair = member(records[3].bytes() + records[4].bytes())
    rest = gz[offset_of(records, 6, gz=True) :]
    yield Broken("gzip-shared-member", before + pair + rest, 5, fourth, case="pair")
    data = records[3].bytes()
    yield Broken(
        "gzip-split-record", before + member(data[:500]) + member(data[500:]) + after, 4, fourth, case="header"
    )
    yield Broken("gzip-split-record", before + member(data[:-9]) + member(data[-9:]) + after, 4, fourth, case="block")
    yield Broken("gzip-split-record", before + member(data[:-2]) + member(data[-2:]) + after, 4, fourth, case="end")
    yield Broken("gzip-empty-member", gz + member(b""), None, len(gz))
    yield Broken("bytes-between", before + b"garbage" + made + after, None, fourth, case="gzip")
    yield Broken("trailing-bytes", gz + b"\0" * 512, None, len(gz), case="gzip")
    flat_fourth = offset_of(renamed, 4, gz=False)
    between = flat[:flat_fourth] + b"\r\n" + flat[flat_fourth:]
    yield Broken("bytes-between", between, None, flat_fourth, plain_name)
    yield Broken("trailing-bytes", flat + b"The monkeys\r\n", None, len(flat), plain_name)
    yield Broken(
        "record-end",
        plain([*renamed[:3], renamed[3].put("Content-Length", "99"), *renamed[4:]]),
        4,
        flat_fourth,
        plain_name,
        "plain",
    )
    too_long = renamed[3].put("Content-Length", "1000")
    yield Broken("record-end", packed([*records[:3], too_long, *records[4:]]), 4, fourth, case="gzip-long")
    endless = plain(renamed[:3]) + b"WARC/1.1\r\n" + b"A: b\r\n" * 200_000 + plain(renamed[3:])
    yield Broken("header-end", endless, 4, flat_fourth, plain_name)
    yield Broken("file-suffix", gz, None, None, "data.gz", also=("filename-other",))
    yield Broken("warcinfo-first", packed([one.less("WARC-Warcinfo-ID") for one in records[1:]]), 1, 0)
    segmented = [records[0].more("WARC-Segment-Number", "1"), *records[1:]]
    yield Broken("segment-type", packed(segmented), 1, 0)
    yield Broken("segment-needless", packed(series().values()), 3, offset_of(list(series().values()), 3, gz=True))
    twice = series()
    middle = twice["middle"].more("WARC-Segment-Total-Length", str(len(twice["first"].block) + 4))
    made_series = [*list(twice.values())[:2], middle, twice["last"]]
    place = offset_of(made_series, 4, gz=True)
    yield Broken("segment-total", packed(made_series), 4, place, case="ended", also=("segment-needless",))


def foreign_files() -> Iterator[Broken]:
    """Files that are no WARC at all."""
    arc = b"filedesc://a.arc 0.0.0.0 20061123000000 text/plain 76\n1 0 InternetArchive\nURL IP-address\n\n"
    yield Broken("format-empty", b"", None, 0)
    yield Broken("format-arc", arc, None, 0)
    yield Broken("format-arc", gzip.compress(arc), None, 0, case="gzip")
    yield Broken("format-gzip", gzip.compress(b"<html>"), None, 0)
    yield Broken("format-gzip", b"\x1f\x8b\x08", None, 0, case="cut")
    yield Broken("format-zstd", b"\x28\xb5\x2f\xfd\x04\x00", None, 0)
    yield Broken("format-html", b"\n<!DOCTYPE html><title>x</title>", None, 0)
    yield Broken("format-other", b"%PDF-1.7", None, 0)
    yield Broken("format-other", zlib.compress(b"x"), None, 0, case="zlib")


def flat_as(records: list[Made]) -> bytes:
    return plain(records)


def flip(data: bytes, at: int) -> bytes:
    """The bytes with one bit of one of them turned over."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


ALL = (*broken_records(), *broken_files(), *foreign_files())
