"""What can be taken away of one article: its record, a citation, and its page as WARC or WACZ."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import IO, Any

import orjson
from fastapi import HTTPException
from fastapi.responses import Response, StreamingResponse

from reading.citation import bibtex, csl
from reading.exports.selection import Selection
from reading.exports.wacz import export_wacz, export_warc
from reading.reextraction import original_of
from reading.web.articles import version_of
from reading.web.pace import Exporting
from reading.web.room import Room, TheRoom
from storage.readback import read_capture

JSON, BIBTEX, CSL = "application/json", "application/x-bibtex", "application/vnd.citationstyles.csl+json"
WARC, WACZ = "application/warc", "application/wacz"
BLOCK_BYTES = 1 << 20
IN_MEMORY_BYTES = 8 << 20


def record_file(room: TheRoom, record_id: str) -> Response:
    """The JSON record as it stands in the store, indented."""
    _, record = version_of(room, record_id)
    data = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return _file(data, f"{record['id']}.json", JSON)


def bibtex_file(room: TheRoom, record_id: str) -> Response:
    """The article as an entry of a BibTeX file."""
    history, record = version_of(room, record_id)
    text = bibtex(record, room.source_names().get(history.source, history.source))
    return _file(text.encode("utf-8", "replace"), f"{record['id']}.bib", BIBTEX)


def csl_file(room: TheRoom, record_id: str) -> Response:
    """The article as CSL-JSON, for Zotero and its like."""
    history, record = version_of(room, record_id)
    item = csl(record, room.source_names().get(history.source, history.source))
    return _file(orjson.dumps([item]), f"{record['id']}.csl.json", CSL)


def warc_file(room: TheRoom, record_id: str, _pace: Exporting) -> Response:
    """The page with what it needs as a WARC file: the stored records, byte for byte."""
    record = _kept(room, record_id)
    name = f"{record['id']}.warc.gz"

    def write(to: IO[bytes]) -> None:
        export_warc(room.archive, Selection(record_ids=(record["id"],), latest_only=False), to, name)

    return _streamed(write, name, WARC)


def wacz_file(room: TheRoom, record_id: str, _pace: Exporting) -> Response:
    """The same as a WACZ package, which ReplayWeb.page opens."""
    record = _kept(room, record_id)

    def write(to: IO[bytes]) -> None:
        export_wacz(room.archive, room.name, Selection(record_ids=(record["id"],), latest_only=False), to)

    return _streamed(write, f"{record['id']}.wacz", WACZ)


def _kept(room: Room, record_id: str) -> dict[str, Any]:
    """The record, when its page can be read: what is left out of a selection of many is all there is of one.

    Raises HTTPException 404 when nothing was kept, StorageError when it cannot be read now.
    """
    _, record = version_of(room, record_id)
    where = record.get("archive")
    if not where:
        raise HTTPException(404, "nothing was kept of this page; the record is all there is")
    place = (where["filename"], where["offset"], where["length"])
    read_capture(room.archive.holdings, *place, resolve=partial(original_of, room.archive.catalogue))
    return record


DOWNLOADS: dict[str, tuple[Callable[..., Response], str]] = {
    "record": (record_file, JSON),
    "cite.bib": (bibtex_file, BIBTEX),
    "cite.csl": (csl_file, CSL),
    "warc": (warc_file, WARC),
    "wacz": (wacz_file, WACZ),
}
"""What there is of an article, and its media type."""


def _file(data: bytes, name: str, kind: str) -> Response:
    return Response(data, media_type=kind, headers=_attached(name))


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _streamed(write: Callable[[IO[bytes]], None], name: str, kind: str) -> Response:
    """What is written, as an answer; it is whole before the first byte goes out, so that an error is told as one."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))
        write(file)
        stack.pop_all()
    size = file.tell()
    file.seek(0)
    headers = {**_attached(name), "Content-Length": str(size)}
    return StreamingResponse(_blocks(file), media_type=kind, headers=headers)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK_BYTES):
            yield block
