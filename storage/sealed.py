"""A sealed segment: files that no longer change, kept on this disk until the stores have confirmed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from storage.digests import file_digests
from storage.durable import flush_directory, write_durably
from storage.importnames import is_imported, waiting_name
from storage.names import ObjectName, manifest_of_parcel
from storage.timestamps import from_warc_date, warc_date

SEALED_SUFFIX = ".sealed.json"


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One object of a sealed segment: the file that holds it and the key it goes under."""

    key: str
    path: Path
    bytes: int
    sha256: str
    composite_sha256: str | None


@dataclass(frozen=True, slots=True)
class SealedSegment:
    """What `Segment.seal` leaves: `parts` begin with the WARC; `counts` are records by WARC-Type.

    A later reading of a segment is sealed in the same way: its `stem` ends with `.<n>`, its one part are the records
    that it made, and `extractor_version` says by what.

    `relisted` are objects of earlier segments that are other bytes from now on, since something in them was erased.

    Files stay until `forget`, to be called when every store that must have them has confirmed them. A part
    that was moved into a store already no longer has its file; `DirectoryStore.put_file` takes that as done.
    """

    stem: str
    directory: Path
    sealed_at: datetime
    parts: tuple[SealedPart, ...]
    counts: Mapping[str, int]
    extractor_version: str | None = None
    relisted: tuple[SealedPart, ...] = ()

    @property
    def warc(self) -> SealedPart:
        """The WARC file; the records of a later reading."""
        return self.parts[0]

    @property
    def manifest_key(self) -> str:
        """The key of the manifest that lists this segment."""
        return manifest_of_parcel(self.stem).key

    @property
    def source(self) -> str:
        """The id of its source."""
        return manifest_of_parcel(self.stem).stem.source

    @property
    def size_bytes(self) -> int:
        """All bytes of its parts."""
        return sum(part.bytes for part in self.parts)

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies as long as the segment waits here."""
        return self.directory / manifest_of_parcel(self.stem).filename

    def forget(self) -> None:
        """Remove what is left of the segment from this disk; the note about it goes last."""
        for path in (self.manifest_path, *(part.path for part in self.parts)):
            path.unlink(missing_ok=True)
        flush_directory(self.directory)
        self._note.unlink(missing_ok=True)
        flush_directory(self.directory)

    def keep_note(self) -> None:
        """Note the segment's facts beside its files: from here on it is sealed, whatever happens."""
        facts = {
            "stem": self.stem,
            "sealedAt": warc_date(self.sealed_at),
            "counts": dict(self.counts),
            "extractorVersion": self.extractor_version,
            "parts": [_facts(part) for part in self.parts],
            "relisted": [_facts(part) for part in self.relisted],
        }
        write_durably(self._note, [orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)])

    @property
    def _note(self) -> Path:
        return self.directory / (self.stem + SEALED_SUFFIX)


def _facts(part: SealedPart) -> dict[str, Any]:
    return {"key": part.key, "bytes": part.bytes, "sha256": part.sha256, "compositeSha256": part.composite_sha256}


def sealed_part(name: ObjectName, directory: Path) -> SealedPart:
    """The part that lies in `directory` under the name it will have."""
    path = directory / name.filename
    digests = file_digests(path)
    return SealedPart(name.key, path, digests.size_bytes, digests.sha256, digests.composite_sha256)


def waiting_filename(stem: str, key: str) -> str:
    """What a part is called as long as it waits here; an imported file is named after the stem, not as others did."""
    return f"{stem}.{waiting_name(key)}" if is_imported(key) else key.rpartition("/")[2]


def sealed_segments(directory: Path) -> Iterator[SealedSegment]:
    """The sealed segments that still wait in `directory`, oldest name first."""
    for note in sorted(directory.glob(f"*{SEALED_SUFFIX}")):
        if (found := sealed_segment(directory, note.name.removesuffix(SEALED_SUFFIX))) is not None:
            yield found


def sealed_segment(directory: Path, stem: str) -> SealedSegment | None:
    """The sealed segment of that name in `directory`, or None when it does not wait there."""
    try:
        facts = orjson.loads((directory / (stem + SEALED_SUFFIX)).read_bytes())
    except FileNotFoundError:
        return None
    parts, relisted = (
        tuple(
            SealedPart(
                part["key"],
                directory / waiting_filename(facts["stem"], part["key"]),
                part["bytes"],
                part["sha256"],
                part["compositeSha256"],
            )
            for part in facts.get(name, ())
        )
        for name in ("parts", "relisted")
    )
    sealed_at = from_warc_date(facts["sealedAt"])
    version = facts.get("extractorVersion")
    return SealedSegment(facts["stem"], directory, sealed_at, parts, facts["counts"], version, relisted)
