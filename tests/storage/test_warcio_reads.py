"""What Segment writes is read by warcio, whole and to the byte; golden records pin every byte of it."""

from __future__ import annotations

import gzip
import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from storage_samples import BODY, HEAD, TLS, exchange, failure, members, new_segment, open_warc
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from storage.directory import DirectoryStore
from storage.exchange import Exchange, FetchFailure
from storage.readback import read_capture
from storage.warcscan import capture_of, scan_records

GOLDEN = Path(__file__).parent / "golden"
CHUNKED = HEAD.replace(b"Content-Length: 17", b"Transfer-Encoding: chunked")


def sample_segment(directory: Path) -> Path:
    """A sealed WARC with a record of every kind, fixed to the byte before compression."""
    segment = new_segment(directory)
    original = segment.append(exchange(response_head=CHUNKED, tls=TLS, via="http://gazette.example/feed.xml"), hops=1)
    segment.append(exchange(url="http://gazette.example/копия"), original=original)
    segment.append(exchange(response_head=b"HTTP/1.1 304 Not Modified\r\n\r\n", body=b""), original=original)
    segment.append(exchange(body=BODY[:9], truncated="disconnect", truncated_detail="reset by peer"))
    segment.append(failure("timeout", "no answer after 60 s"))
    return segment.seal().warc.path


def test_golden_records_are_written_byte_for_byte(tmp_path: Path) -> None:
    written = gzip.decompress(sample_segment(tmp_path).read_bytes())
    assert written == (GOLDEN / "segment.warc").read_bytes()


def test_equal_input_makes_equal_files(tmp_path: Path) -> None:
    first, second = sample_segment(tmp_path / "a"), sample_segment(tmp_path / "b")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_warcio_check_passes_and_verified_every_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sample_segment(tmp_path)
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", str(path)])
    assert ended.value.code == 0
    # warcio never checks revisits
    assert capsys.readouterr().out.count("digest pass") == len(members(path)) - 2


def test_warcio_check_finds_a_changed_byte_so_that_it_is_a_check(tmp_path: Path) -> None:
    path = sample_segment(tmp_path)
    plain = gzip.decompress(path.read_bytes()).replace(b"<p>a b", b"<p>a c", 1)
    bad = tmp_path / "bad.warc"
    bad.write_bytes(plain)
    with pytest.raises(SystemExit) as ended:
        warcio(["check", str(bad)])
    assert ended.value.code == 1


def test_warcio_index_finds_the_members_where_the_captures_say(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    captures = [
        segment.append(exchange()),
        segment.append(failure()),
        segment.append(exchange(response_head=CHUNKED)),
    ]
    found = {}
    with open_warc(tmp_path).open("rb") as file:
        records = ArchiveIterator(file)
        for record in records:
            record_id = record.rec_headers.get_header("WARC-Record-ID")
            found[record_id] = (records.get_record_offset(), records.get_record_length())
    assert [found[capture.record_id] for capture in captures] == [(c.offset, c.length) for c in captures]


def payloads(path: Path) -> Iterator[bytes]:
    """The payload of each response as warcio gives it, without undoing its content-encoding."""
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            if record.rec_type == "response":
                yield record.raw_stream.read()
            else:
                record.raw_stream.read()


TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(str.encode)
VALUES = st.binary(max_size=30).map(lambda value: value.replace(b"\n", b"").replace(b"\r", b"").replace(b"\0", b""))
LINES = st.one_of(
    st.builds(b"%b:%b".__mod__, st.tuples(TOKENS, VALUES)),
    st.builds(b"%b: %b\r\n %b".__mod__, st.tuples(TOKENS, VALUES, VALUES)),
    st.builds(b"Transfer-Encoding: %b".__mod__, st.sampled_from([b"chunked", b"gzip, chunked", b"identity"])),
    st.binary(max_size=20),
)
STATUS_LINES = st.one_of(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"HTTP/1.0 404 ",
            b"HTTP/2 200",
            b"HTTP/1.1 503",
            b"ICY 200 OK",
            b"\r\nHTTP/1.1 200 x",
        ]
    ),
    st.builds(b"HTTP/1.1 %d %b".__mod__, st.tuples(st.integers(100, 999), VALUES)),
)
HEADS = st.builds(
    lambda status, lines, end: end.join([status, *lines]) + end + end,
    STATUS_LINES,
    st.lists(LINES, max_size=5),
    st.sampled_from([b"\r\n", b"\n"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HEADS, st.binary(max_size=200), st.sampled_from([None, "length", "disconnect"]))
@example(b"HTTP/1.1 200 OK\r\nX: a\r\n \xa0\r\n\r\n", b"body", None)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n folded\r\n\r\n", b"0\r\n\r\n", None)
@example(b"HTTP/1.1 200 OK\r\n\x85\r\nX: y\r\n\r\n", b"", None)
def test_any_head_and_body_give_the_body_back_in_warcio_and_here(head: bytes, body: bytes, cut: str | None) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        segment = new_segment(directory)
        given_exchange = exchange(response_head=head, body=body, truncated=cut)
        capture = segment.append(given_exchange)
        assert list(payloads(open_warc(directory))) == [body]
        sealed = segment.seal()
        store = DirectoryStore(directory / "store")
        store.put_file(sealed.warc.key, sealed.warc.path, sealed.warc.sha256)
        stored = read_capture(store, capture.key, capture.offset, capture.length)
        assert stored.payload == body
        assert stored.status == capture.status == given_exchange.status
        with sealed.warc.path.open("rb") as file:
            scanned = [capture_of(record, capture.key) for record in scan_records(file, "x")]
        assert [one for one in scanned if one] == [capture]


@pytest.mark.parametrize(
    "other",
    [
        exchange(tls=TLS),
        exchange(peer_address=None),
        failure(),
        exchange(body=BODY[:3], truncated="time"),
        exchange(response_head=b"garbage", body=b"", failure=FetchFailure("malformed", "x")),
        exchange(response_head=b"garbage\r\n\r\n", body=b"more", failure=FetchFailure("malformed", "x")),
        exchange(response_head=HEAD.replace(b"text/html", b"Text/HTML")),
        exchange(response_head=HEAD.replace(b"Content-Type", b"content-type :")),
    ],
)
def test_a_scan_gives_the_capture_that_append_gave(tmp_path: Path, other: Exchange) -> None:
    segment = new_segment(tmp_path)
    original = segment.append(exchange())
    captures = [original, segment.append(other), segment.append(other, original=original)]
    with open_warc(tmp_path).open("rb") as file:
        scanned = [capture_of(record, segment.warc_key) for record in scan_records(file, "x")]
    assert [one for one in scanned if one] == captures
