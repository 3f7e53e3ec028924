"""The page in an imported record, when it is one that can hold an article."""

from __future__ import annotations

from dataclasses import replace

from pipelines.page import PageInput
from storage.capture import Capture
from storage.errors import StorageError
from storage.foreignrecord import ForeignRecord
from storage.importedfile import ImportedFile
from storage.objects import Readable
from storage.readback import read_capture, reference_of

HTML = ("text/html", "application/xhtml+xml")


class RecordPages:
    """Makes pages of the records of one file. `store` reads captures of this file and of the archive."""

    def __init__(self, imported: ImportedFile, store: Readable) -> None:
        self._imported = imported
        self._store = store

    def page(self, record: ForeignRecord, capture: Capture) -> tuple[Capture, PageInput | None, str | None]:
        """The capture, with the original of a revisit named; its page, when there is one to read; and a problem."""
        if record.record_type == "revisit":
            return self._revisited(record, capture)
        if not _is_page(capture.status, capture.mime, record.body if capture.mime is None else b""):
            return capture, None, None
        if record.is_cut:
            return capture, None, "the record is too large for its page to be read"
        headers = [(name, value) for name, value in _headers(record)]
        return capture, PageInput(capture.url, record.body, tuple(headers), capture.status, {}, capture.date), None

    def _revisited(self, record: ForeignRecord, capture: Capture) -> tuple[Capture, PageInput | None, str | None]:
        reference = reference_of(record.fields)
        original = self._imported.original(reference)
        if original is None:
            told = reference.record_id or reference.payload_digest or reference.target_uri
            return capture, None, f"the original of this revisit, {told}, is neither in the file nor in the archive"
        capture = replace(capture, refers_to=original.record_id, status=capture.status or original.status)
        if not _is_page(original.status, original.mime, b""):
            return capture, None, None
        try:
            stored = read_capture(self._store, original.key, original.offset, original.length)
        except (StorageError, OSError, ValueError) as problem:
            return capture, None, f"the original of this revisit cannot be read: {problem}"
        headers = tuple(stored.headers)
        return capture, PageInput(capture.url, stored.payload or b"", headers, original.status, {}, capture.date), None


def _headers(record: ForeignRecord) -> list[tuple[str, str]]:
    from storage.exchange import parse_header_lines

    if record.http_head:
        return parse_header_lines(record.http_head)
    return [("Content-Type", record.fields["content-type"])] if "content-type" in record.fields else []


def _is_page(status: int | None, mime: str | None, body: bytes) -> bool:
    if status is None or not 200 <= status < 300:
        return False
    return mime in HTML or (mime is None and body[:512].lstrip().startswith(b"<"))
