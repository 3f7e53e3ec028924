"""The WARC records that keep an exchange: request, metadata, and the response, revisit or failure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storage.capture import Capture, CaptureType
from storage.digests import sha256_digest
from storage.exchange import Exchange, Truncation
from storage.httpheads import media_type, stored_head
from storage.timestamps import warc_date
from storage.tlsnames import http_protocol, iana_cipher_suite, tls_protocol
from storage.uris import warc_target_uri
from storage.warcfields import WARC_FIELDS, field_lines, printable
from storage.warcrecords import RecordType, WarcRecord, record_of

HTTP_RESPONSE = "application/http;msgtype=response"
HTTP_REQUEST = "application/http;msgtype=request"
# ISO 28500:2017, 6.7: the addresses for 1.1 files, though the published text shows those of 1.0 (erratum #36)
IDENTICAL_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"

_HEAD_ENDS = (b"\r\n\r\n", b"\n\n", b"\n\r\n")


@dataclass(frozen=True, slots=True)
class ExchangeRecords:
    """The records of one exchange in the order they are written: where `main` stands, all stand.

    `draft` is the Capture of `main`, still without a place.
    """

    beside: tuple[WarcRecord, ...]
    main: WarcRecord
    draft: Capture


def exchange_records(
    exchange: Exchange,
    *,
    warcinfo_id: str,
    new_id: Callable[[], str],
    original: Capture | None = None,
    hops: int | None = None,
) -> ExchangeRecords:
    """The records that keep an exchange.

    With an `original` that is a whole response, a response of the same payload, or a 304 for the same URI,
    becomes a revisit of it. Any other `original` is not referred to: a revisit refers to a response, never to
    a revisit and never to a part (ISO 28500:2017, 6.7). `original` must be durable, or stand earlier in the
    same segment. `hops` counts the links from a seed.
    """
    return _Event(exchange, warcinfo_id, new_id).records(original, hops)


class _Event:
    """One capture event, and what all of its records say alike."""

    def __init__(self, exchange: Exchange, warcinfo_id: str, new_id: Callable[[], str]) -> None:
        self.exchange = exchange
        self.status = exchange.status
        self.uri = warc_target_uri(exchange.url)
        self.address = _numeric_address(exchange.peer_address)
        self.warcinfo_id = warcinfo_id
        self.new_id = new_id

    def records(self, original: Capture | None, hops: int | None) -> ExchangeRecords:
        main_id = self.new_id()
        if not self.exchange.response_head:
            main = self._record("metadata", main_id, [], WARC_FIELDS, self._told(b"", hops))
            return ExchangeRecords(tuple(self._request(main_id)), main, self._draft(main, "metadata"))
        head = self._readable_head()
        main, draft = self._answer(main_id, head, original)
        told = self._told(head, hops)
        request = tuple(self._request(main_id))
        metadata = self._record("metadata", self.new_id(), [("WARC-Concurrent-To", main_id)], WARC_FIELDS, told)
        return ExchangeRecords((*request, metadata), main, draft)

    def _record(
        self,
        kind: RecordType,
        record_id: str,
        fields: list[tuple[str, str]],
        content_type: str,
        *block: bytes,
    ) -> WarcRecord:
        own = [("WARC-Target-URI", self.uri), ("WARC-Warcinfo-ID", self.warcinfo_id)]
        if self.address:
            own.append(("WARC-IP-Address", self.address))
        return record_of(kind, record_id, self.exchange.started, own + fields, content_type, block)

    def _request(self, main_id: str) -> Iterator[WarcRecord]:
        request = self.exchange.request
        if not request:
            return
        head, _, body = request.partition(b"\r\n\r\n")
        version = head.partition(b"\r\n")[0].rpartition(b" ")[2].decode("iso-8859-1")
        fields = [("WARC-Concurrent-To", main_id), *self._protocols(version)]
        if body:
            fields.append(("WARC-Payload-Digest", sha256_digest(body)))
        yield self._record("request", self.new_id(), fields, HTTP_REQUEST, request)

    def _answer(self, main_id: str, head: bytes, original: Capture | None) -> tuple[WarcRecord, Capture]:
        """The response record, or the revisit record that stands for it."""
        exchange = self.exchange
        payload_digest = self._payload_digest()
        profile = self._revisit_profile(payload_digest, original)
        truncated: Truncation | None = exchange.truncated
        if truncated is None and not exchange.response_head.endswith(_HEAD_ENDS):
            truncated = "unspecified"
        fields = self._protocols(exchange.http_version)
        if profile and original:
            fields += _references(profile, original)
            # 6.7.2: a payload left out because it is identical is a truncation by length
            truncated = "length" if profile == IDENTICAL_PAYLOAD else None
            payload_digest = original.payload_digest
        if truncated:
            fields.append(("WARC-Truncated", truncated))
        if payload_digest:
            fields.append(("WARC-Payload-Digest", payload_digest))
        kind: CaptureType = "revisit" if profile else "response"
        block = (head,) if profile else (head, exchange.body)
        main = self._record(kind, main_id, fields, HTTP_RESPONSE, *block)
        cut = None if profile else truncated
        return main, self._draft(main, kind, original if profile else None, cut, len(head))

    def _readable_head(self) -> bytes:
        exchange = self.exchange
        if self.status is None:
            # Not HTTP as any reader knows it; a status line of our making would be a forgery.
            return exchange.response_head
        # After a failure the body is what followed on the wire, still framed.
        body_bytes = None if exchange.failure else len(exchange.body)
        return stored_head(exchange.response_head, status=self.status, body_bytes=body_bytes)

    def _payload_digest(self) -> str | None:
        """Over the entity-body; None where the bytes are not known to be one (ISO 28500:2017, 5.9)."""
        exchange = self.exchange
        framed = exchange.failure is not None and exchange.header("transfer-encoding") is not None
        if self.status is None or framed or not exchange.response_head.endswith(_HEAD_ENDS):
            return None
        return exchange.payload_digest

    def _revisit_profile(self, payload_digest: str | None, original: Capture | None) -> str | None:
        exchange = self.exchange
        if original is None or original.record_type != "response" or original.truncated:
            return None
        if exchange.failure or exchange.truncated or not payload_digest or not original.payload_digest:
            return None
        if self.status == 304 and not exchange.body:
            return NOT_MODIFIED if original.url == self.uri else None
        # the digest of nothing is everybody's: an empty payload refers to no one
        return IDENTICAL_PAYLOAD if exchange.body and payload_digest == original.payload_digest else None

    def _protocols(self, http_version: str) -> list[tuple[str, str]]:
        """WARC-Protocol once for each protocol, and WARC-Cipher-Suite (warc-specifications #42, #86)."""
        tls = self.exchange.tls
        words = [http_protocol(http_version), tls_protocol(tls.version) if tls else None]
        fields = [("WARC-Protocol", word) for word in words if word]
        if tls and (suite := iana_cipher_suite(tls.cipher)):
            fields.append(("WARC-Cipher-Suite", suite))
        return fields

    def _told(self, stored: bytes, hops: int | None) -> bytes:
        """How the exchange went, and every byte of it that the other records do not hold."""
        exchange, tls, failure = self.exchange, self.exchange.tls, self.exchange.failure
        elapsed_ms = int((exchange.ended - exchange.started).total_seconds() * 1000)
        fields: list[tuple[str, str | None]] = [
            ("via", warc_target_uri(exchange.via) if exchange.via else None),
            ("hopsFromSeed", "L" * (hops or 0)),
            ("fetchTimeMs", str(max(0, elapsed_ms))),
            *(("interimHead", printable(interim)) for interim in exchange.interim_heads),
            ("responseHead", printable(exchange.response_head) if exchange.response_head != stored else None),
            ("tlsCertificateSha256", tls.certificate_sha256 if tls else None),
            ("tlsVerified", "no" if tls and not tls.verified else None),
            ("tlsCipher", tls.cipher if tls and not iana_cipher_suite(tls.cipher) else None),
            ("truncatedDetail", exchange.truncated_detail),
            ("failureKind", failure.kind if failure else None),
            ("failureMessage", failure.message if failure else None),
        ]
        return field_lines((name, value) for name, value in fields if value)

    def _draft(
        self,
        main: WarcRecord,
        kind: CaptureType,
        original: Capture | None = None,
        truncated: Truncation | None = None,
        http_head_bytes: int | None = None,
    ) -> Capture:
        return Capture(
            key="",
            offset=0,
            length=0,
            record_id=main.field("WARC-Record-ID") or "",
            record_type=kind,
            date=self.exchange.started,
            url=self.uri,
            status=self.status,
            mime=media_type(self.exchange.response_head),
            payload_digest=main.field("WARC-Payload-Digest"),
            block_digest=main.field("WARC-Block-Digest"),
            truncated=truncated,
            ip_address=self.address,
            protocol=http_protocol(self.exchange.http_version),
            refers_to=original.record_id if original else None,
            http_head_bytes=http_head_bytes,
        )


def _references(profile: str, original: Capture) -> list[tuple[str, str]]:
    # pywb and wabac.js find the original by Target-URI and Date; the container (#111) is a hint across files.
    return [
        ("WARC-Profile", profile),
        ("WARC-Refers-To", original.record_id),
        ("WARC-Refers-To-Target-URI", original.url),
        ("WARC-Refers-To-Date", warc_date(original.date)),
        ("WARC-Refers-To-Container", f"file://{original.filename}"),
    ]


def _numeric_address(peer: str | None) -> str | None:
    """The peer as a dotted quad or as RFC 5952 writes IPv6 (warc-specifications #100), or None."""
    try:
        address = ipaddress.ip_address((peer or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
