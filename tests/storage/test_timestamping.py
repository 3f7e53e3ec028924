"""Time stamps of manifests, by a real authority on loopback: had, checked, refused, and had later."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import Certificate
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import decode_timestamp_response

from storage.directory import DirectoryStore
from storage.errors import BadSetting, ExtraMissing, TimestampRefused
from storage.names import Stem, manifest_name, warc_name
from storage.vouching.dersets import with_sorted_certificates
from storage.vouching.manifestproofs import manifest_checker, manifest_problems
from storage.vouching.signing import Keyring
from storage.vouching.timestamping import (
    Authority,
    check_stamp,
    load_certificates,
    missing_stamps,
    put_stamp,
    read_stamp,
    stamp_key,
)
from tests.timestamp_authority import TimestampAuthority, timestamp_authority

GOLDEN = Path(__file__).parent / "golden"
DATA = b'{"format":"newsark-manifest-1"}'
STEMS = [Stem("gazette", datetime(2026, month, 4, tzinfo=UTC), 1, "h") for month in (3, 4)]
KEY = manifest_name(STEMS[0]).key


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with timestamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture
def tsa(running: TimestampAuthority) -> TimestampAuthority:
    running.answer, running.status, running.drips, running.asked = None, 200, False, 0
    running.with_chain(chain=False)
    return running


@pytest.fixture(scope="module")
def roots(running: TimestampAuthority) -> tuple[Certificate, ...]:
    return load_certificates(running.root)


@pytest.fixture(scope="module")
def stamp(running: TimestampAuthority, roots: tuple[Certificate, ...]) -> bytes:
    return Authority(running.url, roots).stamp(DATA)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, ...]:
    with timestamp_authority(tmp_path_factory.mktemp("stranger")) as authority:
        return load_certificates(authority.root)


def kinds(data: bytes, stamp: bytes | None, certificates: tuple[Certificate, ...]) -> list[tuple[str, str]]:
    return list(manifest_problems(KEY, data, {}, stamp=stamp, certificates=certificates, signed_since=None))


# what a stamp says


def test_a_stamp_says_when_the_bytes_were_there(stamp: bytes, roots: tuple[Certificate, ...]) -> None:
    checked = check_stamp(stamp, DATA, roots)
    assert checked.problem is None
    assert checked.time is not None
    assert abs(datetime.now(UTC) - checked.time) < timedelta(minutes=2)
    assert kinds(DATA, stamp, roots) == []


def test_openssl_verifies_the_stored_stamp(stamp: bytes, running: TimestampAuthority, tmp_path: Path) -> None:
    """As docs/format.md says, with nothing of Newsark."""
    (tmp_path / "manifest.json").write_bytes(DATA)
    (tmp_path / "manifest.tsr").write_bytes(stamp)
    command = ["openssl", "ts", "-verify", "-data", "manifest.json", "-in", "manifest.tsr", "-CAfile", running.root]
    assert b"Verification: OK" in subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout


def test_a_stamp_of_other_bytes_is_wrong_with_and_without_certificates(
    stamp: bytes, roots: tuple[Certificate, ...]
) -> None:
    said = [("wrong-timestamp", "its time stamp proves nothing: it is of other bytes")]
    assert kinds(DATA + b" ", stamp, roots) == said
    assert kinds(DATA + b" ", stamp, ()) == said


def test_a_stamp_of_an_authority_that_is_not_trusted_is_wrong(
    stamp: bytes, roots: tuple[Certificate, ...], strangers: tuple[Certificate, ...]
) -> None:
    ((kind, message),) = kinds(DATA, stamp, strangers)
    assert kind == "wrong-timestamp"
    assert message.endswith("its signature is not trusted: unable to get local issuer certificate")
    assert kinds(DATA, stamp, (*strangers, *roots)) == []
    assert kinds(DATA, stamp, ()) == []


def test_a_stamp_outlives_the_certificate_of_its_authority() -> None:
    """Made on 2026-11-23 with certificates that were good for seconds."""
    outlived = GOLDEN / "outlived.tsr"
    certificates = load_certificates(GOLDEN / "outlived.pem")
    checked = check_stamp(outlived.read_bytes(), DATA, certificates)
    assert checked.problem is None
    assert checked.time is not None
    assert checked.time < certificates[0].not_valid_after_utc < datetime.now(UTC)


@given(data=st.data())
def test_a_damaged_stamp_is_wrong_or_says_the_same(
    stamp: bytes, roots: tuple[Certificate, ...], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(stamp)))
    gone = data.draw(st.integers(0, 4) | st.just(len(stamp)))
    damaged = stamp[:at] + data.draw(st.binary(max_size=4)) + stamp[at + gone :]
    checked = check_stamp(damaged, DATA, roots)
    # A few bytes are under no signature: free text about the status, for one.
    assert checked.problem is not None or checked.time == check_stamp(stamp, DATA, roots).time


@given(st.binary(max_size=200))
def test_anything_else_is_no_stamp(data: bytes) -> None:
    assert check_stamp(data, DATA, ()).problem is not None
    assert with_sorted_certificates(data) == data


def test_certificates_in_any_order_are_read(tsa: TimestampAuthority, roots: tuple[Certificate, ...]) -> None:
    tsa.with_chain()
    stamp = Authority(tsa.url, roots).stamp(DATA)
    in_order = with_sorted_certificates(stamp)
    assert len(decode_timestamp_response(in_order).signed_data.certificates) == 2
    assert sorted(in_order) == sorted(stamp)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(stamp if stamp != in_order else reversed_certificates(stamp))
    assert check_stamp(reversed_certificates(stamp), DATA, roots).problem is None


def reversed_certificates(stamp: bytes) -> bytes:
    """The stamp with its two certificates, which stand side by side, in the other order."""
    ordered = with_sorted_certificates(stamp)
    first, second = sorted(decode_timestamp_response(ordered).signed_data.certificates)
    assert first + second in ordered
    return ordered.replace(first + second, second + first)


# asking


def test_a_stamp_is_checked_before_it_is_taken(tsa: TimestampAuthority, strangers: tuple[Certificate, ...]) -> None:
    with pytest.raises(TimestampRefused, match="not trusted: unable to get local issuer") as refused:
        Authority(tsa.url, strangers).stamp(DATA)
    assert refused.value.url == tsa.url


def test_an_old_answer_is_not_taken(tsa: TimestampAuthority, stamp: bytes, roots: tuple[Certificate, ...]) -> None:
    tsa.answer = stamp
    with pytest.raises(TimestampRefused, match="the answer is to another question"):
        Authority(tsa.url, roots).stamp(DATA)
    with pytest.raises(TimestampRefused, match="it is of other bytes"):
        Authority(tsa.url, roots).stamp(DATA + b" ")


def test_a_refusal_is_said_in_the_words_of_the_authority(tsa: TimestampAuthority) -> None:
    tsa.answer = tsa.reply(b"nonsense")
    with pytest.raises(TimestampRefused, match="status 2: Bad request format or system error"):
        Authority(tsa.url).stamp(DATA)


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (503, b"", "HTTP Error 503"),
        (200, b"", "it is no time stamp"),
        (200, b"<html>", "it is no time stamp"),
        (200, b"0" * 300_000, "more than 262144 bytes"),
    ],
)
def test_another_answer_is_refused(tsa: TimestampAuthority, status: int, answer: bytes, words: str) -> None:
    tsa.status, tsa.answer = status, answer
    with pytest.raises(TimestampRefused, match=words):
        Authority(tsa.url).stamp(DATA)


def test_an_authority_that_is_not_there_is_refused() -> None:
    with pytest.raises(TimestampRefused, match="Connection refused"):
        Authority("http://127.0.0.1:9/tsa").stamp(DATA)


def test_an_answer_that_never_ends_costs_no_more_than_the_limit(tsa: TimestampAuthority) -> None:
    tsa.drips = True
    began = time.monotonic()
    with pytest.raises(TimestampRefused, match=r"no answer within 0\.4 s"):
        Authority(tsa.url, timeout_seconds=0.4).stamp(DATA)
    assert time.monotonic() - began < 20


def test_a_failure_is_never_fatal_and_the_authority_rests(
    tsa: TimestampAuthority, roots: tuple[Certificate, ...], caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    authority = Authority(tsa.url, roots, rest_seconds=600, monotonic=lambda: now[0])
    tsa.status = 500
    assert authority.try_stamp(DATA) is None
    assert authority.try_stamp(DATA) is None
    assert tsa.asked == 1
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"no time stamp from {tsa.url}: HTTP Error 500")
    tsa.status, now[0] = 200, 600.0
    stamp = authority.try_stamp(DATA)
    assert stamp is not None
    assert check_stamp(stamp, DATA, roots).problem is None


def test_without_the_library_it_is_said_how_to_install_it(stamp: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    for use in (lambda: Authority("http://127.0.0.1:9/"), lambda: kinds(DATA, stamp, ())):
        with pytest.raises(ExtraMissing, match=r"time stamps need more packages.*pip install 'newsark\[timestamps\]'"):
            use()
    assert kinds(DATA, None, ()) == []


# in the store


def test_missing_stamps_are_those_of_manifests_without_one(tmp_path: Path, stamp: bytes) -> None:
    store = DirectoryStore(tmp_path)
    manifests = sorted(manifest_name(stem, number).key for stem in STEMS for number in (None, 1, 10))
    for key in manifests:
        store.put_bytes(key, DATA)
    store.put_bytes(warc_name(STEMS[0]).key, b"")
    store.put_bytes("manifests/README", b"")
    assert list(missing_stamps(store)) == manifests
    put_stamp(store, manifests[1], stamp)
    assert list(missing_stamps(store)) == [manifests[0], *manifests[2:]]
    for key in manifests:
        put_stamp(store, key, stamp)
    assert list(missing_stamps(store)) == []


def test_a_stamp_is_kept_beside_its_manifest_and_the_first_one_stays(tmp_path: Path, stamp: bytes) -> None:
    store = DirectoryStore(tmp_path)
    assert read_stamp(store, KEY) is None
    put_stamp(store, KEY, stamp)
    put_stamp(store, KEY, b"another")
    assert read_stamp(store, KEY) == stamp
    assert [info.key for info in store.list()] == [KEY.removesuffix(".json") + ".tsr"]


@pytest.mark.parametrize("key", ["newsark.json", warc_name(STEMS[0]).key, stamp_key(KEY)])
def test_only_manifests_are_stamped(key: str) -> None:
    with pytest.raises(ValueError, match="is not the key of"):
        stamp_key(key)


def test_the_checker_of_an_archive_reads_the_stamp_beside_the_manifest(
    tmp_path: Path, stamp: bytes, roots: tuple[Certificate, ...], strangers: tuple[Certificate, ...]
) -> None:
    store = DirectoryStore(tmp_path)
    assert list(manifest_checker(store, Keyring(), roots)(DATA, KEY)) == []
    put_stamp(store, KEY, stamp)
    assert list(manifest_checker(store, Keyring(), roots)(DATA, KEY)) == []
    (found,) = manifest_checker(store, Keyring(), strangers)(DATA, KEY)
    assert (found.object, found.kind, found.is_open) == (KEY, "wrong-timestamp", True)


# certificates


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "cannot be read: No such file"), (b"", "holds no certificates in PEM"), (b"x", "holds no certificates")],
)
def test_a_file_without_certificates_is_refused(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "tsa.pem"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadSetting, match=words) as refused:
        load_certificates(path)
    assert refused.value.name == "timestamp_certificates"


def test_several_certificates_in_one_file_are_all_read(running: TimestampAuthority, tmp_path: Path) -> None:
    path = tmp_path / "tsa.pem"
    path.write_bytes(running.root.read_bytes() + running.signer.read_bytes())
    assert len(load_certificates(path)) == 2
