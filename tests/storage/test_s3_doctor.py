"""What `newsark doctor` says about stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from newsark.checking.stores import store_checks
from storage.stores import StoreSettings, open_store
from tests.s3proxy import Fault, Proxy, running_proxy
from tests.seaweed import Seaweed, free_ports, shared_seaweed


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(server: Seaweed) -> Iterator[Proxy]:
    with running_proxy(server) as proxy:
        yield proxy


def said(settings: StoreSettings) -> list[tuple[str, str]]:
    findings = list(store_checks(settings))
    assert {one.check for one in findings} == {"store"}
    return [(one.verdict, one.message) for one in findings]


def test_a_bucket_that_is_well_is_said_to_be(server: Seaweed) -> None:
    settings = StoreSettings(f"s3://{server.bucket('doctor')}/{uuid4().hex}")
    assert said(settings) == [("ok", f"{settings.place} answers; the first crawl tries out whether it is safe")]
    store = open_store(settings)
    store.put_bytes("newsark.json", b"{}")
    assert said(settings) == [("ok", f"{settings.place} writes once, verifies checksums and states them")]
    assert [info.key for info in store.list()] == ["newsark.json"]


def test_each_broken_promise_is_a_fault_or_where_accepted_a_warning(server: Seaweed, proxy: Proxy) -> None:
    settings = StoreSettings(f"s3://{server.bucket('doctor')}/{uuid4().hex}", endpoint_url=proxy.endpoint_url)
    open_store(settings).put_bytes("newsark.json", b"{}")
    proxy.forget = ("if-none-match", "x-amz-checksum", "x-amz-sdk-checksum")
    faults = said(settings)
    assert [verdict for verdict, _ in faults] == ["fault"] * 3
    words = ("can overwrite each other's objects", "damaged on their way", "reading it back")
    for (_, message), word in zip(faults, words, strict=True):
        assert message.startswith(f"{settings.place}: ")
        assert word in message
    warnings = said(replace(settings, accept_unsafe=True))
    assert [verdict for verdict, _ in warnings] == ["warning"] * 3


def test_a_store_that_gives_back_other_parts_is_a_fault(server: Seaweed, proxy: Proxy) -> None:
    settings = StoreSettings(f"s3://{server.bucket('doctor')}/{uuid4().hex}", endpoint_url=proxy.endpoint_url)
    open_store(settings).put_bytes("newsark.json", b'{"format": 1}')
    # the second request for it is the one for a part
    proxy.hooks.append(("GET", "newsark.json", lambda: proxy.script(Fault.DAMAGED_ANSWER, "GET", "newsark.json")))
    ((verdict, message),) = said(settings)
    assert verdict == "fault"
    assert "does not give back parts of objects" in message


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Mon, 23 Nov 2020 18:00:00 GMT", "s behind this machine's"),
        ("Mon, 23 Nov 2099 18:00:00 GMT", "s ahead of this machine's"),
    ],
)
def test_a_store_whose_clock_is_elsewhere_is_a_warning(server: Seaweed, proxy: Proxy, date: str, words: str) -> None:
    settings = StoreSettings(f"s3://{server.bucket('doctor')}/{uuid4().hex}", endpoint_url=proxy.endpoint_url)
    store = open_store(settings)
    store.put_bytes("newsark.json", b"{}")
    ahead = store.clock_ahead_seconds()
    assert ahead is not None
    assert abs(ahead) < 30
    proxy.date = date
    findings = list(store_checks(settings))
    assert [(one.check, one.verdict) for one in findings] == [("store's clock", "warning"), ("store", "ok")]
    assert words in findings[0].message
    proxy.date = "some day"
    assert store.clock_ahead_seconds() is None


@pytest.mark.parametrize(
    ("place", "endpoint_url", "word"),
    [
        ("s3://not-there-at-all/a", None, "make the bucket"),
        ("s3://doctor", "nobody-listens", "check the network and the server"),
        ("s3://Doctor", None, "is not the name of a bucket"),
        ("ftp://doctor", None, "is neither a directory nor s3://bucket/prefix"),
    ],
)
def test_a_store_that_does_not_work_is_a_fault_with_its_cure(
    server: Seaweed, place: str, endpoint_url: str | None, word: str
) -> None:
    if endpoint_url:
        endpoint_url = f"http://127.0.0.1:{free_ports()['s3.port']}"
    ((verdict, message),) = said(StoreSettings(place, endpoint_url=endpoint_url, time_limit_seconds=0.5))
    assert verdict == "fault"
    assert word in message


def test_a_directory_is_tried_out_where_it_will_be(tmp_path: Path) -> None:
    assert said(StoreSettings(str(tmp_path / "a" / "b"))) == [
        ("ok", f"{tmp_path} writes once and refuses to overwrite")
    ]
    assert list(tmp_path.iterdir()) == []
