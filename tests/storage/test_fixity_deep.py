"""Verification that reads every byte: records, index lines, record lines and events, each against the others."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fixity_samples import Sample, kinds, make_sample, packed
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import BODY, HEAD, REQUEST, exchange, new_segment

from storage.digests import sha256_digest
from storage.directory import DirectoryStore
from storage.errors import NotReadableWarc
from storage.fixity.recordstream import StreamedRecord, gzip_lines, stream_records
from storage.gzipmembers import gzip_member, read_members
from storage.objects import ObjectStore
from storage.warcscan import scan_records


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """Three segments in one store whose manifests are made to agree with whatever a test changes."""
    return make_sample(tmp_path, stores=1, anchored=False)


def found_in(sample: Sample, key: str, data: bytes) -> list[tuple[str, str]]:
    """(kind, message) of what is found in an object with other bytes and a manifest that agrees with them."""
    sample.recompute(key, data)
    return [(one.kind, one.message) for one in sample.verify(deep=True).findings if one.object == key]


def changed_line(sample: Sample, key: str, number: int, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The object with one of its JSON lines changed."""
    lines = sample.lines(key)
    value = orjson.loads(lines[number])
    change(value)
    lines[number] = orjson.dumps(value) + b"\n"
    return packed(lines)


# records of the WARC


def members(data: bytes, tmp_path: Path) -> list[bytes]:
    path = tmp_path / "members"
    path.write_bytes(data)
    with path.open("rb") as file:
        return [member.data for member in read_members(file, "members")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"the ferry sails", b"the fairy sails", "the block digest is sha256:"),
        (b"WARC-Type: response", b"WARC-Tipe: response", "it has no warc-type"),
        (b"WARC-Date: 2026", b"WARC-Date: 20z6", "it is no capture"),
    ],
)
def test_a_record_that_is_not_what_it_says_is_named_with_its_offset(
    sample: Sample, tmp_path: Path, old: bytes, new: bytes, message: str
) -> None:
    key = sample.keys("warc")[2]
    records = members(sample.objects[key], tmp_path)
    place = next(number for number, record in enumerate(records) if b"WARC-Type: response" in record)
    offset = sum(len(gzip_member([record])) for record in records[:place])
    records[place] = records[place].replace(old, new)
    sample.recompute(key, b"".join(gzip_member([record]) for record in records))
    found = [one for one in sample.verify(deep=True).findings if one.object == key and one.kind == "bad-record"]
    assert any(message in one.message and one.offset == offset for one in found)


def test_a_wrong_payload_digest_alone_is_found(sample: Sample, tmp_path: Path) -> None:
    key = sample.keys("warc")[2]
    records = members(sample.objects[key], tmp_path)
    place = next(number for number, record in enumerate(records) if b"WARC-Type: response" in record)
    digest = records[place].partition(b"WARC-Payload-Digest: sha256:")[2][:64]
    records[place] = records[place].replace(b"Payload-Digest: sha256:" + digest, b"Payload-Digest: sha256:" + b"0" * 64)
    found = found_in(sample, key, b"".join(gzip_member([record]) for record in records))
    assert ("bad-record", f"the payload digest is sha256:{digest.decode()}, not sha256:{'0' * 64}") in found


def test_a_gzip_trailer_that_does_not_match_is_found(sample: Sample, tmp_path: Path) -> None:
    key = sample.keys("warc")[2]
    first = len(gzip_member([members(sample.objects[key], tmp_path)[0]]))
    data = bytearray(sample.objects[key])
    data[first - 6] ^= 1
    ((kind, message), *_) = found_in(sample, key, bytes(data))
    assert kind == "bad-record"
    assert message.startswith("not a gzip member")


def test_a_record_that_is_missing_is_missed_by_counts_index_and_record_lines(sample: Sample, tmp_path: Path) -> None:
    key = sample.keys("warc")[2]
    records = members(sample.objects[key], tmp_path)
    responses = [number for number, record in enumerate(records) if b"WARC-Type: response" in record]
    del records[responses[-1]]
    sample.recompute(key, b"".join(gzip_member([record]) for record in records))
    found = kinds(sample.verify(deep=True))
    wanted = {(key, "wrong-counts"), (key, "bad-record")}
    wanted |= {(sample.keys("index")[2], "bad-index"), (sample.keys("records")[2], "wrong-pointer")}
    assert wanted <= found


def test_a_whole_warc_of_another_name_is_not_this_segments(sample: Sample) -> None:
    first, second, _ = sample.keys("warc")
    found = found_in(sample, second, sample.objects[first])
    assert ("bad-record", "the file does not begin with its own warcinfo record") in found


