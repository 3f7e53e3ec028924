"""Object keys of store format 1: what each stored object is called, and what a name says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.timestamps import from_timestamp, timestamp14

Kind = Literal["warc", "records", "index", "events", "manifests", "timestamps"]
"""What an object that belongs to a segment is. Each kind has a room of its own, but for time stamps of manifests."""

_SUFFIX: dict[Kind, str] = {
    "warc": ".warc.gz",
    "records": ".jsonl.gz",
    "index": ".cdxj.gz",
    "events": ".jsonl.gz",
    "manifests": ".json",
    "timestamps": ".tsr",
}
_ROOM: dict[Kind, str] = {kind: "manifests" if kind == "timestamps" else kind for kind in _SUFFIX}
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
# The last place where a time and a serial stand is the one that counts; Stem refuses hosts that hold another.
_STEM = re.compile(r"(?P<source>.+)-(?P<created>[0-9]{14})-(?P<serial>[0-9]{5})-(?P<host>.+)")
_KEY = re.compile(
    r"(?P<room>[a-z]+)/(?P<source>[^/]+)/(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/"
    r"(?P<stem>[^/]+?)(?:\.(?P<n>0|[1-9][0-9]*))?(?P<suffix>\.warc\.gz|\.jsonl\.gz|\.cdxj\.gz|\.json|\.tsr)"
)


@dataclass(frozen=True, slots=True)
class Stem:
    """What the names of one segment's objects have in common: `<source>-<yyyymmddhhmmss>-<serial>-<host>`.

    As ISO 28500:2017, annex C, suggests: prefix, timestamp, serial, crawl host. `created` counts to the
    second. Raises ValueError when a part does not fit into a name or the name could be read in two ways.
    """

    source: str
    created: datetime
    serial: int
    host: str

    def __post_init__(self) -> None:
        if not _WORD.fullmatch(self.source) or not _WORD.fullmatch(self.host):
            raise ValueError(f"{self.source!r} or {self.host!r} does not fit into an object's name")
        if not 0 <= self.serial <= 99999:
            raise ValueError(f"serial {self.serial} has more than five digits")
        object.__setattr__(self, "created", from_timestamp(timestamp14(self.created)))
        found = _STEM.fullmatch(str(self))
        if found is None or (found["source"], found["host"]) != (self.source, self.host):
            raise ValueError(f"{self.host!r} as host makes a name that can be read in two ways")
        if re.search(r"\.[0-9]+$", self.host):
            raise ValueError(f"{self.host!r} ends like the number of a records object")

    def __str__(self) -> str:
        return f"{self.source}-{timestamp14(self.created)}-{self.serial:05}-{self.host}"

    @classmethod
    def parse(cls, text: str) -> Stem:
        """The Stem that `text` names. Raises ValueError when it names none."""
        found = _STEM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not <source>-<yyyymmddhhmmss>-<serial>-<host>")
        return cls(found["source"], from_timestamp(found["created"]), int(found["serial"]), found["host"])


@dataclass(frozen=True, slots=True)
class ObjectName:
    """A parsed key; `number` is the reading that made a records object, its manifest or that one's stamp, else None."""

    kind: Kind
    stem: Stem
    number: int | None = None

    @property
    def key(self) -> str:
        """The full object key, such as `warc/<source>/2026/11/<stem>.warc.gz`."""
        created = self.stem.created
        return f"{_ROOM[self.kind]}/{self.stem.source}/{created.year:04}/{created.month:02}/{self.filename}"

    @property
    def filename(self) -> str:
        """The last part of the key; a WARC's is its WARC-Filename."""
        number = "" if self.number is None else f".{self.number}"
        return f"{self.stem}{number}{_SUFFIX[self.kind]}"


def warc_name(stem: Stem) -> ObjectName:
    """The WARC file of a segment."""
    return ObjectName("warc", stem)


def records_name(stem: Stem, number: int = 0) -> ObjectName:
    """The records read from a segment: 0 by the crawl, 1, 2 … by later readings."""
    return ObjectName("records", stem, number)


def index_name(stem: Stem) -> ObjectName:
    """The sorted CDXJ of a segment."""
    return ObjectName("index", stem)


def events_name(stem: Stem) -> ObjectName:
    """The events of a segment: leads found and refused, furniture learned, suppressions, erasures."""
    return ObjectName("events", stem)


def manifest_name(stem: Stem, number: int | None = None) -> ObjectName:
    """The manifest of a segment, or of a later reading of it."""
    return ObjectName("manifests", stem, number)


def manifest_of_parcel(name: str) -> ObjectName:
    """The manifest of what is called `<stem>`, a segment, or `<stem>.<n>`, a later reading of it.

    No stem ends like a number. Raises ValueError for other names.
    """
    stem, _, number = name.rpartition(".")
    if stem and number.isdecimal():
        return manifest_name(Stem.parse(stem), int(number))
    return manifest_name(Stem.parse(name))


def manifest_listing(name: ObjectName) -> ObjectName:
    """The manifest that lists an object: the segment's own, or that of the later reading that made it."""
    return manifest_name(name.stem, name.number or None)


def timestamp_name(stem: Stem, number: int | None = None) -> ObjectName:
    """The time stamp of a manifest, beside it."""
    return ObjectName("timestamps", stem, number)


def source_key(source: str, number: int) -> str:
    """The key of the `number`-th state of a source's file."""
    return f"sources/{source}/{number}.toml"


def parse_key(key: str) -> ObjectName:
    """The ObjectName of a key. Raises ValueError for keys that belong to no segment."""
    found = _KEY.fullmatch(key)
    kind = None if found is None else _kind(found["room"], found["suffix"])
    if found is None or kind is None:
        raise ValueError(f"{key!r} is not the key of a segment's object")
    number = None if found["n"] is None else int(found["n"])
    name = ObjectName(kind, Stem.parse(found["stem"]), number)
    is_numbered = number is not None
    fits = _ROOM[kind] == "manifests" or is_numbered == (kind == "records")
    if name.key != key or not fits:
        raise ValueError(f"{key!r} is not the key of a segment's object")
    return name


def _kind(room: str, suffix: str) -> Kind | None:
    return next((kind for kind, end in _SUFFIX.items() if (_ROOM[kind], end) == (room, suffix)), None)


def host_label(hostname: str) -> str:
    """A machine's name as it fits into a stem: lower case, anything unusual as a hyphen."""
    label = re.sub(r"[^a-z0-9.]+", "-", hostname.lower()).strip("-.")
    label = re.sub(r"(^|-)(?=[0-9]{14}-[0-9]{5}-)", r"\1h", label)
    return re.sub(r"\.([0-9]+)$", r"-\1", label) or "localhost"
