"""The manifest of a sealed segment: what its objects are, and which manifest of the source came before."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson

from storage.digests import PART_BYTES, sha256_hex
from storage.errors import NotReadableManifest
from storage.importnames import is_imported
from storage.names import manifest_of_parcel, parse_key
from storage.sealed import SealedSegment
from storage.timestamps import from_warc_date, warc_date

if TYPE_CHECKING:
    from storage.vouching.signing import PublicKey, Signer

FORMAT = "newsark-manifest-1"
ALGORITHM = "Ed25519"

SignatureProblem = Literal["unsigned", "unknown-key", "wrong-signature"]
"""What can be wrong with a manifest's signature."""


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
class Signature:
    """Who signed a manifest: `value` is base64, over the manifest's bytes as they are without their signature."""

    key_id: str
    value: str
    algorithm: str = ALGORITHM


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sealed segment holds; `previous` is the SHA-256 of the source's manifest before it, or None.

    That digest is over the bytes as stored, signature included. `extractor_version` says what made a later reading of
    the segment, when all of it was read; None for the segment's own.
    """

    source: str
    stem: str
    created: datetime
    previous: str | None
    objects: tuple[ManifestObject, ...]
    counts: Mapping[str, int]
    signature: Signature | None = None
    extractor_version: str | None = None

    def to_bytes(self) -> bytes:
        """The manifest as stored: JSON with sorted keys and no white space, so that it has one digest."""
        facts: dict[str, Any] = {
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
        if self.extractor_version is not None:
            facts["extractorVersion"] = self.extractor_version
        if self.signature is not None:
            facts["signature"] = {
                "algorithm": self.signature.algorithm,
                "keyId": self.signature.key_id,
                "value": self.signature.value,
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
                signature=_signature(facts["signature"]) if facts.get("signature") is not None else None,
                extractor_version=facts.get("extractorVersion"),
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
        for part in (*sealed.parts, *sealed.relisted)
    )
    return Manifest(
        source=sealed.source,
        stem=str(manifest_of_parcel(sealed.stem).stem),
        created=created or sealed.sealed_at,
        previous=previous,
        objects=tuple(objects),
        counts=sealed.counts,
        extractor_version=sealed.extractor_version,
    )


def own_objects(objects: Iterable[ManifestObject], stem: str) -> tuple[ManifestObject, ...]:
    """Those objects that are the segment's own, without those of others that are listed anew after an erasure."""
    return tuple(one for one in objects if is_imported(one.key) or str(parse_key(one.key).stem) == stem)


def sign(manifest: Manifest, signer: Signer) -> Manifest:
    """The manifest with this signer's signature in the place of any other; the same every time."""
    bare = replace(manifest, signature=None)
    value = base64.b64encode(signer.sign(bare.to_bytes())).decode("ascii")
    return replace(bare, signature=Signature(signer.key_id, value))


def check_signature(data: bytes, keys: Mapping[str, PublicKey]) -> SignatureProblem | None:
    """What is wrong with the signature of a stored manifest, or None. `keys` are those to be trusted, by id.

    Works on the bytes and not on a Manifest, so that it holds for fields that a later format adds. Bytes that are no
    manifest at all are `unsigned`.
    """
    try:
        facts = orjson.loads(data)
    except ValueError:
        return "unsigned"
    if not isinstance(facts, dict) or facts.get("signature") is None:
        return "unsigned"
    try:
        found = _signature(facts.pop("signature"))
        value = base64.b64decode(found.value, validate=True)
    except (KeyError, TypeError, ValueError):
        return "wrong-signature"
    if found.algorithm != ALGORITHM:
        return "wrong-signature"
    key = keys.get(found.key_id)
    if key is None:
        return "unknown-key"
    # The stored bytes, too, have to be what was signed: white space or a repeated key would be an altered manifest.
    signed = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    # So would another spelling of the signature: the last sign of base64 has bits that mean nothing (RFC 4648, 3.5).
    spelled = base64.b64encode(value).decode("ascii")
    entry = {"algorithm": found.algorithm, "keyId": found.key_id, "value": spelled}
    is_whole = orjson.dumps({**facts, "signature": entry}, option=orjson.OPT_SORT_KEYS) == data
    return None if is_whole and key.verifies(value, signed) else "wrong-signature"


def _signature(facts: Mapping[str, Any]) -> Signature:
    return Signature(str(facts["keyId"]), str(facts["value"]), str(facts["algorithm"]))


def _object(facts: Mapping[str, Any]) -> ManifestObject:
    return ManifestObject(
        key=str(facts["key"]),
        size_bytes=int(facts["bytes"]),
        sha256=str(facts["sha256"]),
        part_bytes=None if facts["partSize"] is None else int(facts["partSize"]),
        composite_sha256=None if facts["compositeSha256"] is None else str(facts["compositeSha256"]),
    )