# the index


def test_an_index_without_a_line_is_found(sample: Sample) -> None:
    key = sample.keys("index")[2]
    ((kind, message),) = found_in(sample, key, packed(sample.lines(key)[1:]))
    assert kind == "bad-index"
    assert message.startswith("it lacks http://gazette.example/2/0 at offset ")


@pytest.mark.parametrize("name", ["url", "mime", "status", "digest", "length", "filename"])
def test_an_index_line_that_says_something_else_is_found(sample: Sample, name: str) -> None:
    key = sample.keys("index")[2]
    lines = sample.lines(key)
    head, _, facts = lines[1].partition(b"{")
    values = orjson.loads(b"{" + facts)
    values[name] = "7"
    lines[1] = head + orjson.dumps(values) + b"\n"
    ((kind, message),) = found_in(sample, key, packed(lines))
    assert kind == "bad-index"
    assert message.startswith(f"line 2: {name} not as at offset ")


def test_an_index_out_of_order_a_foreign_line_and_a_torn_end_are_found(sample: Sample) -> None:
    key = sample.keys("index")[2]
    lines = sample.lines(key)
    assert found_in(sample, key, packed([lines[1], lines[0], *lines[2:]])) == [
        ("bad-index", "line 2 is not in byte order")
    ]
    far = lines[-1].replace(b'"offset":"', b'"offset":"9')
    assert found_in(sample, key, packed([*lines, far]))[0][0] == "bad-index"
    assert found_in(sample, key, packed([*lines[:-1], lines[-1][:-1]])) == [("bad-index", "the last line is cut short")]


# record lines and events


@pytest.mark.parametrize(
    ("name", "value"),
    [("offset", 7), ("length", 7), ("recordId", "<urn:uuid:0>"), ("payloadDigest", "sha256:0"), ("status", 404)],
)
def test_a_record_line_that_points_elsewhere_is_found(sample: Sample, name: str, value: object) -> None:
    key = sample.keys("records")[2]
    data = changed_line(sample, key, 1, lambda record: record["archive"].update({name: value}))
    ((kind, message),) = found_in(sample, key, data)
    assert kind == "wrong-pointer"
    assert message.startswith("line 2: ")


def test_an_observation_that_points_elsewhere_is_found(sample: Sample) -> None:
    key = sample.keys("records")[2]
    data = changed_line(sample, key, 4, lambda seen: seen.update(recordId="<urn:uuid:0>"))
    assert [kind for kind, _ in found_in(sample, key, data)] == ["wrong-pointer"]


def test_a_record_may_point_into_the_segment_before(sample: Sample) -> None:
    earlier, key = sample.keys("records")[1:]
    there = orjson.loads(sample.lines(earlier)[0])["archive"]
    assert found_in(sample, key, changed_line(sample, key, 0, lambda record: record.update(archive=there))) == []
    wrong = there | {"recordId": "<urn:uuid:0>"}
    found = found_in(sample, key, changed_line(sample, key, 0, lambda record: record.update(archive=wrong)))
    assert [kind for kind, _ in found] == ["wrong-pointer"]


@pytest.mark.parametrize("line", [b"{", b"[]", b"7", b"\xff\xff", b""])
@pytest.mark.parametrize("room", ["records", "events"])
def test_a_line_that_is_no_json_object_is_found(sample: Sample, room: str, line: bytes) -> None:
    key = sample.keys(room)[2]
    lines = sample.lines(key)
    ((kind, message),) = found_in(sample, key, packed([lines[0], line + b"\n", *lines[1:]]))
    assert kind == "bad-line"
    assert message.startswith("line 2 is no")


def test_a_source_file_must_be_what_the_events_say(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1, anchored=False)
    key = sample.keys("events")[2]
    lines = sample.lines(key)
    event = orjson.loads(lines[-1])
    assert event["type"] == "source-file"
    event |= {"revision": 2, "sha256": hashlib.sha256(b'id = "gazette"').hexdigest()}
    sample.recompute(key, packed([*lines, orjson.dumps(event) + b"\n"]))
    sample.rewrite("sources/gazette/2.toml", b'id = "gazelle"')
    assert ("sources/gazette/2.toml", "wrong-digest") in kinds(sample.verify(deep=True))
    sample.rewrite("sources/gazette/2.toml", b'id = "gazette"')
    assert "sources/gazette/2.toml" not in {key for key, _ in kinds(sample.verify(deep=True))}


