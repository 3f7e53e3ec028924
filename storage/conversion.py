"""The document that a browser made of a page, as WARC records: a conversion of the page's exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storage.capture import Capture
from storage.digests import sha256_digest
from storage.exchangerecords import ExchangeRecords
from storage.warcfields import WARC_FIELDS, field_lines
from storage.warcrecords import WarcRecord, record_of

DOCUMENT_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Conversion:
    """A document that a browser made. `of` is where the page's own exchange is kept, `document` HTML in UTF-8.

    `browser` is its name and version, `answered_by` the record ids of the captures it was given for what it asked,
    `told` what else is worth knowing, as names and values.
    """

    of: Capture
    document: bytes
    browser: str
    answered_by: tuple[str, ...] = ()
    told: tuple[tuple[str, str], ...] = ()


def conversion_records(conversion: Conversion, *, warcinfo_id: str, new_id: Callable[[], str]) -> ExchangeRecords:
    """The conversion record, and beside it a metadata record that says how it was made (ISO 28500:2017, 6.8, 6.6).

    They have the WARC-Date of the page's exchange: it is one capture event.
    """
    page, main_id = conversion.of, new_id()
    every = [("WARC-Target-URI", page.url), ("WARC-Warcinfo-ID", warcinfo_id)]
    fields = [*every, ("WARC-Refers-To", page.record_id), ("WARC-Payload-Digest", sha256_digest(conversion.document))]
    main = record_of("conversion", main_id, page.date, fields, DOCUMENT_TYPE, (conversion.document,))
    how = [("browser", conversion.browser), *conversion.told]
    how += [("answeredBy", record_id) for record_id in conversion.answered_by]
    concurrent = [*every, ("WARC-Concurrent-To", main_id)]
    beside = record_of("metadata", new_id(), page.date, concurrent, WARC_FIELDS, (field_lines(how),))
    return ExchangeRecords((beside,), main, _draft(main, page))


def _draft(main: WarcRecord, page: Capture) -> Capture:
    return Capture(
        key="",
        offset=0,
        length=0,
        record_id=main.field("WARC-Record-ID") or "",
        record_type="conversion",
        date=page.date,
        url=page.url,
        mime=DOCUMENT_TYPE.partition(";")[0],
        payload_digest=main.field("WARC-Payload-Digest"),
        block_digest=main.field("WARC-Block-Digest"),
        refers_to=page.record_id,
    )
