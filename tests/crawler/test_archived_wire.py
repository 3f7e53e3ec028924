"""What the wire brings back stands in the archive: every fault, read by a reader that is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders

from crawler.guard import Guard
from crawler.wire import Wire, WireLimits
from storage.exchange import Exchange
from storage.segment import Segment, SegmentInfo
from tests.faults import FAULTS, paths, serve_faults

INFO = SegmentInfo(
    part_of="gazette",
    operator="A. Keeper",
    user_agent="newsark-test",
    contact="keeper@example.org",
    hostname="host.example",
    software="newsark/1.0",
)


def archived(exchange: Exchange, directory: Path) -> dict[str, tuple[StatusAndHeaders, bytes]]:
    """By type, the fields and the block of each record that keeps the exchange."""
    segment = Segment.create(directory, "gazette", INFO)
    segment.append(exchange)
    segment.flush()
    segment.close()
    (file,) = directory.glob("*.warc.gz*")
    with file.open("rb") as stream:
        return {
            record.rec_type: (record.rec_headers, record.raw_stream.read())
            for record in ArchiveIterator(stream, no_record_parse=True)
        }


@pytest.mark.parametrize("path", FAULTS)
async def test_every_fault_is_archived_with_its_body_and_what_went_wrong(tmp_path: Path, path: str) -> None:
    seconds = 0.5 if path == paths.SLOW_DRIP else 10
    wire = Wire(Guard(["127.0.0.1"]), WireLimits(timeout_seconds=seconds, max_body_bytes=100_000))
    async with serve_faults() as site:
        exchange = await wire.fetch(site.url + path, [("User-Agent", "newsark-test")])
    await wire.close()
    kept = archived(exchange, tmp_path)
    assert kept["request"][1] == exchange.request
    told = kept["metadata"][1].decode()
    if exchange.failure is not None:
        assert f"failureKind: {exchange.failure.kind}\r\n" in told
    if not exchange.response_head:
        assert path == paths.EMPTY_REPLY
        assert "response" not in kept
        return
    headers, block = kept["response"]
    head, body = block[: len(block) - len(exchange.body)], block[len(block) - len(exchange.body) :]
    assert body == exchange.body
    assert headers.get_header("WARC-Truncated") == exchange.truncated
    # where the head in the record is not verbatim, the verbatim one stands beside it
    assert (head == exchange.response_head) != ("responseHead: " in told)
