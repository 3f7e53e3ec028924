"""The manifest of a sealed segment: what its objects are, and which manifest of the source came before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from storage.digests import PART_BYTES, sha256_hex
from storage.errors import NotReadableManifest
from storage.names import Stem
from storage.sealed import SealedSegment
from storage.timestamps import from_warc_date, warc_date

FORMAT = "newsark-manifest-1"


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """One stored object. `part_bytes` and `composite_sha256` are None when it goes up in a single part.

    Both checksums are what S3 reports: `sha256` in hex for a single part, `composite_sha256` for several.
    """

    key: str
    size_bytes: int
    sha256: str
    part_bytes: int | None = None
    composite_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sealed segment holds; `previous` is the SHA-256 of the source's manifest before it, or None."""

    source: str
    stem: str
    created: datetime
    previous: str | None
    objects: tuple[ManifestObject, ...]
    counts: Mapping[str, int]

    def to_bytes(self) -> bytes:
        """The manifest as stored: JSON with sorted keys and no white space, so that it has one digest."""
        facts = {
            "format": FORMAT,
            "source": self.source,
            "stem": self.stem,
            "created": warc_date(self.created),
            "previous": self.previous,
            "objects": [
                {
                    "key": one.key,
                    "bytes": one.size_bytes,
                    "sha256": one.sha256,
                    "partSize": one.part_bytes,
                    "compositeSha256": one.composite_sha256,
                }
                for one in self.objects
            ],
            "counts": dict(self.counts),
        }
        return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)

    @property
    def sha256(self) -> str:
        """SHA-256 of the stored bytes, in hex: what the next manifest's `previous` says."""
        return sha256_hex(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, key: str = "the manifest") -> Manifest:
        """The manifest in stored bytes. Raises NotReadableManifest, naming `key`, when they are none."""
        try:
            facts = orjson.loads(data)
            if facts["format"] != FORMAT:
                raise NotReadableManifest(key, f"its format is {facts['format']!r}, not {FORMAT!r}")
            return cls(
                source=str(facts["source"]),
                stem=str(facts["stem"]),
                created=from_warc_date(facts["created"]),
                previous=None if facts["previous"] is None else str(facts["previous"]),
                objects=tuple(_object(one) for one in facts["objects"]),
                counts={str(name): int(count) for name, count in facts["counts"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotReadableManifest(key, str(error)) from error


def manifest_of(sealed: SealedSegment, *, previous: str | None, created: datetime | None = None) -> Manifest:
    """The manifest of a sealed segment.

    `created` is when it was sealed unless given: repeated after a crash, the same segment and `previous` make
    the same bytes, which the store takes as the same object.
    """
    objects = (
        ManifestObject(
            key=part.key,
            size_bytes=part.bytes,
            sha256=part.sha256,
            part_bytes=PART_BYTES if part.composite_sha256 else None,
            composite_sha256=part.composite_sha256,
        )
        for part in sealed.parts
    )
    source = Stem.parse(sealed.stem).source
    return Manifest(source, sealed.stem, created or sealed.sealed_at, previous, tuple(objects), sealed.counts)


def _object(facts: Mapping[str, Any]) -> ManifestObject:
    return ManifestObject(
        key=str(facts["key"]),
        size_bytes=int(facts["bytes"]),
        sha256=str(facts["sha256"]),
        part_bytes=None if facts["partSize"] is None else int(facts["partSize"]),
        composite_sha256=None if facts["compositeSha256"] is None else str(facts["compositeSha256"]),
    )
