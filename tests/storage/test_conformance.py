"""WARC 1.1 point by point: what ISO 28500:2017 and its annotations ask, on files that Segment wrote."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from storage_samples import (
    BODY,
    HEAD,
    REQUEST,
    TLS,
    block_of,
    exchange,
    failure,
    fields_of,
    members,
    new_segment,
    open_warc,
    values,
)

from storage.exchange import FetchFailure, TlsFacts
from tests.storage.conformance_samples import (
    of_type,
    records_of_every_kind,
    written,
)


@pytest.fixture
def every_kind(tmp_path: Path) -> list[bytes]:
    return records_of_every_kind(tmp_path)


def test_point_1_records_are_framed_and_carry_the_mandatory_fields(every_kind: list[bytes]) -> None:
    for record in every_kind:
        assert record.startswith(b"WARC/1.1\r\n")
        assert record.endswith(b"\r\n\r\n")
        for name in ("WARC-Record-ID", "Content-Length", "WARC-Date", "WARC-Type"):
            assert len(values(record, name)) == 1, name
        assert values(record, "Content-Length") == [str(len(block_of(record)))]


def test_point_2_fields_are_not_repeated_but_those_that_may_be(every_kind: list[bytes]) -> None:
    for record in every_kind:
        names = [name.lower() for name, _ in fields_of(record) if name not in ("WARC-Concurrent-To", "WARC-Protocol")]
        assert len(names) == len(set(names))


def test_point_3_a_field_is_one_line_whatever_it_was_made_from(tmp_path: Path) -> None:
    odd = failure(kind="dns", message="no such host\r\nWARC-Type: response\n\tfolded =?utf-8?q?x?=\x00\u2028end")
    record = written(tmp_path, odd)[-1]
    header = record.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"\r\n[ \t]", header)
    expected = b"failureMessage: no such host WARC-Type: response folded =?utf-8?q?x?= end\r\n"
    assert block_of(record).endswith(expected)
    assert len(block_of(record).splitlines()) == 3


def test_point_4_all_records_of_an_event_have_the_date_its_request_began(every_kind: list[bytes]) -> None:
    assert values(every_kind[0], "WARC-Date") == ["2026-11-23T18:00:00.000000Z"]
    for record in every_kind[1:]:
        assert values(record, "WARC-Date") == ["2026-11-23T18:05:09.000250Z"]


def test_point_5_ids_stand_in_angle_brackets_and_uris_do_not(every_kind: list[bytes]) -> None:
    for record in every_kind:
        for name, value in fields_of(record):
            if name in ("WARC-Record-ID", "WARC-Refers-To", "WARC-Concurrent-To", "WARC-Warcinfo-ID"):
                assert re.fullmatch(r"<urn:uuid:[0-9a-f-]{36}>", value)
            if name in ("WARC-Target-URI", "WARC-Profile", "WARC-Refers-To-Target-URI"):
                assert value[0] != "<"


def test_point_6_target_uri_is_the_uri_requested_not_the_one_answered(tmp_path: Path) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: http://gazette.example/elsewhere\r\n\r\n"
    records = written(tmp_path, exchange(url="http://Gazette.example/a b?ё#x", response_head=moved, body=b""))
    for record in records[1:]:
        assert values(record, "WARC-Target-URI") == ["http://gazette.example/a%20b?%D1%91"]


def test_point_7_target_uri_is_on_every_record_but_warcinfo(every_kind: list[bytes]) -> None:
    assert values(every_kind[0], "WARC-Target-URI") == []
    assert all(values(record, "WARC-Target-URI") for record in every_kind[1:])


def test_point_8_a_response_is_kept_as_received_with_its_content_encoding(tmp_path: Path) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    body = b"\x1f\x8b not really gzip"
    response = written(tmp_path, exchange(response_head=head, body=body))[-1]
    assert block_of(response) == head + body


def test_point_8_a_chunked_head_gets_the_true_length_and_its_verbatim_form_stands_beside(
    tmp_path: Path,
) -> None:
    framing = b"transfer-encoding: gzip,\r\n chunked\r\nContent-Length: 3\r\n"
    head = b"HTTP/1.1 200 OK\r\nServer:x\r\n" + framing + b"Via: y\r\n\r\n"
    _, metadata, response = written(tmp_path, exchange(response_head=head))[1:]
    assert block_of(response) == b"HTTP/1.1 200 OK\r\nServer:x\r\nContent-Length: 17\r\nVia: y\r\n\r\n" + BODY
    assert block_of(metadata) == (
        b"fetchTimeMs: 321\r\nresponseHead: HTTP/1.1 200 OK%0D%0AServer:x%0D%0Atransfer-encoding: gzip,%0D%0A"
        b" chunked%0D%0AContent-Length: 3%0D%0AVia: y%0D%0A%0D%0A\r\n"
    )


def test_point_8_a_304_that_names_a_transfer_coding_gets_no_length(tmp_path: Path) -> None:
    head = b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nETag: x\r\n\r\n"
    response = written(tmp_path, exchange(response_head=head, body=b""))[-1]
    assert block_of(response) == b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"HTTP/2 200", b"HTTP/1.1 200 "),
        (b"HTTP/3 404 gone", b"HTTP/1.1 404 gone"),
        (b"ICY 200 OK", b"HTTP/1.1 200 OK"),
        (b"http/1.0 200 ok", b"HTTP/1.0 200 ok"),
        (b"HTTP/1.1  200  OK", b"HTTP/1.1 200 OK"),
    ],
)
def test_point_9_the_status_line_is_valid_http_1(tmp_path: Path, line: bytes, kept: bytes) -> None:
    head = HEAD.replace(b"HTTP/1.1 200 OK", line)
    _, metadata, response = written(tmp_path, exchange(response_head=head))[1:]
    assert block_of(response) == HEAD.replace(b"HTTP/1.1 200 OK", kept) + BODY
    assert b"responseHead: " + line + b"%0D%0A" in block_of(metadata)


def test_point_9_a_head_without_a_status_is_kept_and_none_is_made_up(tmp_path: Path) -> None:
    head = b"SSH-2.0-OpenSSH_9.9\r\n\r\n"
    response = written(tmp_path, exchange(response_head=head, body=b"x", failure=FetchFailure("malformed", "no")))[-1]
    assert block_of(response) == head + b"x"
    assert values(response, "WARC-Payload-Digest") == []


def test_point_10_content_type_says_which_message_it_is(every_kind: list[bytes]) -> None:
    expected = {
        "warcinfo": "application/warc-fields",
        "metadata": "application/warc-fields",
        "request": "application/http;msgtype=request",
        "response": "application/http;msgtype=response",
        "revisit": "application/http;msgtype=response",
    }
    for record in every_kind:
        assert values(record, "Content-Type") == [expected[values(record, "WARC-Type")[0]]]


def test_point_11_payload_digest_is_over_the_entity_body(every_kind: list[bytes], tmp_path: Path) -> None:
    whole = "sha256:" + hashlib.sha256(BODY).hexdigest()
    assert values(of_type(every_kind, "response")[0], "WARC-Payload-Digest") == [whole]
    cut = "sha256:" + hashlib.sha256(BODY[:5]).hexdigest()
    assert values(of_type(every_kind, "response")[1], "WARC-Payload-Digest") == [cut]
    chunked = HEAD.replace(b"Content-Length: 17", b"Transfer-Encoding: chunked")
    assert values(written(tmp_path / "c", exchange(response_head=chunked))[-1], "WARC-Payload-Digest") == [whole]


def test_point_11_no_payload_digest_where_there_is_no_payload(every_kind: list[bytes]) -> None:
    for record in of_type(every_kind, "warcinfo") + of_type(every_kind, "metadata"):
        assert values(record, "WARC-Payload-Digest") == []
    *gets, post = of_type(every_kind, "request")
    assert [values(record, "WARC-Payload-Digest") for record in gets] == [[]] * len(gets)
    assert values(post, "WARC-Payload-Digest") == ["sha256:" + hashlib.sha256(b"a=1").hexdigest()]


def test_point_11_a_body_still_in_chunks_has_no_payload_digest_and_keeps_its_framing(tmp_path: Path) -> None:
    head = HEAD.replace(b"Content-Length: 17", b"Transfer-Encoding: chunked\r\nBad Name: x")
    spill = b"3\r\nabc\r\n0\r\n\r\n"
    refused = exchange(
        response_head=head, body=spill, failure=FetchFailure("malformed", "bad name"), truncated="unspecified"
    )
    _, metadata, response = written(tmp_path, refused)[1:]
    assert values(response, "WARC-Payload-Digest") == []
    assert b"Transfer-Encoding: chunked\r\n" in block_of(response)
    assert block_of(response).endswith(b"\r\n\r\n" + spill)
    assert b"failureKind: malformed\r\n" in block_of(metadata)


def test_point_12_block_digest_over_the_full_block(every_kind: list[bytes]) -> None:
    for record in every_kind:
        digest = "sha256:" + hashlib.sha256(block_of(record)).hexdigest()
        assert values(record, "WARC-Block-Digest") == [digest]


def test_point_13_digests_are_labelled_sha256_in_lower_base16(every_kind: list[bytes]) -> None:
    found = [value for record in every_kind for name, value in fields_of(record) if name.endswith("-Digest")]
    assert len(found) > len(every_kind)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in found)


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("192.0.2.7", ["192.0.2.7"]),
        ("2001:DB8:0:0:0:0:0:1", ["2001:db8::1"]),
        ("fe80::1%eth0", ["fe80::1"]),
        ("::ffff:192.0.2.7", ["192.0.2.7"]),
        (None, []),
        ("not an address", []),
    ],
)
def test_point_14_ip_address_is_numeric(tmp_path: Path, peer: str | None, shown: list[str]) -> None:
    warcinfo, *event = written(tmp_path, exchange(peer_address=peer))
    assert values(warcinfo, "WARC-IP-Address") == []
    assert [values(record, "WARC-IP-Address") for record in event] == [shown] * 3


def test_point_15_concurrent_to_ties_an_event_together(every_kind: list[bytes]) -> None:
    mains = {values(record, "WARC-Record-ID")[0] for record in every_kind if not values(record, "WARC-Concurrent-To")}
    assert values(every_kind[0], "WARC-Concurrent-To") == []
    beside = [values(record, "WARC-Concurrent-To") for record in every_kind if values(record, "WARC-Concurrent-To")]
    assert len(beside) == 11
    assert {main for (main,) in beside} == mains - set(values(every_kind[0], "WARC-Record-ID"))


def test_point_24_metadata_tells_via_hops_and_duration(tmp_path: Path) -> None:
    via = exchange(
        via="http://gazette.example/feed ё.xml",
        interim_heads=(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\n",
        ),
        tls=TlsFacts("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "cd" * 32, False),
    )
    metadata = written(tmp_path, via, hops=3)[2]
    assert block_of(metadata).decode() == (
        "via: http://gazette.example/feed%20%D1%91.xml\r\n"
        "hopsFromSeed: LLL\r\n"
        "fetchTimeMs: 321\r\n"
        "interimHead: HTTP/1.1 103 Early Hints%0D%0ALink: </a.css>%0D%0A%0D%0A\r\n"
        "interimHead: HTTP/1.1 102 Processing%0D%0A%0D%0A\r\n"
        f"tlsCertificateSha256: {'cd' * 32}\r\n"
        "tlsVerified: no\r\n"
    )


def test_point_25_warcinfo_comes_first_and_says_who_made_the_file_and_how(every_kind: list[bytes]) -> None:
    assert values(every_kind[0], "WARC-Type") == ["warcinfo"]
    assert len(of_type(every_kind, "warcinfo")) == 1
    assert block_of(every_kind[0]).decode() == (
        "software: newsark/1.0\r\n"
        "format: WARC File Format 1.1\r\n"
        "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
        "isPartOf: gazette\r\n"
        "operator: A. Keeper <keeper@example.org>\r\n"
        "hostname: host.example\r\n"
        "robots: classic\r\n"
        "http-header-user-agent: newsark/1.0 (+https://example.org/bot)\r\n"
        "http-header-from: keeper@example.org\r\n"
    )
    info = values(every_kind[0], "WARC-Record-ID")
    assert all(values(record, "WARC-Warcinfo-ID") == info for record in every_kind[1:])


def test_point_26_warc_filename_is_the_name_the_object_is_stored_under(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    assert values(members(open_warc(tmp_path))[0], "WARC-Filename") == [segment.warc_key.rpartition("/")[2]]
    assert segment.seal().warc.path.name == segment.warc_key.rpartition("/")[2]


def test_point_27_each_record_is_one_gzip_member(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    captures = [segment.append(exchange()), segment.append(failure())]
    records = members(open_warc(tmp_path))
    assert [values(record, "WARC-Type")[0] for record in records] == [
        "warcinfo", "request", "metadata", "response", "request", "metadata",
    ]  # fmt: skip
    data = open_warc(tmp_path).read_bytes()
    assert captures[1].offset + captures[1].length == len(data)
    for capture in captures:
        assert data[capture.offset : capture.offset + 3] == b"\x1f\x8b\x08"


def test_point_28_names_tell_prefix_time_serial_and_host_and_serials_differ(tmp_path: Path) -> None:
    first, second = new_segment(tmp_path), new_segment(tmp_path)
    assert first.stem == "gazette-20261123180000-00000-host.example"
    assert second.stem == "gazette-20261123180000-00001-host.example"


def test_point_29_no_record_is_segmented(every_kind: list[bytes]) -> None:
    assert not any(name.startswith("WARC-Segment") for record in every_kind for name, _ in fields_of(record))


def test_point_30_the_servers_content_type_is_not_passed_off_as_identified(every_kind: list[bytes]) -> None:
    assert not any(values(record, "WARC-Identified-Payload-Type") for record in every_kind)


@pytest.mark.parametrize(
    ("tls", "fields"),
    [
        (None, [("WARC-Protocol", "http/1.1")]),
        (
            TLS,
            [
                ("WARC-Protocol", "http/1.1"),
                ("WARC-Protocol", "tls/1.3"),
                ("WARC-Cipher-Suite", "TLS_AES_128_GCM_SHA256"),
            ],
        ),
        (
            TlsFacts("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", "", True),
            [
                ("WARC-Protocol", "http/1.1"),
                ("WARC-Protocol", "tls/1.2"),
                ("WARC-Cipher-Suite", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
            ],
        ),
        (TlsFacts("TLSv9", "ODD-SUITE", "", True), [("WARC-Protocol", "http/1.1")]),
    ],
)
def test_point_31_each_protocol_has_its_own_field(
    tmp_path: Path, tls: TlsFacts | None, fields: list[tuple[str, str]]
) -> None:
    _, request, metadata, response = written(tmp_path, exchange(tls=tls))
    for record in (request, response):
        assert [pair for pair in fields_of(record) if pair[0] in ("WARC-Protocol", "WARC-Cipher-Suite")] == fields
    assert (b"tlsCipher: ODD-SUITE\r\n" in block_of(metadata)) == (tls is not None and tls.cipher == "ODD-SUITE")


def test_point_33_a_failure_is_a_metadata_record_with_its_reason_and_no_response(tmp_path: Path) -> None:
    request, metadata = written(tmp_path, failure("tls", "handshake failed"))[1:]
    assert values(metadata, "WARC-Type") == ["metadata"]
    assert values(request, "WARC-Concurrent-To") == values(metadata, "WARC-Record-ID")
    assert block_of(request) == REQUEST
    assert block_of(metadata) == b"fetchTimeMs: 321\r\nfailureKind: tls\r\nfailureMessage: handshake failed\r\n"


def test_point_33_a_failure_before_anything_was_sent_has_no_request_record(tmp_path: Path) -> None:
    nothing = exchange(request=b"", response_head=b"", body=b"", failure=FetchFailure("dns", "no such host"))
    records = written(tmp_path, nothing)
    assert [values(record, "WARC-Type")[0] for record in records] == ["warcinfo", "metadata"]
