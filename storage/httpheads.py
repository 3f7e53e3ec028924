"""HTTP heads as records hold them: verbatim where readers can parse them, else changed by the least."""

from __future__ import annotations

import re

# What every reader takes in the same way: RFC 9112, 3 to 5, with a lone LF allowed as line end (2.2).
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [^\r\n\0]*)?\r?\n")
_FIELD_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r?\n")
# A fold of white space alone would end the head for readers that strip lines first.
_FOLD_LINE = re.compile(rb"[ \t][^\r\n\0]*[!-~][^\r\n\0]*\r?\n")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_ODD_STATUS_LINE = re.compile(rb"(\S+)[ \t]+([1-9][0-9]{2})(?:[ \t]+(.*))?", re.DOTALL)
_ODD_FIELD_LINE = re.compile(rb"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)", re.DOTALL)
_CONTENT_TYPE = re.compile(
    rb"^content-type[ \t]*:[ \t]*([!#$&^_.+\-0-9A-Za-z]+/[!#$&^_.+\-0-9A-Za-z]+)?",
    re.IGNORECASE | re.MULTILINE,
)
_FRAMING = re.compile(rb"(transfer-encoding|content-length)[ \t]*:", re.IGNORECASE)


def media_type(head: bytes) -> str | None:
    """The media type of a head's first Content-Type, in lower case and without parameters, or None."""
    found = _CONTENT_TYPE.search(head)
    return found[1].decode("ascii").lower() if found and found[1] else None


def stored_head(head: bytes, *, status: int, body_bytes: int | None) -> bytes:
    """The response head for a record: `head` itself where readers can parse it and it fits the body.

    `body_bytes` is the length of the body after its transfer-coding was removed: a Transfer-Encoding field is
    then replaced by the Content-Length that is true now (by nothing where the status has no body: RFC 9112,
    6.3). With None the body is framed as it came, and so is the head. Otherwise only this is changed: the
    protocol word becomes HTTP/1.x; bare CR and NUL become spaces; lines that are no fields are left out.
    Whoever calls keeps the verbatim head beside the record when the two differ.
    """
    lines = _LINE.findall(head.lstrip(b"\r\n"))
    if not lines:
        return head
    kept = [_status_line(lines[0])]
    dechunked = body_bytes is not None and _names_transfer_encoding(lines[1:])
    length = b"" if status < 200 or status in (204, 304) else b"Content-Length: %d\r\n" % (body_bytes or 0)
    folds_belong = False
    for line in lines[1:]:
        if line[:1] in b" \t":
            kept.append(_fold_line(line) if folds_belong else b"")
            continue
        field = _field_line(line)
        folds_belong = bool(field)
        if dechunked and (framing := _FRAMING.match(field)):
            # Content-Length beside Transfer-Encoding counts for nothing: RFC 9112, 6.3
            field, folds_belong = b"", False
            if framing[1].lower() == b"transfer-encoding":
                field, length = length, b""
        kept.append(field)
    end = lines[-1] if lines[-1] in (b"\r\n", b"\n") and len(lines) > 1 else b"\r\n"
    return b"".join(kept) + end


def _status_line(line: bytes) -> bytes:
    if _STATUS_LINE.fullmatch(line):
        return line
    found = _ODD_STATUS_LINE.fullmatch(_cleaned(line))
    if found is None:
        return _cleaned(line) + b"\r\n"
    protocol = b"HTTP/1.0" if found[1].upper() == b"HTTP/1.0" else b"HTTP/1.1"
    return b" ".join((protocol, found[2], found[3] or b"")) + b"\r\n"


def _field_line(line: bytes) -> bytes:
    if _FIELD_LINE.fullmatch(line):
        return line
    found = _ODD_FIELD_LINE.fullmatch(_cleaned(line))
    return found[1] + b": " + found[2].strip() + b"\r\n" if found else b""


def _fold_line(line: bytes) -> bytes:
    if _FOLD_LINE.fullmatch(line):
        return line
    cleaned = b" " + _cleaned(line) + b"\r\n"
    return cleaned if _FOLD_LINE.fullmatch(cleaned) else b""


def _names_transfer_encoding(lines: list[bytes]) -> bool:
    return any(line[:1] in b"Tt" and _field_line(line)[:17].lower() == b"transfer-encoding" for line in lines)


def _cleaned(line: bytes) -> bytes:
    # RFC 9112, 2.2: a bare CR is to be read as a space
    return line.rstrip(b"\r\n").replace(b"\r", b" ").replace(b"\0", b" ").strip()
