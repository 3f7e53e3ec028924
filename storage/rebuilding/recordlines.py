"""The lines of a segment's records, found by what they are about: versions by id, observations by URL and time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from storage.timestamps import from_warc_date
from storage.versions import Observation, Version, article_key

# The two shapes that are written begin like this; any other line is parsed to be known.
_ID = re.compile(rb'\{"id":"([^"\\]+)"')
_OBSERVATION = "Observation"


class RecordLines:
    """Record lines in an uncompressed file. `is_damaged` says that it may hold less than it should.

    Only places are kept in memory. Close it with `close()`.
    """

    def __init__(self, path: Path | None, key: str, *, is_damaged: bool = False) -> None:
        self.key = key
        self.is_damaged = is_damaged
        self._file: BinaryIO | None = path.open("rb") if path is not None else None
        self._versions: dict[str, tuple[int, int]] = {}
        self._observations: dict[tuple[str, datetime], tuple[int, int]] = {}
        self._claimed: set[str] = set()
        self.problems: list[str] = []
        for offset, line in self._lines():
            self._place(offset, line)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        offset = 0
        for line in self._file or ():
            yield offset, line
            offset += len(line)

    def _place(self, offset: int, line: bytes) -> None:
        place = (offset, len(line))
        if found := _ID.match(line):
            self._versions[found[1].decode()] = place
            return
        try:
            facts = orjson.loads(line)
            if facts.get("type") == _OBSERVATION:
                self._observations[(facts["url"], from_warc_date(facts["at"]))] = place
            else:
                self._versions[facts["id"]] = place
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            self.problems.append(f"line at {offset}: {problem!r}")

    def has_version(self, record_id: str) -> bool:
        """Whether the line of that version is here."""
        return record_id in self._versions

    def version(self, record_id: str, article: str) -> Version | None:
        """That version, as one of the article with this key; None when its line is not here."""
        place = self._versions.get(record_id)
        if place is None:
            return None
        self._claimed.add(record_id)
        line = self._read(place)
        return _version(orjson.loads(line), line, article, self.key)

    def observation(self, url: str, at: datetime, outcome: str, article: str | None) -> Observation:
        """What a visit found out; its detail and its exchange are those of the line, when that is here."""
        place = self._observations.get((url, at))
        facts = {} if place is None else orjson.loads(self._read(place))
        return Observation(url, at, outcome, facts.get("detail"), article, None, facts.get("recordId"))

    def observations(self) -> Iterator[Observation]:
        """All observations, without the key of their article, which their lines do not say."""
        for (url, at), place in self._observations.items():
            outcome = str(orjson.loads(self._read(place)).get("outcome"))
            yield self.observation(url, at, outcome, None)

    def unclaimed(self) -> Iterator[tuple[Version, str | None]]:
        """Versions that nobody asked for, each with the id of the one before; their articles are guessed by URL."""
        for record_id, place in self._versions.items():
            if record_id not in self._claimed:
                line = self._read(place)
                facts = orjson.loads(line)
                address = facts.get("canonicalUrl") or facts["url"]
                yield _version(facts, line, article_key(address), self.key), facts.get("previousVersion")

    def superseding(self) -> Iterator[tuple[Version, str]]:
        """Versions that were read again, each with the id of the record whose place it takes."""
        for place in self._versions.values():
            line = self._read(place)
            facts = orjson.loads(line)
            if superseded := facts.get("supersedes"):
                yield _version(facts, line, "", self.key), superseded

    def _read(self, place: tuple[int, int]) -> bytes:
        assert self._file is not None
        self._file.seek(place[0])
        return self._file.read(place[1])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _version(facts: dict[str, Any], line: bytes, article: str, records_key: str) -> Version:
    return Version(
        article=article,
        record_id=facts["id"],
        version=facts["version"],
        url=facts["url"],
        content_digest=facts.get("contentDigest") or "",
        captured_at=from_warc_date(facts["archive"]["date"]),
        records_key=records_key,
        line=line.decode(),
        canonical_url=facts.get("canonicalUrl"),
        headline=facts.get("headline"),
        date_published=facts.get("datePublished"),
        in_language=facts.get("inLanguage"),
        fingerprint=facts.get("fingerprint"),
    )
