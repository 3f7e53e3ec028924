"""A signed and stamped archive, as a user makes it: init, crawl, a key that comes later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.directory import DirectoryStore
from storage.manifest import check_signature
from storage.place import HEAD
from storage.vouching.signing import read_keys
from storage.vouching.timestamping import check_stamp, load_certificates, missing_stamps, read_stamp
from tests.cli import newsark
from tests.newsroom import Site, running_newsroom
from tests.timestamp_authority import timestamp_authority


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_newsroom() as running:
        yield running


def crawl(site: Site, home: Path) -> None:
    fixed = [
        "--allow-host",
        site.url.removeprefix("http://"),
        "--delay",
        "0",
        "--limit",
        "2",
        "--contact",
        "a@b.example",
    ]
    ran = newsark("crawl", f"{site.url}/", *fixed, cwd=home)
    assert ran.code == 0, ran.err


def manifests(store: DirectoryStore) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list("manifests/") if info.key.endswith(".json")}


def test_every_manifest_is_signed_and_stamped(site: Site, tmp_path: Path) -> None:
    assert newsark("init", ".", "--sign", cwd=tmp_path).code == 0
    with timestamp_authority(tmp_path / "authority") as authority:
        settings = tmp_path / "newsark.toml"
        lines = f'timestamp_url = "{authority.url}"\ntimestamp_certificates = "{authority.root}"\n'
        settings.write_text(settings.read_text() + lines)
        crawl(site, tmp_path)
    store = DirectoryStore(tmp_path / "archive")
    keys = read_keys(store)
    (key, data), *others = manifests(store).items()
    assert (others, check_signature(data, keys.keys), list(missing_stamps(store))) == ([], None, [])
    stamp = read_stamp(store, key)
    assert stamp is not None
    assert check_stamp(stamp, data, load_certificates(authority.root)).problem is None
    assert check_stamp(stamp, data + b" ", load_certificates(authority.root)).problem
    assert json.loads(store.get(HEAD))["publicKey"]["keyId"] in keys.keys
    secret = (tmp_path / "newsark.key").read_bytes()
    assert not [path for path in (tmp_path / "archive").rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_key_that_comes_later_is_listed_before_it_signs(site: Site, tmp_path: Path) -> None:
    assert newsark("init", ".", cwd=tmp_path).code == 0
    crawl(site, tmp_path)
    store = DirectoryStore(tmp_path / "archive")
    unsigned = manifests(store)
    ran = newsark("init", ".", "--sign", cwd=tmp_path)
    settings = tmp_path / "newsark.toml"
    assert 'signing_key = "newsark.key"' in ran.out
    settings.write_text(settings.read_text() + '\nsigning_key = "newsark.key"\n')
    crawl(site, tmp_path)
    crawl(site, tmp_path)
    keys = read_keys(store)
    signed = {key: data for key, data in manifests(store).items() if key not in unsigned}
    assert len(signed) == 2
    assert [check_signature(data, keys.keys) for data in signed.values()] == [None, None]
    assert [check_signature(data, keys.keys) for data in unsigned.values()] == ["unsigned"]
    assert [info.key for info in store.list("keys/")] == [f"keys/{next(iter(keys.keys))}.json"]


def test_without_an_authority_the_crawl_is_done_and_the_stamp_is_missing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "newsark.toml").write_text('timestamp_url = "http://127.0.0.1:9/"\n')
    crawl(site, tmp_path)
    store = DirectoryStore(tmp_path / "archive")
    assert list(missing_stamps(store)) == list(manifests(store))
