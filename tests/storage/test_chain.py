"""The chain of manifests: gaps, forks and alterations are named, also where nothing but the chain can tell."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from fixity_samples import SOURCE, Sample, kinds, make_sample, packed
from sqlalchemy import update
from storage_samples import OPENED

from storage.catalogue import sources
from storage.fixity.inventory import OnTheirWay
from storage.fixity.proofs import proof_check
from storage.fixity.verifier import Scope, Verifier
from storage.manifest import Manifest, sign
from storage.vouching.signing import list_key, make_signing_key


@pytest.fixture
def alone(tmp_path: Path) -> Sample:
    """One store whose catalogue knows no manifest: the chain is the only witness."""
    return make_sample(tmp_path, stores=1, anchored=False)


def forged(sample: Sample, number: int) -> tuple[str, str]:
    """A records object with another text whose manifest was made to agree: (records key, manifest key)."""
    key = sample.keys("records")[number]
    lines = sample.lines(key)
    record = orjson.loads(lines[0]) | {"articleBody": "It never happened."}
    return key, sample.recompute(key, packed([orjson.dumps(record) + b"\n", *lines[1:]]))


def test_a_whole_chain_has_no_findings(alone: Sample) -> None:
    assert alone.verify().findings == []


@pytest.mark.parametrize("number", [0, 1])
def test_a_manifest_made_to_agree_is_named_by_the_one_after_it(alone: Sample, number: int) -> None:
    _, manifest = forged(alone, number)
    assert kinds(alone.verify()) == {(manifest, "altered-manifest"), (alone.keys("manifests")[number + 1], "gap")}


def test_the_newest_manifest_made_to_agree_is_named_by_the_catalogue(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)
    _, manifest = forged(sample, 2)
    assert (manifest, "altered-manifest") in kinds(sample.verify())


def test_of_two_stores_the_one_that_the_chain_refers_to_is_right(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, anchored=False)
    records, manifest = forged(sample, 0)
    found = sample.verify()
    assert kinds(found, store=sample.stores[0].place) == {(manifest, "altered-manifest"), (records, "wrong-size")}
    assert kinds(found, store=sample.stores[1].place) == set()


def test_where_nothing_tells_which_newest_manifest_is_right_both_stores_are_named(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, anchored=False)
    _, manifest = forged(sample, 2)
    for store in sample.stores:
        assert (manifest, "altered-manifest") in kinds(sample.verify(), store=store.place)
    assert manifest not in sample.verify().right


def test_a_removed_manifest_leaves_a_gap_and_objects_that_nothing_lists(alone: Sample) -> None:
    first, second, third = alone.keys("manifests")
    alone.path(second).unlink()
    found = kinds(alone.verify())
    assert {(second, "missing"), (third, "gap")} <= found
    assert {key for key, kind in found if kind == "unlisted"} == {
        key for key in alone.objects if key != second and second.split("/")[-1].removesuffix(".json") in key
    }
    assert (first, "altered-manifest") not in found


def test_the_whole_newest_segment_removed_is_missed_by_the_catalogue(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)
    stem = sample.keys("manifests")[2].split("/")[-1].removesuffix(".json")
    gone = {key for key in sample.objects if stem in key}
    for key in gone:
        sample.path(key).unlink()
    assert (sample.keys("manifests")[2], "missing") in kinds(sample.verify())


def test_a_newest_manifest_that_only_the_source_row_knows_is_a_gap(alone: Sample) -> None:
    with alone.catalogue.begin() as connection:
        connection.execute(update(sources).values(last_manifest_sha256="ab" * 32))
    assert kinds(alone.verify()) == {(alone.keys("manifests")[2], "gap")}


def test_two_manifests_after_the_same_one_are_a_fork(alone: Sample) -> None:
    last = alone.keys("manifests")[2]
    manifest = Manifest.from_bytes(alone.objects[last])
    other = replace(manifest, created=manifest.created + timedelta(days=1), objects=())
    numbered = last.removesuffix(".json") + ".1.json"
    alone.rewrite(numbered, other.to_bytes())
    assert kinds(alone.verify()) == {(numbered, "fork")}


def test_a_second_first_manifest_is_a_fork(alone: Sample) -> None:
    last = alone.keys("manifests")[2]
    manifest = Manifest.from_bytes(alone.objects[last])
    numbered = last.removesuffix(".json") + ".1.json"
    alone.rewrite(numbered, replace(manifest, previous=None, objects=()).to_bytes())
    assert kinds(alone.verify()) == {(numbered, "fork")}


def test_a_manifest_of_a_later_reading_is_a_link_of_the_chain(alone: Sample) -> None:
    last = alone.keys("manifests")[2]
    manifest = Manifest.from_bytes(alone.objects[last])
    later = replace(manifest, created=manifest.created + timedelta(days=1), previous=manifest.sha256, objects=())
    alone.rewrite(last.removesuffix(".json") + ".1.json", later.to_bytes())
    assert alone.verify(deep=True).findings == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": "newsark-manifest-1"}', b"\x00" * 100])
def test_what_is_no_manifest_is_named(alone: Sample, data: bytes) -> None:
    key = alone.keys("manifests")[1]
    alone.rewrite(key, data)
    assert (key, "altered-manifest") in kinds(alone.verify())


def test_a_manifest_under_another_ones_name_is_named(tmp_path: Path) -> None:
    sample = make_sample(tmp_path)
    first, second, _ = sample.keys("manifests")
    sample.rewrite(first, sample.objects[second])
    assert kinds(sample.verify()) == {(first, "altered-manifest")}


def test_a_manifest_that_waits_for_its_upload_is_not_missing(tmp_path: Path) -> None:
    sample = make_sample(tmp_path)
    last = sample.keys("manifests")[2]
    stem = last.split("/")[-1].removesuffix(".json")
    for key in [key for key in sample.objects if stem in key]:
        sample.path(key, 1).unlink()
    place = sample.stores[1].place
    assert sample.verify(waiting=OnTheirWay({place: {stem}})).findings == []
    assert (last, "copies-missing") in kinds(sample.verify(waiting=OnTheirWay({place: {"another"}})))


def test_objects_whose_manifest_is_on_its_way_are_only_noted(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)
    last = sample.keys("manifests")[2]
    sample.path(last).unlink()
    stem = last.split("/")[-1].removesuffix(".json")
    report = sample.verify(waiting=OnTheirWay({sample.stores[0].place: {stem}}))
    assert report.ok
    assert {(one.kind, one.severity) for one in report.findings} == {("unlisted", "note")}
    assert SOURCE in last


def test_signatures_are_looked_at_with_the_keys_that_the_stores_list(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, anchored=False)
    signer = make_signing_key(tmp_path / "key.pem")
    for store in sample.stores:
        list_key(store, signer, OPENED - timedelta(days=1))
    first, second, third = sample.keys("manifests")
    signed = sign(Manifest.from_bytes(sample.objects[second]), signer)
    assert signed.signature is not None
    wrong = replace(signed, signature=replace(signed.signature, value=base64.b64encode(bytes(64)).decode()))
    stranger = sign(Manifest.from_bytes(sample.objects[third]), make_signing_key(tmp_path / "other.pem"))
    for store in (0, 1):
        sample.rewrite(second, wrong.to_bytes(), store)
        sample.rewrite(third, replace(stranger, previous=wrong.sha256).to_bytes(), store)
    check = proof_check(sample.stores)
    report = Verifier(sample.stores, sample.catalogue, Scope(), check_manifest=check).run()
    assert {(one.object, one.kind) for one in report.findings if "sign" in one.kind or "key" in one.kind} == {
        (first, "unsigned"),
        (second, "wrong-signature"),
        (third, "unknown-key"),
    }
    # A signature decides which of two stores is right where nothing else does.
    sample.rewrite(third, sign(replace(stranger, previous=wrong.sha256), signer).to_bytes(), 1)
    found = Verifier(sample.stores, sample.catalogue, Scope(), check_manifest=check).run()
    assert {one.store for one in found.findings if one.object == third} == {sample.stores[0].place}