def test_intact_lines_are_not_blamed_for_a_damaged_warc(tmp_path: Path) -> None:
    sample = make_sample(tmp_path)
    first, second, _ = sample.keys("warc")
    sample.rewrite(first, sample.objects[second])
    assert {key for key, _ in kinds(sample.verify(deep=True))} == {first}


def test_details_of_one_object_are_limited(sample: Sample) -> None:
    key = sample.keys("events")[2]
    found = found_in(sample, key, packed([b"{\n"] * 500))
    assert len(found) == 21
    assert found[-1] == ("bad-line", "and 480 more of its lines or records")


# reading in one pass


def warc(directory: Path, *bodies: bytes) -> Path:
    """A sealed WARC with these pages."""
    segment = new_segment(directory)
    for number, body in enumerate(bodies):
        segment.append(exchange(url=f"http://gazette.example/{number}", body=body))
    return segment.seal().warc.path


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@settings(max_examples=30, deadline=None)
@given(bodies=st.lists(st.binary(max_size=400_000), max_size=3), size=st.integers(1, 200_000))
def test_streaming_finds_the_same_records_as_reading_at_leisure(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], size: int
) -> None:
    path = warc(tmp_path_factory.mktemp("warc"), *bodies)
    with path.open("rb") as file:
        known = [(one.offset, one.length, one.fields) for one in scan_records(file, path.name)]
    streamed = list(stream_records(pieces(path.read_bytes(), max(size, 20)), path.name))
    assert [(one.offset, one.length, one.fields) for one in streamed] == known
    assert [one.problems for one in streamed] == [()] * len(known)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_any_flipped_bit_that_changes_what_a_record_unpacks_to_is_found(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = warc(tmp_path_factory.mktemp("warc"), BODY * 30)
    whole = path.read_bytes()
    data = bytearray(whole)
    data[place % len(data)] ^= 1 << bit

    def read(source: bytes) -> list[StreamedRecord] | None:
        try:
            return list(stream_records(iter([source]), path.name))
        except NotReadableWarc:
            return None

    found, known = read(bytes(data)), read(whole)
    # Gzip's own header (time, system, flags) is the file digest's part to guard.
    assert found is None or any(one.problems for one in found) or found == known


def test_a_large_body_is_digested_without_being_held(tmp_path: Path) -> None:
    import tracemalloc

    body = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(1_000_000))
    path = warc(tmp_path, body)
    tracemalloc.start()
    with path.open("rb") as file:
        found = list(stream_records(iter(lambda: file.read(1 << 20), b""), path.name))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [one.problems for one in found] == [()] * len(found)
    assert sha256_digest(body) in {one.fields.get("warc-payload-digest") for one in found}
    assert peak < 8 * 1024 * 1024 < len(body)


@pytest.mark.parametrize("head", [HEAD.replace(b"\r\n", b"\n"), HEAD, b"HTTP/1.1 200 OK\r\n\r\n"])
@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"\n\n" * 9, BODY])
def test_heads_of_every_kind_end_where_their_body_begins(tmp_path: Path, head: bytes, body: bytes) -> None:
    segment = new_segment(tmp_path)
    segment.append(exchange(response_head=head, body=body, request=REQUEST))
    path = segment.seal().warc.path
    found = list(stream_records(pieces(path.read_bytes(), 37), path.name))
    assert [one.problems for one in found] == [()] * 4
    assert found[-1].http_head.endswith((b"\r\n\r\n", b"\n\n"))


@settings(max_examples=50, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=50).map(lambda line: line.replace(b"\n", b"")), min_size=1), size=st.integers(1)
)
def test_lines_are_read_whole_whatever_the_chunks(lines: list[bytes], size: int) -> None:
    data = gzip.compress(b"".join(line + b"\n" for line in lines))
    assert list(gzip_lines(pieces(data, size % len(data) + 1), "lines")) == lines


def test_what_reads_record_lines_is_told_of_each_once(tmp_path: Path) -> None:
    from storage.fixity.verifier import Scope, Verifier

    sample = make_sample(tmp_path)
    told: list[tuple[str, str, bytes]] = []

    def tell(store: ObjectStore, key: str, line: bytes) -> None:
        told.append((store.place, key, line))

    sample.path(sample.keys("records")[0], 0).unlink()
    Verifier(sample.stores, sample.catalogue, Scope(deep=True), on_line=tell).run()
    wanted = [line.strip() for key in sample.keys("records") for line in sample.lines(key) if b'"archive"' in line]
    assert sorted(line for _, _, line in told) == sorted(wanted)
    assert {place for place, key, _ in told if key == sample.keys("records")[0]} == {sample.stores[1].place}
    assert isinstance(sample.stores[0], DirectoryStore)
