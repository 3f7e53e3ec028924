"""A small archive of several segments, made with Segment and Manifest, in as many directory stores as are asked for."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import insert

from storage import names
from storage.catalogue import Catalogue, segments
from storage.directory import DirectoryStore
from storage.fixity.inventory import OnTheirWay
from storage.fixity.verifier import Report, Scope, Verifier
from storage.manifest import Manifest, manifest_of
from storage.sealed import SealedSegment
from storage.segment import Segment
from storage.sources import Sources
from storage.timestamps import warc_date
from tests.storage.storage_samples import INFO, OPENED, exchange, failure, ids

SOURCE = "gazette"
TOML = 'id = "gazette"\nname = "Gazette"\nhome = "http://gazette.example/"\n'


@dataclass(frozen=True, slots=True)
class Sample:
    """The archive: its stores with the same objects, its catalogue, what every object was when it was written."""

    stores: list[DirectoryStore]
    catalogue: Catalogue
    objects: dict[str, bytes]

    def path(self, key: str, store: int = 0) -> Path:
        """The file of an object, made writable."""
        path = self.stores[store].root / key
        if path.exists():
            path.chmod(0o644)
        return path

    def keys(self, room: str) -> list[str]:
        """The keys of a room, oldest first."""
        return sorted(key for key in self.objects if key.startswith(f"{room}/"))

    def verify(self, *, deep: bool = False, waiting: OnTheirWay | None = None, **scope: object) -> Report:
        """What a verification finds."""
        told = OnTheirWay({}) if waiting is None else waiting
        return Verifier(
            self.stores,
            self.catalogue,
            Scope(deep=deep, **scope),
            waiting=lambda: told,
        ).run()

    def held(self, store: int = 0) -> dict[str, bytes]:
        """Every object of a store as it is now."""
        root = self.stores[store].root
        return {info.key: (root / info.key).read_bytes() for info in self.stores[store].list()}

    def rewrite(self, key: str, data: bytes, store: int = 0) -> None:
        """Put other bytes in an object's place, as only somebody with access to the disk can."""
        path = self.path(key, store)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def lines(self, key: str) -> list[bytes]:
        """The lines of a gzip object."""
        return gzip.decompress(self.objects[key]).splitlines(keepends=True)

    def manifest_of(self, key: str) -> str:
        """The key of the manifest that lists an object."""
        return names.manifest_name(names.parse_key(key).stem).key

    def recompute(self, key: str, data: bytes, store: int = 0) -> str:
        """Change an object and make its manifest agree: only the chain can tell. The manifest's key."""
        self.rewrite(key, data, store)
        manifest_key = self.manifest_of(key)
        facts = orjson.loads(self.path(manifest_key, store).read_bytes())
        for one in facts["objects"]:
            if one["key"] == key:
                one |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.rewrite(manifest_key, orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), store)
        return manifest_key


def make_sample(directory: Path, *, count: int = 3, stores: int = 2, anchored: bool = True) -> Sample:
    """An archive with so many segments; with `anchored` its catalogue knows the manifests, as after a crawl."""
    first = DirectoryStore(directory / "store-0")
    catalogue = Catalogue(f"sqlite:///{directory / 'catalogue.sqlite'}", lambda: OPENED)
    first.put_bytes("newsark.json", orjson.dumps({"format": 1, "name": "sample", "created": OPENED.isoformat()}))
    with catalogue.begin() as connection:
        Sources(connection).enlist(SOURCE, name="Gazette", home="http://gazette.example/", toml=TOML, now=OPENED)
    first.put_bytes(names.source_key(SOURCE, 1), TOML.encode())
    new_id, previous = ids(), None
    for number in range(count):
        sealed = _segment(directory / "open", new_id, OPENED + timedelta(hours=number), number)
        previous = store_segment(first, sealed, previous).sha256
        if anchored:
            with catalogue.begin() as connection:
                row = {"key": sealed.warc.key, "sealed_at": OPENED, "bytes": 1, "records": 1}
                anchor = {"manifest_key": sealed.manifest_key, "manifest_sha256": previous}
                connection.execute(insert(segments).values(stem=sealed.stem, source_id=SOURCE, **row, **anchor))
                Sources(connection).set_last_manifest(SOURCE, previous)
    every = [first, *(DirectoryStore(directory / f"store-{number}") for number in range(1, stores))]
    for store in every[1:]:
        shutil.copytree(first.root, store.root)
    return Sample(every, catalogue, {info.key: first.get(info.key) for info in first.list()})


def store_segment(store: DirectoryStore, sealed: SealedSegment, previous: str | None) -> Manifest:
    """Put a sealed segment and its manifest into a store."""
    manifest = manifest_of(sealed, previous=previous)
    for part in sealed.parts:
        store.put_file(part.key, part.path, part.sha256)
    store.put_bytes(sealed.manifest_key, manifest.to_bytes())
    return manifest


def _segment(directory: Path, new_id: object, opened: datetime, number: int) -> SealedSegment:
    segment = Segment.create(
        directory,
        SOURCE,
        INFO,
        clock=lambda: opened,
        new_id=new_id,
        host="host.example",
    )
    for page in range(4):
        body = b"<p>%d, %d: the ferry sails again</p>" % (number, page)
        url = f"http://gazette.example/{number}/{page}"
        capture = segment.append(exchange(url=url, body=body * 20, started=opened + timedelta(seconds=page)))
        segment.add_record(
            orjson.dumps(
                {
                    "id": f"{number}-{page}",
                    "url": url,
                    "articleBody": f"{number}, {page}: the ferry sails again",
                    "archive": {
                        "filename": capture.key,
                        "offset": capture.offset,
                        "length": capture.length,
                        "recordId": capture.record_id,
                        "payloadDigest": capture.payload_digest,
                        "status": capture.status,
                        "date": warc_date(capture.date),
                    },
                }
            )
        )
        segment.add_event(orjson.dumps({"type": "lead-visited", "url": url}))
    lost = segment.append(failure())
    seen = {"type": "Observation", "url": "http://gazette.example/news/one", "outcome": "unreachable"}
    place = {"filename": lost.key, "offset": lost.offset, "length": lost.length, "recordId": lost.record_id}
    segment.add_record(orjson.dumps(seen | place))
    digest = hashlib.sha256(TOML.encode()).hexdigest()
    segment.add_event(orjson.dumps({"type": "source-file", "revision": 1, "sha256": digest}))
    return segment.seal()


def kinds(report: Report, *, store: str | None = None) -> set[tuple[str, str]]:
    """(object, kind) of every fault, of one store or of all."""
    return {
        (one.object, one.kind)
        for one in report.findings
        if one.severity == "fault" and (store is None or one.store == store)
    }


def packed(lines: Sequence[bytes]) -> bytes:
    """Lines as a gzip object."""
    return gzip.compress(b"".join(lines), mtime=0)
