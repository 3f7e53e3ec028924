"""Records: whole, in order, valid against their schema; equal content has equal digests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from pipelines import schema
from pipelines.article import ArticleRecord
from pipelines.compare import PreviousVersion, compare, content_digest
from pipelines.observation import build_observation, observation_line
from pipelines.page import PageInput, ReadLimits
from pipelines.read import Reading, read_page
from pipelines.record import article_url, build_record, record_line
from storage.capture import Capture
from storage.errors import BodyTooLarge
from storage.versions import Observation

URL = "https://estuary-post.example/ferry"
TEXT = "The harbour board said on Monday that the old ferry would sail again in spring. "
PAGE = PageInput(URL, f'<meta name="author" content="Ann Okafor"><h1>Old ferry</h1><p>{TEXT * 5}</p>'.encode())
CAPTURE = Capture(
    key="warc/post/2026/03/post-20260302063000-00001-host.warc.gz",
    offset=412,
    length=8123,
    record_id="<urn:uuid:6f1b3c2a-0000-4000-8000-000000000001>",
    record_type="response",
    date=datetime(2026, 3, 2, 6, 30, 0, 250, tzinfo=UTC),
    url=URL,
    status=200,
    mime="text/html",
    payload_digest="sha256:00",
    ip_address="192.0.2.7",
    protocol="http/1.1,tls/1.3",
)


def reading() -> Reading:
    return read_page(PAGE, ReadLimits())


def article(**changed: Any) -> dict[str, Any]:
    return {"headline": "Old ferry", "articleBody": "One.\nTwo.", "author": [{"name": "Ann Okafor"}]} | changed


def test_a_record_points_at_its_bytes() -> None:
    line = orjson.loads(record_line(build_record(reading(), capture=CAPTURE, tls_verified=True)))
    assert line["archive"] == {
        "filename": CAPTURE.key,
        "offset": 412,
        "length": 8123,
        "recordId": CAPTURE.record_id,
        "payloadDigest": "sha256:00",
        "status": 200,
        "mime": "text/html",
        "date": "2026-03-02T06:30:00.000250Z",
        "ipAddress": "192.0.2.7",
        "protocol": "http/1.1,tls/1.3",
        "tlsVerified": True,
    }
    assert line["metadata"]["dateDownloaded"] == "2026-03-02T06:30:00.000250Z"


def test_a_line_has_every_key_in_the_order_of_the_model() -> None:
    line = record_line(build_record(reading(), record_id="a"))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    names = [field.alias for field in ArticleRecord.model_fields.values()]
    assert list(orjson.loads(line)) == names


def test_the_same_reading_of_the_same_capture_has_the_same_id() -> None:
    one, two = (build_record(reading(), capture=CAPTURE) for _ in range(2))
    assert one == two
    assert one.id != build_record(reading()).id


def test_a_page_that_was_not_read_has_a_record_with_the_reason() -> None:
    large = read_page(PAGE, ReadLimits(max_page_bytes=10))
    record = orjson.loads(record_line(build_record(large, capture=CAPTURE)))
    assert record["articleBody"] is None
    assert record["metadata"]["reason"] == str(BodyTooLarge(10))
    assert record["archive"]["offset"] == 412


@pytest.mark.parametrize(
    ("canonical", "chosen"),
    [
        (None, "https://www.example.org/a/b"),
        ("https://example.org/a", "https://example.org/a"),
        ("https://m.example.org/a", "https://m.example.org/a"),
        ("https://example.org/", "https://www.example.org/a/b"),
        ("https://elsewhere.example/a", "https://www.example.org/a/b"),
        ("http://[", "https://www.example.org/a/b"),
    ],
)
def test_a_canonical_address_is_believed_within_the_site(canonical: str | None, chosen: str) -> None:
    assert article_url("https://www.example.org/a/b", canonical) == chosen


def test_what_a_reader_is_not_told_is_no_edit() -> None:
    first = content_digest(article())
    assert first.startswith("sha256:")
    assert content_digest(article(dateModified="2026-03-03", description="x", image=[{"url": "y"}])) == first
    assert content_digest(article(articleBody="One. \nTwo.")) == first
    assert content_digest(article(headline="Cafe\u0301")) == content_digest(article(headline="Café"))


@pytest.mark.parametrize(
    "changed", [{"headline": "Old ferry?"}, {"articleBody": "One.\nThree."}, {"author": []}, {"articleBody": None}]
)
def test_what_a_reader_is_told_is_an_edit(changed: dict[str, Any]) -> None:
    assert content_digest(article(**changed)) != content_digest(article())


def test_versions_are_counted_from_one() -> None:
    digest = content_digest(article())
    new = compare(None, digest)
    assert (new.outcome, new.version, new.previous) == ("new", 1, None)
    known = PreviousVersion("a", 3, digest)
    assert (compare(known, digest).outcome, compare(known, digest).version) == ("unchanged", 3)
    edited = compare(known, "sha256:other")
    assert (edited.outcome, edited.version, edited.previous) == ("edited", 4, known)


def test_lines_are_valid_against_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(schema.json_schema())
    seen = Observation(url=URL, at=CAPTURE.date, outcome="unchanged", article="k", capture_record_id=CAPTURE.record_id)
    large = read_page(PAGE, ReadLimits(max_page_bytes=10))
    found = {"via": "https://estuary-post.example/feed", "method": "feed", "title": "Old ferry"}
    for line in (
        record_line(build_record(reading(), capture=CAPTURE, found=found)),
        record_line(build_record(large)),
        observation_line(build_observation(seen, CAPTURE)),
        observation_line(build_observation(seen, None)),
    ):
        validator.validate(orjson.loads(line))
    broken = orjson.loads(record_line(build_record(reading()))) | {"wordCount": "many"}
    assert not validator.is_valid(broken)


def test_every_field_is_described() -> None:
    for name, model in schema.json_schema()["$defs"].items():
        for field, value in model.get("properties", {}).items():
            assert value.get("description"), f"{name}.{field}"


def test_the_documents_follow_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["schema", *words])
        return schema.main()

    assert run("--write", str(tmp_path)) == 0
    assert run("--check", str(tmp_path)) == 0
    (tmp_path / "record.md").write_text("old")
    assert run("--check", str(tmp_path)) == 1
