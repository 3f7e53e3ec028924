"""What an archive has on this disk and in no store yet, taken into a catalogue that was made from the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from storage.archive import Archive
from storage.deliveries import Deliveries
from storage.names import parse_key
from storage.rebuilding.rebuild import RebuildReport, count_rows, source_facts
from storage.segments import Segments
from storage.sources import Sources

LEASE_SECONDS = 3600.0
_SERIAL = "serial"


def take_in(archive: Archive, report: RebuildReport) -> None:
    """Seal and send what crawls that died left, queue objects that wait, and count both in the report.

    A WARC that no manifest listed is no finding when its segment turned up here. Raises what `Archive.recover` does.
    """
    _queue_objects(archive)
    with archive.catalogue.begin() as connection:
        known = {source.id for source in Sources(connection).known()}
    for directory in _directories(archive.place.open_segments):
        if directory.name in known and any(path.name != _SERIAL for path in directory.iterdir()):
            archive.own(directory.name, LEASE_SECONDS)
            try:
                archive.recover(directory.name)
            finally:
                archive.disown(directory.name)
    with archive.catalogue.begin() as connection:
        stems = Segments(connection).stems()
        report.rows = count_rows(connection)
    report.findings = [
        one for one in report.findings if one.kind != "unlisted" or str(parse_key(one.object).stem) not in stems
    ]


def _queue_objects(archive: Archive) -> None:
    """Queue what waits in the outbox again, and make sources known whose file no store has yet."""
    stores = [store.place for store in archive.stores]
    for path in sorted(path for path in archive.place.outbox.rglob("*.toml") if path.is_file()):
        key = path.relative_to(archive.place.outbox).as_posix()
        source_id, data = path.parent.name, path.read_bytes()
        name, home = source_facts(source_id, data)
        with archive.catalogue.begin() as connection:
            Sources(connection).place(
                source_id,
                name=name,
                home=home,
                toml=data.decode(errors="replace"),
                revision=int(path.stem) if path.stem.isdecimal() else 1,
                now=archive.clock(),
            )
            Deliveries(connection, archive.machine).add(key, source_id, len(data), stores, archive.clock())
    _queue_others(archive, stores)


def _queue_others(archive: Archive, stores: list[str]) -> None:
    """Keys and time stamps belong to no source's file; any source may carry them."""
    with archive.catalogue.begin() as connection:
        known = Sources(connection).known()
        for path in sorted(path for path in archive.place.outbox.rglob("*") if path.suffix in (".json", ".tsr")):
            key = path.relative_to(archive.place.outbox).as_posix()
            if known:
                journal = Deliveries(connection, archive.machine)
                journal.add(key, known[0].id, path.stat().st_size, stores, archive.clock())


def _directories(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())
