"""WARC 1.1 point by point, of revisits and cut responses: what stands for a payload that is not there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from storage_samples import (
    BODY,
    HEAD,
    INFO,
    block_of,
    exchange,
    fields_of,
    ids,
    members,
    new_segment,
    open_warc,
    values,
)

from storage.exchange import FetchFailure
from storage.segment import Segment
from tests.storage.conformance_samples import (
    NOT_MODIFIED_HEAD,
    REVISIT,
    of_type,
    records_of_every_kind,
    with_original,
    written,
)


@pytest.fixture
def every_kind(tmp_path: Path) -> list[bytes]:
    return records_of_every_kind(tmp_path)


def test_point_16_and_17_only_revisits_refer_to_another_record(every_kind: list[bytes]) -> None:
    for record in every_kind:
        refers = {name for name, _ in fields_of(record) if name.startswith("WARC-Refers-To")}
        expected = {f"WARC-Refers-To{end}" for end in ("", "-Target-URI", "-Date", "-Container")}
        assert refers == (expected if values(record, "WARC-Type") == ["revisit"] else set())


def test_point_18_revisits_carry_the_profile_of_warc_1_1(every_kind: list[bytes]) -> None:
    profiles = [values(record, "WARC-Profile") for record in of_type(every_kind, "revisit")]
    assert profiles == [[REVISIT + "identical-payload-digest"], [REVISIT + "server-not-modified"]]
    others = [record for record in every_kind if values(record, "WARC-Type") != ["revisit"]]
    assert all(values(record, "WARC-Profile") == [] for record in others)


def test_point_19_identical_payload_keeps_the_head_and_marks_what_is_left_out(tmp_path: Path) -> None:
    head = HEAD.replace(b"X-a:  b ", b"X-second: yes")
    original, records = with_original(tmp_path, exchange(url="http://gazette.example/two", response_head=head))
    revisit = records[-1]
    assert block_of(revisit) == head
    assert values(revisit, "WARC-Truncated") == ["length"]
    assert values(revisit, "WARC-Payload-Digest") == [original.payload_digest]
    assert values(revisit, "WARC-Refers-To") == [original.record_id]
    assert values(revisit, "WARC-Refers-To-Target-URI") == ["http://gazette.example/news/one"]
    assert values(revisit, "WARC-Refers-To-Date") == ["2026-11-23T18:05:09.000250Z"]


def test_point_20_not_modified_refers_to_the_payload_that_stands(tmp_path: Path) -> None:
    original, records = with_original(tmp_path, exchange(response_head=NOT_MODIFIED_HEAD, body=b""))
    revisit = records[-1]
    assert block_of(revisit) == NOT_MODIFIED_HEAD
    assert values(revisit, "WARC-Truncated") == []
    assert values(revisit, "WARC-Payload-Digest") == ["sha256:" + hashlib.sha256(BODY).hexdigest()]
    assert values(revisit, "WARC-Refers-To-Target-URI") == [original.url]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"truncated": "length"}, {}, id="the original is a part"),
        pytest.param({}, {"truncated": "disconnect"}, id="the second is a part"),
        pytest.param({}, {"body": BODY + b"x"}, id="another payload"),
        pytest.param({"body": b""}, {"body": b""}, id="the payload is empty"),
        pytest.param(
            {},
            {"response_head": NOT_MODIFIED_HEAD, "body": b"", "url": "http://gazette.example/two"},
            id="304 elsewhere",
        ),
        pytest.param({}, {"failure": FetchFailure("malformed", "x")}, id="the second is a failure"),
    ],
)
def test_point_21_what_cannot_stand_in_for_the_payload_is_a_response(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    _, records = with_original(tmp_path, exchange(**second), exchange(**first))
    assert values(records[-1], "WARC-Type") == ["response"]


def test_point_21_a_revisit_never_refers_to_a_revisit(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    original = segment.append(exchange())
    revisit = segment.append(exchange(), original=original)
    assert revisit.record_type == "revisit"
    third = segment.append(exchange(), original=revisit)
    assert third.record_type == "response"


@pytest.mark.parametrize("reason", ["length", "time", "disconnect", "unspecified"])
def test_point_22_a_cut_response_is_marked_and_its_head_stays(tmp_path: Path, reason: str) -> None:
    cut = exchange(body=BODY[:5], truncated=reason, truncated_detail="5 of 17 bytes came")
    _, metadata, response = written(tmp_path, cut)[1:]
    assert values(response, "WARC-Truncated") == [reason]
    assert values(response, "Content-Length") == [str(len(HEAD) + 5)]
    assert block_of(response) == HEAD + BODY[:5]
    assert b"truncatedDetail: 5 of 17 bytes came\r\n" in block_of(metadata)


def test_point_22_a_head_without_its_end_is_marked_although_nobody_said_so(tmp_path: Path) -> None:
    cut = exchange(response_head=b"HTTP/1.1 200 OK\r\nServer: x", body=b"", failure=FetchFailure("disconnect", "eof"))
    capture = new_segment(tmp_path).append(cut)
    response = members(open_warc(tmp_path))[-1]
    assert values(response, "WARC-Truncated") == ["unspecified"]
    assert capture.truncated == "unspecified"


def test_point_32_a_revisit_hints_at_the_file_of_its_original(tmp_path: Path) -> None:
    original = new_segment(tmp_path / "a").append(exchange())
    second = Segment.create(tmp_path / "b", "other", INFO, new_id=ids(), host="host.example")
    second.append(exchange(), original=original)
    revisit = members(open_warc(tmp_path / "b"))[-1]
    expected = ["file://gazette-20261123180000-00000-host.example.warc.gz"]
    assert values(revisit, "WARC-Refers-To-Container") == expected
