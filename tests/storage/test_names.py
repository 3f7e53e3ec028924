from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.names import (
    ObjectName,
    Stem,
    events_name,
    host_label,
    index_name,
    manifest_name,
    parse_key,
    records_name,
    source_key,
    timestamp_name,
    warc_name,
)

STEM = Stem("gazette", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), 12, "host.example")
WORDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
TIMES = st.datetimes(timezones=st.just(UTC))


def stem_or_none(*parts: object) -> Stem | None:
    try:
        return Stem(*parts)
    except ValueError:
        return None


STEMS = st.builds(stem_or_none, WORDS, TIMES, st.integers(0, 99999), WORDS).filter(bool)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (warc_name(STEM), "warc/gazette/2026/03/gazette-20260304050607-00012-host.example.warc.gz"),
        (records_name(STEM), "records/gazette/2026/03/gazette-20260304050607-00012-host.example.0.jsonl.gz"),
        (
            records_name(STEM, 3),
            "records/gazette/2026/03/gazette-20260304050607-00012-host.example.3.jsonl.gz",
        ),
        (index_name(STEM), "index/gazette/2026/03/gazette-20260304050607-00012-host.example.cdxj.gz"),
        (events_name(STEM), "events/gazette/2026/03/gazette-20260304050607-00012-host.example.jsonl.gz"),
        (manifest_name(STEM), "manifests/gazette/2026/03/gazette-20260304050607-00012-host.example.json"),
        (
            manifest_name(STEM, 1),
            "manifests/gazette/2026/03/gazette-20260304050607-00012-host.example.1.json",
        ),
        (timestamp_name(STEM), "manifests/gazette/2026/03/gazette-20260304050607-00012-host.example.tsr"),
        (timestamp_name(STEM, 1), "manifests/gazette/2026/03/gazette-20260304050607-00012-host.example.1.tsr"),
    ],
)
def test_keys_are_those_of_store_format_1(name: ObjectName, key: str) -> None:
    assert name.key == key
    assert parse_key(key) == name


def test_source_files_have_their_own_room() -> None:
    assert source_key("gazette", 2) == "sources/gazette/2.toml"


@given(STEMS)
def test_a_stem_is_read_back_from_its_text(stem: Stem) -> None:
    assert Stem.parse(str(stem)) == stem


@given(
    STEMS,
    st.sampled_from([warc_name, records_name, index_name, events_name, manifest_name, timestamp_name]),
    st.integers(0, 12),
)
def test_a_key_is_read_back(stem: Stem, kind: object, number: int) -> None:
    name = kind(stem, number) if kind in (records_name, manifest_name, timestamp_name) else kind(stem)
    assert parse_key(name.key) == name
    assert name.key.endswith("/" + name.filename)


@pytest.mark.parametrize(
    "key",
    [
        "warc/other/2026/03/gazette-20260304050607-00012-host.example.warc.gz",
        "warc/gazette/2026/04/gazette-20260304050607-00012-host.example.warc.gz",
        "warc/gazette/2026/03/gazette-20260304050607-00012-host.example.cdxj.gz",
        "warc/gazette/2026/03/gazette-20260304050607-00012-host.example.0.warc.gz",
        "records/gazette/2026/03/gazette-20260304050607-00012-host.example.jsonl.gz",
        "records/gazette/2026/03/gazette-20260304050607-00012-host.example.00.jsonl.gz",
        "warc/gazette/2026/03/gazette-20260304050607-00012-host.example.tsr",
        "timestamps/gazette/2026/03/gazette-20260304050607-00012-host.example.tsr",
        "manifests/gazette/2026/03/gazette-20260304050607-00012-host.example.warc.gz",
        "nothing/gazette/2026/03/gazette-20260304050607-00012-host.example.json",
        "warc/gazette/2026/13/gazette-20261304050607-00012-host.example.warc.gz",
        "newsark.json",
        "",
    ],
)
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"is not|month must be|ends like"):
        parse_key(key)


@pytest.mark.parametrize(
    ("source", "serial", "host"),
    [
        ("Gazette", 0, "h"),
        ("", 0, "h"),
        ("../x", 0, "h"),
        (".x", 0, "h"),
        ("x", 100000, "h"),
        ("x", -1, "h"),
        ("x", 0, "20260304050607-00012-h"),
        ("x", 0, "a-20260304050607-00012-h"),
        ("x", 0, "host.7"),
        ("x", 0, "ü"),
    ],
)
def test_parts_that_make_no_name_or_two_are_refused(source: str, serial: int, host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Stem(source, STEM.created, serial, host)


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9-]*-?[0-9]{14}-[0-9]{5}-[a-z.0-9]*", fullmatch=True))
def test_any_machine_name_makes_a_stem(hostname: str) -> None:
    stem = Stem("gazette", STEM.created, 1, host_label(hostname))
    assert Stem.parse(str(stem)) == stem


def test_machine_names_stay_readable() -> None:
    assert host_label("Crawler-01.Example.org") == "crawler-01.example.org"
    assert host_label("Küche_7") == "k-che-7"
    assert host_label("10.0.0.7") == "10.0.0-7"
    assert host_label("…") == "localhost"
