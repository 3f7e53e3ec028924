from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path

import pytest
from storage_samples import BODY, HEAD, STARTED, exchange, failure, new_segment

from storage.capture import Capture
from storage.directory import DirectoryStore
from storage.errors import DigestMismatch, NotReadableWarc, ObjectMissing
from storage.gzipmembers import gzip_member
from storage.readback import Reference, StoredExchange, read_capture

CHUNKED = HEAD.replace(b"Content-Length: 17", b"Transfer-Encoding: chunked")
KEY = "warc/x.warc.gz"


class Kept:
    """A sealed segment in a directory store: an original, two revisits of it, and a failure."""

    def __init__(self, directory: Path) -> None:
        segment = new_segment(directory / "open")
        self.original = segment.append(exchange(response_head=CHUNKED))
        self.copy = segment.append(exchange(url="http://gazette.example/two"), original=self.original)
        self.unchanged = segment.append(
            exchange(response_head=b"HTTP/1.1 304 Not Modified\r\n\r\n", body=b""), original=self.original
        )
        self.failure = segment.append(failure("tls", "handshake failed"))
        self.store = DirectoryStore(directory / "store")
        for part in segment.seal().parts:
            self.store.put_file(part.key, part.path, part.sha256, move=True)

    def read(self, capture: Capture, original: Capture | None = None) -> StoredExchange:
        resolve = (lambda _: original) if original else None
        return read_capture(self.store, capture.key, capture.offset, capture.length, resolve=resolve)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_response_comes_back(kept: Kept) -> None:
    read = kept.read(kept.original)
    assert (read.record_type, read.status, read.date) == ("response", 200, STARTED)
    assert read.payload == BODY
    # the true length stands where Transfer-Encoding stood
    assert read.http_head == HEAD
    assert read.headers[0] == ("Content-Type", "text/html; charset=utf-8")
    assert (read.record_id, read.target_uri) == (kept.original.record_id, kept.original.url)
    assert read.warc_fields["warc-payload-digest"] == kept.original.payload_digest
    assert read.metadata == []


def test_a_revisit_comes_back_with_the_payload_of_its_original(kept: Kept) -> None:
    asked: list[Reference] = []

    def resolve(reference: Reference) -> Capture:
        asked.append(reference)
        return kept.original

    for capture, status in ((kept.copy, 200), (kept.unchanged, 304)):
        read = read_capture(kept.store, capture.key, capture.offset, capture.length, resolve=resolve)
        assert (read.record_type, read.status, read.payload) == ("revisit", status, BODY)
        assert read.original is not None
        assert (read.original.status, read.original.record_id) == (200, kept.original.record_id)
    original = kept.original
    expected = Reference(original.url, original.date, original.record_id, original.payload_digest)
    assert asked == [expected, expected]


def test_a_revisit_alone_has_no_payload_but_a_reference(kept: Kept) -> None:
    read = kept.read(kept.copy)
    assert read.payload is None
    assert read.reference is not None
    assert read.reference.record_id == kept.original.record_id


def test_an_original_that_is_not_known_or_no_original_is_refused(kept: Kept) -> None:
    with pytest.raises(NotReadableWarc, match="not known"):
        read_capture(kept.store, kept.copy.key, kept.copy.offset, kept.copy.length, resolve=lambda _: None)
    with pytest.raises(NotReadableWarc, match="revisit itself"):
        kept.read(kept.copy, kept.unchanged)
    with pytest.raises(DigestMismatch):
        kept.read(kept.copy, kept.failure)


def test_a_failure_comes_back_as_its_fields(kept: Kept) -> None:
    read = kept.read(kept.failure)
    assert (read.record_type, read.status, read.http_head) == ("metadata", None, b"")
    assert read.metadata == [
        ("fetchTimeMs", "321"),
        ("failureKind", "tls"),
        ("failureMessage", "handshake failed"),
    ]


def test_a_place_where_no_record_stands_is_refused(kept: Kept) -> None:
    where = kept.original
    for offset, length in ((where.offset + 1, where.length), (where.offset, where.length - 1), (10**9, 10)):
        with pytest.raises(NotReadableWarc) as refused:
            read_capture(kept.store, where.key, offset, length)
        assert (refused.value.filename, refused.value.offset) == (where.key, offset)
    with pytest.raises(ObjectMissing):
        read_capture(kept.store, "warc/none.warc.gz", 0, 10)


def record(block: bytes, *fields: str) -> bytes:
    lines = [
        "WARC/1.0",
        "WARC-Type: response",
        "WARC-Record-ID: <urn:uuid:1>",
        "WARC-Date: 2020-01-02T03:04:05Z",
    ]
    lines += [
        "WARC-Target-URI: <http://gazette.example/>",
        "Content-Type: application/http; msgtype=response",
        *fields,
    ]
    head = "\r\n".join([*lines, f"Content-Length: {len(block)}"]).encode()
    return head + b"\r\n\r\n" + block + b"\r\n\r\n"


def read_record(directory: Path, data: bytes) -> StoredExchange:
    store = DirectoryStore(directory)
    member = gzip_member([data])
    store.put_bytes(KEY, member)
    return read_capture(store, KEY, 0, len(member))


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


FRAMED = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "digest",
    [
        sha1(b"hello world"),
        sha1(FRAMED),
        "sha1:" + hashlib.sha1(b"hello world").hexdigest(),
        "md5:" + hashlib.md5(b"hello world").hexdigest(),
        "SHA-256:" + hashlib.sha256(b"hello world").hexdigest().upper(),
        "blake9:0000",
    ],
)
def test_records_of_other_writers_are_read_chunks_and_digests_of_all_kinds(tmp_path: Path, digest: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    block = head + FRAMED
    read = read_record(tmp_path, record(block, f"WARC-Payload-Digest: {digest}", f"WARC-Block-Digest: {sha1(block)}"))
    assert (read.http_head, read.payload) == (head, b"hello world")
    assert read.target_uri == "http://gazette.example/"


@pytest.mark.parametrize(
    ("fields", "what"),
    [(("WARC-Block-Digest: " + sha1(b"x"),), "block"), (("WARC-Payload-Digest: " + sha1(b"x"),), "payload")],
)
def test_changed_bytes_are_noticed(tmp_path: Path, fields: tuple[str], what: str) -> None:
    with pytest.raises(DigestMismatch, match=what) as found:
        read_record(tmp_path, record(b"HTTP/1.1 200 OK\r\n\r\ny", *fields))
    assert found.value.expected == sha1(b"x")
    assert found.value.found != found.value.expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a record",
        record(b"x").replace(b"Content-Length: 1", b"Content-Length: 2"),
        record(b"x").replace(b"Content-Length: 1", b"Content-Length: -1"),
        record(b"x").replace(b"Content-Length: 1", b"No-Length: 1"),
        record(b"x").replace(b"2020-01-02T03:04:05Z", b"yesterday"),
        record(b"x") + record(b"y"),
        record(b"x")[:-1],
    ],
)
def test_what_is_not_one_whole_record_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotReadableWarc):
        read_record(tmp_path, data)


def test_a_stored_gzip_body_is_given_as_it_was_sent(tmp_path: Path) -> None:
    body = gzip.compress(b"page" * 100)
    segment = new_segment(tmp_path / "open")
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    capture = segment.append(exchange(response_head=head, body=body))
    store = DirectoryStore(tmp_path / "store")
    warc = segment.seal().warc
    store.put_file(warc.key, warc.path, warc.sha256)
    read = read_capture(store, capture.key, capture.offset, capture.length)
    assert (read.http_head, read.payload) == (head, body)
