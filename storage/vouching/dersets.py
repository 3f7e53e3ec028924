"""Certificates in a time stamp put into DER's order, which OpenSSL does not keep and strict readers ask for."""

from __future__ import annotations

_SEQUENCE, _SET, _CONTEXT_0 = 0x30, 0x31, 0xA0
_OBJECT_ID, _INTEGER = 0x06, 0x02


def with_sorted_certificates(response: bytes) -> bytes:
    """A TimeStampResp of the same length whose certificates stand in order; anything else as it is.

    `certificates` of SignedData is a SET OF (RFC 5652, 5.1), in DER sorted by its members' bytes (X.690, 11.6);
    `openssl ts` sends the signer first. Neither the signature nor the stamped digest covers the order.
    """
    try:
        start, end = _certificates(response)
        members = []
        at = start
        while at < end:
            _, _, following = _element(response, at, end)
            members.append(response[at:following])
            at = following
    except (IndexError, ValueError):
        return response
    return response[:start] + b"".join(sorted(members)) + response[end:]


def _certificates(response: bytes) -> tuple[int, int]:
    """Where the members of `certificates` begin and end: TimeStampResp, timeStampToken, content, SignedData."""
    _, at, end = _expect(response, 0, len(response), _SEQUENCE)
    at = _expect(response, at, end, _SEQUENCE)[2]
    _, at, end = _expect(response, at, end, _SEQUENCE)
    at = _expect(response, at, end, _OBJECT_ID)[2]
    _, at, end = _expect(response, at, end, _CONTEXT_0)
    _, at, end = _expect(response, at, end, _SEQUENCE)
    for tag in (_INTEGER, _SET, _SEQUENCE):
        at = _expect(response, at, end, tag)[2]
    _, at, end = _expect(response, at, end, _CONTEXT_0)
    return at, end


def _expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int, int]:
    found = _element(data, at, end)
    if found[0] != tag:
        raise ValueError(f"tag {found[0]:#x} at {at}, not {tag:#x}")
    return found


def _element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start of the content and end of the element at `at`, which ends at `end` at the latest."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length >= 0x80:
        digits = length & 0x7F
        length = int.from_bytes(data[start : start + digits], "big")
        start += digits
    if start + length > end or tag & 0x1F == 0x1F:
        raise ValueError(f"the element at {at} is longer than what holds it")
    return tag, start, start + length
