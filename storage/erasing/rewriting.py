"""Objects made anew without what is to go: WARC records give way to tombstones, lines are left out."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from storage.archive import Archive
from storage.cdxj import parse_index_line
from storage.digests import file_digests
from storage.durable import flush_to_medium, write_durably
from storage.erasing.plan import Group, SourcePlan
from storage.erasing.tombstone import tombstone
from storage.erasure import ErasedObject
from storage.eventfields import identity_of
from storage.gzipmembers import gzip_stream
from storage.manifest import Manifest, ManifestObject
from storage.names import parse_key, warc_name
from storage.sealed import SealedPart
from storage.segments import Segments

Edit = Callable[[bytes], bytes | None]
_GZIP_WINDOW = 31


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An object as it will be, in a file, and as it was; `gone` is how many records or lines are left out."""

    part: SealedPart
    before: ManifestObject
    gone: int

    @property
    def told(self) -> ErasedObject:
        """The object as the tombstone names it."""
        part, before = self.part, self.before
        return ErasedObject(part.key, before.size_bytes, before.sha256, part.bytes, part.sha256)


def listed_objects(archive: Archive, source_id: str) -> dict[str, ManifestObject]:
    """Every object of the source's segments as it is listed now, in the order of the chain."""
    with archive.catalogue.whole() as connection:
        keys = Segments(connection).chain(source_id)
    found: dict[str, ManifestObject] = {}
    for key in keys:
        found |= {one.key: one for one in Manifest.from_bytes(archive.holdings.get(key), key).objects}
    return found


def rewrite(archive: Archive, plan: SourcePlan, erasure_id: str, at: datetime, directory: Path) -> list[Rewritten]:
    """The objects of the source that something goes from, made anew in files of that directory."""
    return list(_Rewriting(archive, plan, erasure_id, at, directory).rewritten())


class _Rewriting:
    def __init__(self, archive: Archive, plan: SourcePlan, erasure_id: str, at: datetime, directory: Path) -> None:
        self._archive, self._plan, self._directory = archive, plan, directory
        self._erasure_id, self._at = erasure_id, at
        self._spots = plan.spots()
        self._warc_name = ""
        self._edits: dict[str, Edit] = {"records": self._record, "index": self._index, "events": self._event}

    def rewritten(self) -> Iterator[Rewritten]:
        groups: dict[str, list[Group]] = {}
        for one in self._plan.groups:
            groups.setdefault(one.key, []).append(one)
        for number, (key, listed) in enumerate(listed_objects(self._archive, self._plan.source_id).items()):
            path = self._directory / f"{number}"
            room = key.partition("/")[0]
            if room == "warc":
                gone = self._warc(key, path, groups[key]) if key in groups else 0
            else:
                gone = self._lines(key, path, self._edits[room]) if room in self._edits else 0
            if gone:
                digests = file_digests(path)
                part = SealedPart(key, path, digests.size_bytes, digests.sha256, digests.composite_sha256)
                yield Rewritten(part, listed, gone)

    def _warc(self, key: str, path: Path, groups: list[Group]) -> int:
        with path.open("wb") as file:
            for chunk in self._archive.holdings.chunks(key):
                file.write(chunk)
            for one in groups:
                # the same every time: an erasure that was cut short makes the very same object again
                record_id = f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{self._erasure_id} {key} {one.offset}')}>"
                file.seek(one.offset)
                file.write(tombstone(one.length, record_id, self._at, self._erasure_id))
            file.flush()
            flush_to_medium(file.fileno())
        return len(groups)

    def _lines(self, key: str, path: Path, edit: Edit) -> int:
        """How many lines are left out or changed; the object is written anew when any is."""
        self._warc_name = warc_name(parse_key(key).stem).filename
        plain, gone = path.with_suffix(".lines"), 0
        with plain.open("wb") as file:
            for line in _unpacked_lines(self._archive.holdings.chunks(key)):
                kept = edit(line)
                gone += kept != line
                if kept is not None:
                    file.write(kept)
        if gone:
            with plain.open("rb") as file:
                write_durably(path, gzip_stream(iter(lambda: file.read(1 << 20), b"")))
        plain.unlink()
        return gone

    # what goes of each line; the same bytes come back where nothing does

    def _index(self, line: bytes) -> bytes | None:
        entry = parse_index_line(line.rstrip(b"\n"))
        return None if (entry.filename, entry.offset) in self._spots else line

    def _record(self, line: bytes) -> bytes | None:
        facts, plan = orjson.loads(line), self._plan
        if facts.get("type") == "Observation":
            return None if facts.get("url") in plan.urls or facts.get("recordId") in plan.captures else line
        archive = facts.get("archive") or {}
        is_gone = archive.get("recordId") in plan.captures or {facts.get("id"), facts.get("supersedes")} & plan.records
        return None if is_gone else line

    def _event(self, line: bytes) -> bytes | None:
        facts, plan = orjson.loads(line), self._plan
        if facts["type"] in ("lead-found", "lead-fetched", "lead-visited"):
            if (facts.get("identity") or identity_of(facts["url"])) in plan.leads:
                return None
            return self._of_another(facts, line)
        if facts["type"] == "suppressed" and facts.get("url") in plan.urls:
            return orjson.dumps({name: told for name, told in facts.items() if name != "url"}) + b"\n"
        if facts["type"] == "run-ended":
            problems = facts.get("problems", [])
            left = [one for one in problems if one.get("url") not in plan.urls]
            return line if left == problems else orjson.dumps(facts | {"problems": left}) + b"\n"
        return line

    def _of_another(self, facts: dict[str, Any], line: bytes) -> bytes:
        """An event of another lead, without what it says of what goes."""
        plan, kept = self._plan, dict(facts)
        if facts.get("via") in plan.urls:
            del kept["via"]
        if "hints" in facts:
            kept["hints"] = {name: told for name, told in facts["hints"].items() if told not in plan.urls}
        offsets = facts.get("captures", [])
        response = offsets[-1] if facts.get("response") == "last" else facts.get("response")
        if any((self._warc_name, offset) in self._spots for offset in offsets):
            kept["captures"] = [one for one in offsets if (self._warc_name, one) not in self._spots]
            if isinstance(response, int):
                # by the id of what is gone, so that no earlier response counts as the last one
                kept["response"] = self._spots.get((self._warc_name, response), response)
        unread = offsets[-1] if facts.get("unread") == "last" else facts.get("unread")
        if unread in plan.captures or (self._warc_name, unread) in self._spots:
            # what goes can never be read
            kept = {name: told for name, told in kept.items() if name not in ("unread", "absence")}
        elif unread is not None and kept.get("captures") != facts.get("captures"):
            kept["unread"] = unread
        if {facts.get("article"), facts.get("observedArticle")} & plan.articles:
            for name in ("article", "observedArticle", "version", "observed"):
                kept.pop(name, None)
        return line if kept == facts else orjson.dumps(kept) + b"\n"


def _unpacked_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker, rest = zlib.decompressobj(_GZIP_WINDOW), b""
    for chunk in chunks:
        *lines, rest = (rest + unpacker.decompress(chunk)).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def emptied(directory: Path) -> Path:
    """The directory, made anew."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
