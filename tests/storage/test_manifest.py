from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from storage_samples import OPENED, exchange, new_segment

from storage.digests import PART_BYTES, sha256_hex
from storage.errors import NotReadableManifest
from storage.manifest import Manifest, ManifestObject, manifest_of
from storage.sealed import SealedSegment


@pytest.fixture
def sealed(tmp_path: Path) -> SealedSegment:
    segment = new_segment(tmp_path)
    segment.append(exchange())
    segment.add_record(b"{}")
    return segment.seal()


def test_a_manifest_lists_every_object_with_size_and_digest(sealed: SealedSegment) -> None:
    manifest = manifest_of(sealed, previous="ab" * 32)
    assert (manifest.source, manifest.stem, manifest.created) == ("gazette", sealed.stem, OPENED)
    assert manifest.previous == "ab" * 32
    assert manifest.counts == {"warcinfo": 1, "request": 1, "metadata": 1, "response": 1}
    for part, one in zip(sealed.parts, manifest.objects, strict=True):
        data = part.path.read_bytes()
        assert one == ManifestObject(part.key, len(data), sha256_hex(data), None, None)


def test_manifest_bytes_are_canonical() -> None:
    one = ManifestObject("warc/a.warc.gz", 5, "00", PART_BYTES, "AA==-2")
    manifest = Manifest("gazette", "stem", OPENED, None, (one,), {"warcinfo": 1, "request": 2})
    assert manifest.to_bytes() == (
        b'{"counts":{"request":2,"warcinfo":1},"created":"2026-11-23T18:00:00.000000Z","format":"newsark-manifest-1",'
        b'"objects":[{"bytes":5,"compositeSha256":"AA==-2","key":"warc/a.warc.gz","partSize":67108864,"sha256":"00"}],'
        b'"previous":null,"source":"gazette","stem":"stem"}'
    )
    assert manifest.sha256 == sha256_hex(manifest.to_bytes())


def test_a_manifest_is_read_back(sealed: SealedSegment) -> None:
    manifest = manifest_of(sealed, previous=None)
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


def test_large_objects_carry_the_composite_checksum_and_the_part_size(sealed: SealedSegment) -> None:
    large = replace(sealed.parts[0], composite_sha256="AA==-3")
    manifest = manifest_of(replace(sealed, parts=(large, *sealed.parts[1:])), previous=None)
    assert (manifest.objects[0].part_bytes, manifest.objects[0].composite_sha256) == (PART_BYTES, "AA==-3")
    assert (manifest.objects[1].part_bytes, manifest.objects[1].composite_sha256) == (None, None)


def test_the_same_segment_makes_the_same_manifest_again(sealed: SealedSegment) -> None:
    assert manifest_of(sealed, previous="00").to_bytes() == manifest_of(sealed, previous="00").to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format":"newsark-manifest-2"}',
        b'{"format":"newsark-manifest-1","source":"a","stem":"b","created":"x","previous":null,"objects":[],"counts":{}}',
        b'{"format":"newsark-manifest-1","source":"a","stem":"b","created":"2026-11-23T18:00:00Z","previous":null,'
        b'"objects":[{"key":"a"}],"counts":{}}',
    ],
)
def test_what_is_no_manifest_is_refused_by_its_key(data: bytes) -> None:
    with pytest.raises(NotReadableManifest) as refused:
        Manifest.from_bytes(data, "manifests/x.json")
    assert refused.value.key == "manifests/x.json"
