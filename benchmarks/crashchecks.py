"""What must be true of an archive after any number of crashes, looked up in its bytes; each fault is a sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.directory import DirectoryStore
from storage.errors import StorageError
from storage.readback import read_capture
from storage.validation.validator import validate
from storage.warcscan import scan_records

STATES = ("captured", "unchanged", "failed", "refused", "pending")
_CAPTURE_COLUMNS = 'record_id, key, "offset", length, url, payload_digest, record_type'


@dataclass(slots=True)
class Acknowledged:
    """What was promised so far: leads with the capture each rests on, and captures with where they are."""

    leads: dict[int, str | None] = field(default_factory=dict)
    captures: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def take_log(self, path: Path) -> None:
        """Add what the program was told: every line is a settlement that had returned."""
        for line in path.read_text().splitlines() if path.exists() else []:
            for lead_id, state, record_id in json.loads(line):
                if state != "pending":
                    self.leads[lead_id] = record_id

    def take_catalogue(self, archive: Path) -> None:
        """Add what the catalogue says: every capture in it, and every lead that is done."""
        for row in rows(archive, f"SELECT {_CAPTURE_COLUMNS} FROM captures"):
            self.captures[row[0]] = row
        query = (
            "SELECT l.id, c.record_id FROM leads l LEFT JOIN captures c ON c.id = l.capture_id"
            " WHERE l.state <> 'pending' AND l.visited_at IS NOT NULL"
        )
        self.leads |= dict(rows(archive, query))


def rows(archive: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a catalogue that nobody has open, read from a copy: reading it in place would repair it."""
    source = archive / ".newsark" / "catalogue.sqlite"
    if not source.exists():
        return []
    with tempfile.TemporaryDirectory(prefix="newsark-look-") as directory:
        for name in (source.name, source.name + "-wal"):
            if (source.parent / name).exists():
                shutil.copyfile(source.parent / name, Path(directory) / name)
        with closing(sqlite3.connect(Path(directory) / source.name)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError as problem:
                if "no such table" not in str(problem):
                    raise
                return []


def faults_of(archive: Path, served: Mapping[str, str], promised: Acknowledged) -> dict[str, list[str]]:
    """The faults by kind; `served` has the SHA-256 of the body of each page, by URL."""
    return {
        "pages missing": list(_missing_pages(archive, served)),
        "pages without a record or a reason": list(_silent_pages(archive, served)),
        "torn or invalid WARC": list(_torn_warcs(archive)),
        "torn lines": list(_torn_lines(archive)),
        "objects that no manifest lists, or that are not as listed": list(_manifest_faults(archive)),
        "acknowledged captures lost": list(_lost_captures(archive, served, promised)),
        "acknowledged leads lost": list(_lost_leads(archive, promised)),
        "leads that do not add up": list(_wrong_sums(archive)),
        "left on the disk": [str(path) for path in _left_over(archive)],
    }


def _missing_pages(archive: Path, served: Mapping[str, str]) -> Iterator[str]:
    query = "SELECT url, state FROM leads WHERE kind = 'article'"
    states = dict(rows(archive, query))
    for url in served:
        if states.get(url) not in ("captured", "unchanged"):
            yield f"{url}: {states.get(url, 'no lead')}"


def _silent_pages(archive: Path, served: Mapping[str, str]) -> Iterator[str]:
    query = (
        "SELECT l.url, l.reason, v.line FROM leads l LEFT JOIN versions v ON v.lead_id = l.id WHERE l.kind = 'article'"
    )
    lines = {line for path in archive.glob("records/*/*/*/*.gz") for line in _lines(path)}
    told = {url for url, reason, line in rows(archive, query) if reason or (line and line.strip().encode() in lines)}
    yield from (url for url in served if url not in told)


def _lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def _torn_warcs(archive: Path) -> Iterator[str]:
    for path in archive.glob("warc/*/*/*/*.gz"):
        try:
            # Every member's checksum and length, and nothing behind the last one.
            gzip.decompress(path.read_bytes())
            with path.open("rb") as file:
                open_exchange = False
                for number, record in enumerate(scan_records(file, path.name)):
                    open_exchange = not record.ends_exchange
                    if (number == 0) != (record.record_type == "warcinfo"):
                        yield f"{path.name}: record {number} is {record.record_type}"
                    digest = "sha256:" + hashlib.sha256(record.block).hexdigest()
                    if record.fields.get("warc-block-digest") not in (digest, None):
                        yield f"{path.name}: record {number} has another block digest"
            if open_exchange:
                yield f"{path.name}: its last exchange is half"
        except (OSError, EOFError, StorageError) as problem:
            yield f"{path.name}: {problem}"
        yield from _validated(path)


def _validated(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        verdict = validate(file, path.name, path.name)
    yield from (f"{path.name} at {one.offset}: {one.message}" for one in verdict.faults if one.severity == "error")


def _torn_lines(archive: Path) -> Iterator[str]:
    for path in (*archive.glob("records/*/*/*/*.gz"), *archive.glob("events/*/*/*/*.gz")):
        for number, line in enumerate(_lines(path)):
            try:
                json.loads(line)
            except ValueError:
                yield f"{path.name}: line {number}"


def _manifest_faults(archive: Path) -> Iterator[str]:
    stored = {
        path.relative_to(archive).as_posix()
        for kind in ("warc", "records", "index", "events")
        for path in archive.glob(f"{kind}/*/*/*/*")
    }
    digests, previous = set(), []
    for path in archive.glob("manifests/*/*/*/*.json"):
        data = path.read_bytes()
        digests.add(hashlib.sha256(data).hexdigest())
        manifest = json.loads(data)
        previous.append(manifest["previous"])
        for listed in manifest["objects"]:
            stored.discard(listed["key"])
            held = archive / listed["key"]
            if not held.exists() or hashlib.sha256(held.read_bytes()).hexdigest() != listed["sha256"]:
                yield f"{listed['key']} is not as {path.name} says"
    yield from (f"{key} is in no manifest" for key in stored)
    chained = [one for one in previous if one is not None]
    if previous and (len(previous) - len(chained) != 1 or len(set(chained)) != len(chained) or set(chained) - digests):
        yield f"the manifests are no chain: {Counter(previous).most_common(2)}"


def _lost_captures(archive: Path, served: Mapping[str, str], promised: Acknowledged) -> Iterator[str]:
    store = DirectoryStore(archive)
    now = {row[0]: row for row in rows(archive, f"SELECT {_CAPTURE_COLUMNS} FROM captures")}
    for record_id, promise in promised.captures.items():
        if now.get(record_id) != promise:
            yield f"{promise[4]}: the catalogue now says {now.get(record_id)} and not {promise}"
    for record_id, key, offset, length, url, digest, record_type in now.values():
        try:
            stored = read_capture(store, key, offset, length)
        except StorageError as problem:
            yield f"{url}: {problem}"
            continue
        if (stored.record_id, stored.target_uri) != (record_id, url):
            yield f"{url}: {key} at {offset} is {stored.record_id} of {stored.target_uri}"
        if record_type != "response" or stored.payload is None:
            continue
        found = hashlib.sha256(stored.payload).hexdigest()
        if digest != f"sha256:{found}" or served.get(url, found) != found:
            yield f"{url}: the payload in {key} at {offset} is not what was served"


def _lost_leads(archive: Path, promised: Acknowledged) -> Iterator[str]:
    query = (
        "SELECT l.id, l.state, c.record_id FROM leads l LEFT JOIN captures c ON c.id = l.capture_id"
        " WHERE l.visited_at IS NOT NULL"
    )
    now = {lead_id: (state, record_id) for lead_id, state, record_id in rows(archive, query)}
    kept = {record_id for (record_id,) in rows(archive, "SELECT record_id FROM captures")}
    for lead_id, record_id in promised.leads.items():
        if lead_id not in now or now[lead_id][0] == "pending":
            yield f"lead {lead_id}: acknowledged, and now {now.get(lead_id)}"
        elif record_id is not None and record_id not in kept:
            yield f"lead {lead_id}: its capture {record_id} is gone"


def _wrong_sums(archive: Path) -> Iterator[str]:
    counts = Counter(dict(rows(archive, "SELECT state, count(*) FROM leads GROUP BY state")))
    (known,) = rows(archive, "SELECT count(*) FROM leads")[0]
    if sum(counts[state] for state in STATES) != known or counts["pending"]:
        yield f"{known} leads, {dict(counts)}"
    (doubled,) = rows(archive, "SELECT count(*) - count(DISTINCT record_id) FROM captures")[0]
    if doubled:
        yield f"{doubled} captures are in the catalogue twice"


def _left_over(archive: Path) -> Iterator[Path]:
    for folder in (archive / ".newsark" / "open", archive / ".newsark" / "outbox", archive / ".incoming"):
        # What a crash tore is put aside, and is not lost evidence: nobody was told that it was kept.
        kept = ("serial",)
        yield from (p for p in folder.rglob("*") if p.is_file() and p.name not in kept and p.suffix != ".torn")
