from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywb.warcserver.index.cdxobject import CDXObject
from storage_samples import BODY, STARTED, exchange, failure, new_segment

from storage.capture import Capture
from storage.cdxj import IndexEntry, index_line, parse_index_line, sorted_index
from storage.exchange import FetchFailure

CAPTURE = Capture(
    key="warc/gazette/2026/11/a.warc.gz",
    offset=12,
    length=345,
    record_id="<urn:uuid:1>",
    record_type="response",
    date=STARTED,
    url="https://www.gazette.example/News/?b=2&a=1",
    status=200,
    mime="text/html",
    payload_digest="sha256:00",
)


def test_a_line_says_where_a_capture_is() -> None:
    assert index_line(CAPTURE) == (
        b"example,gazette)/news?a=1&b=2 20261123180509 "
        b'{"url":"https://www.gazette.example/News/?b=2&a=1","mime":"text/html","status":"200","digest":"sha256:00",'
        b'"length":"345","offset":"12","filename":"a.warc.gz"}\n'
    )


def test_a_line_is_read_back() -> None:
    line = index_line(replace(CAPTURE, record_type="revisit", mime=None))
    assert line is not None
    assert parse_index_line(line) == IndexEntry(
        urlkey="example,gazette)/news?a=1&b=2",
        timestamp="20261123180509",
        url="https://www.gazette.example/News/?b=2&a=1",
        mime="warc/revisit",
        status="200",
        digest="sha256:00",
        length=345,
        offset=12,
        filename="a.warc.gz",
    )


@pytest.mark.parametrize("line", [b"", b"a b c", b"a 2026 {}", b'a 20261123180509 {"url":"x"}', b"a 20261123180509 {"])
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_index_line(line)


@pytest.mark.parametrize("changes", [{"record_type": "metadata", "status": None}, {"status": None}, {"status": 304}])
def test_what_cannot_be_replayed_is_not_indexed(changes: dict[str, object]) -> None:
    assert index_line(replace(CAPTURE, **changes)) is None


@given(st.lists(st.sampled_from([b"a,b)/ 1\n", b"a,b)/a 1\n", b"a,b-c)/ 1\n", b"a)/ 2\n", "a,é)/ 1\n".encode()])))
def test_an_index_is_in_byte_order(lines: list[bytes]) -> None:
    assert sorted_index(lines) == sorted(lines)


def test_pywb_reads_the_lines_as_they_are_meant() -> None:
    line = index_line(CAPTURE)
    assert line is not None
    read = CDXObject(line)
    assert (read["urlkey"], read["timestamp"]) == ("example,gazette)/news?a=1&b=2", "20261123180509")
    assert (read["offset"], read["length"], read["filename"]) == ("12", "345", "a.warc.gz")
    assert not read.is_revisit()


def test_pywbs_indexer_makes_the_same_lines_but_for_304_and_the_status_of_revisits(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    original = segment.append(exchange(url="http://www.gazette.example/A b?y=2&x=ё"))
    segment.append(exchange(url="https://gazette.example:8443/копия/"), original=original)
    segment.append(exchange(response_head=b"HTTP/1.1 304 Not Modified\r\n\r\n", body=b""))
    segment.append(
        exchange(response_head=b"HTTP/1.1 404 \r\nContent-Type: Text/Html;x\r\n\r\n", body=BODY, truncated="time")
    )
    segment.append(failure())
    segment.append(exchange(response_head=b"oops", body=b"", failure=FetchFailure("malformed", "x")))
    sealed = segment.seal()
    indexer = Path(sys.executable).with_name("cdx-indexer")
    out = tmp_path / "pywb.cdxj"
    subprocess.run([indexer, "-j", "-s", "--output", out, sealed.warc.path], check=True)
    ours = [parse_index_line(line) for line in gzip.decompress(sealed.parts[1].path.read_bytes()).splitlines()]
    theirs = [parse_index_line(line) for line in out.read_bytes().splitlines()]
    theirs = [replace(one, mime=one.mime.lower()) for one in theirs if one.status not in ("304", "")]
    known = {one.offset for one in ours}
    assert len(ours) == 3
    assert [replace(one, status="-") if one.mime == "warc/revisit" else one for one in ours] == [
        one for one in theirs if one.offset in known
    ]
    # besides, pywb makes a page of status 200 out of what no reader takes for HTTP
    assert len(theirs) - len(ours) == 1
