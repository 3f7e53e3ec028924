"""A record's block, read once from front to back: its digests, its HTTP message or its named fields."""

from __future__ import annotations

import base64
import re

from storage.validation.fieldsyntax import Digest, media_type_of, parse_digest
from storage.validation.httpmessage import Hash, HttpMessage, new_hash
from storage.validation.recordheader import Note, RecordHeader
from storage.validation.recordrules import IDENTICAL, is_http, profile_of, target_of

_NAMED_FIELD = re.compile(rb"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+:[^\x00-\x08\x0a-\x1f\x7f]*")
_FIELDS_LIMIT_BYTES = 4 * 1024 * 1024


class BlockCheck:
    """Takes a block piece by piece, and at its end tells what is wrong with it."""

    def __init__(self, header: RecordHeader, note: Note) -> None:
        self._header = header
        self._note = note
        self.length = 0
        self.block_digest = self._digest_of("warc-block-digest")
        self.payload_digest = self._digest_of("warc-payload-digest")
        self.payload_is_false = False
        self._block_hash = new_hash(self.block_digest)
        self.message = self._message()
        whole = header.record_type in ("resource", "conversion") and "warc-segment-number" not in header.values
        self._whole_hash = new_hash(self.payload_digest) if whole else None
        media = media_type_of(header.values.get("content-type", ""))[0]
        described = header.record_type in ("warcinfo", "metadata") and media == "application/warc-fields"
        self._named_fields: bytes | None = b"" if described else None

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self.length += len(piece)
        if self._block_hash:
            self._block_hash.update(piece)
        if self._whole_hash:
            self._whole_hash.update(piece)
        if self.message:
            self.message.feed(piece)
        if self._named_fields is not None and len(self._named_fields) < _FIELDS_LIMIT_BYTES:
            self._named_fields += piece

    def close(self) -> None:
        """Tell what is wrong with the block, which is over."""
        expected = self.block_digest.value if self.block_digest else None
        if self._block_hash and self._block_hash.digest() != expected:
            self._note("block-digest", f"the block's digest is {_shown(self._block_hash)}, not as it says")
        if self._whole_hash and self.payload_digest and self._whole_hash.digest() != self.payload_digest.value:
            self.payload_is_false = True
            self._note("payload-digest", f"the payload's digest is {_shown(self._whole_hash)}, not as it says")
        if self._named_fields is not None:
            _check_named_fields(self._named_fields, self._note)
        if self.message:
            self.message.close()
            self._check_payload(self.message)

    def _digest_of(self, name: str) -> Digest | None:
        text = self._header.values.get(name)
        if text is None:
            return None
        digest = parse_digest(text)
        for rule, message in digest.problems:
            self._note(rule, f"{name}: {message}")
        return digest

    def _message(self) -> HttpMessage | None:
        header = self._header
        media = media_type_of(header.values.get("content-type", ""))[0]
        kind = header.record_type
        if kind not in ("request", "response", "revisit") or media != "application/http":
            return None
        if not is_http(target_of(header)) or "warc-segment-number" in header.values:
            return None
        return HttpMessage(header, self.payload_digest, self._note)

    def _check_payload(self, message: HttpMessage) -> None:
        if not self.payload_digest or self.payload_digest.value is None or message.payload_hash is None:
            return
        found = message.payload_hash.digest()
        if self._header.record_type == "revisit":
            if profile_of(self._header) == IDENTICAL and self.length and found != self.payload_digest.value:
                self._check_cut()
        elif message.understood and found != self.payload_digest.value:
            self.payload_is_false = True
            framed = message.framed_hash and message.framed_hash.digest() == self.payload_digest.value
            more = ": the one it gives is over the body with its chunk framing" if framed else ", not as it says"
            self._note("payload-digest", f"the payload's digest is {_shown(message.payload_hash)}{more}")

    def _check_cut(self) -> None:
        reason = self._header.values.get("warc-truncated")
        if reason is None or reason.lower() != "length":
            given = f"WARC-Truncated: {reason}" if reason else "no WARC-Truncated"
            self._note("revisit-truncated", f"the body is left out, with {given}")


def _shown(found: Hash) -> str:
    octets = found.digest()
    return base64.b32encode(octets).decode("ascii") if len(octets) == 20 else octets.hex()


def _check_named_fields(block: bytes, note: Note) -> None:
    """Whether a block is `*named-field` as in a header, with or without the empty line (ISO 28500:2017, 4)."""
    whole = len(block) < _FIELDS_LIMIT_BYTES
    *lines, rest = block.split(b"\r\n")
    if rest and whole:
        note("warc-fields", "the last line has no CRLF")
    if lines and not lines[-1]:
        lines.pop()
    for line in lines:
        if not (line[:1] in (b" ", b"\t") or _NAMED_FIELD.fullmatch(line)) or not _is_utf8(line):
            note("warc-fields", f"{line[:60].decode('utf-8', 'replace')!r} is no named field")
            return


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
