"""The syntax of what fields of WARC records hold: URIs, ids, dates, media types, digests, addresses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

_TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+"  # noqa: S105 - a grammar, no secret
TOKEN = re.compile(_TOKEN)
_MEDIA_TYPE = re.compile(
    rf'{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"))*'
)

# RFC 3986, appendix A
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_REG_NAME = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
_AUTHORITY = (
    rf"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{{2}})*@)?(?:\[[0-9A-Fa-f:.]+\]|\[v[^\]\s]+\]|{_REG_NAME})"
    r"(?::[0-9]*)?"
)
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
    rf"|{_PCHAR}+(?:/{_PCHAR}*)*|){_TAIL}"
)
_NOT_IN_URI = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?[Zz])?)?)?"
)

ALGORITHMS = {
    "md5": "md5",
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
    "sha512-224": "sha512_224",
    "sha512-256": "sha512_256",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
    "blake2s": "blake2s",
    "blake2b": "blake2b",
}
"""Labels of digests (warc-specifications #80) that can be computed here, and what hashlib calls them."""

_COMPATIBLE = {"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}


@dataclass(frozen=True, slots=True)
class Digest:
    """A labelled digest: the hashlib name and the value, None where the algorithm is not known here.

    `problems` are (rule, message) pairs.
    """

    algorithm: str | None
    value: bytes | None
    problems: tuple[tuple[str, str], ...] = ()


def uri_problem(text: str) -> str | None:
    """Why this is no URI of RFC 3986, or None."""
    if _URI.fullmatch(text):
        return None
    wrong = _NOT_IN_URI.search(text)
    if wrong:
        return f"{text!r} holds {wrong[0]!r}, which is not written so in a URI"
    return f"{text!r} is not a URI: RFC 3986 asks for a scheme and its syntax"


def id_problem(text: str) -> str | None:
    """Why this is no record id in angle brackets, or None."""
    if not (text.startswith("<") and text.endswith(">") and len(text) > 2):
        return f"{text!r} does not stand in angle brackets"
    return uri_problem(text[1:-1])


def odd_uuid(text: str) -> bool:
    """Whether an id says that it is a UUID and is none."""
    inner = text.strip("<>")
    return inner[:9].lower() == "urn:uuid:" and not _UUID.fullmatch(inner)


@lru_cache(maxsize=1024)
def date_problem(text: str, *, is_1_0: bool) -> str | None:
    """Why this is no WARC-Date, or None."""
    found = _DATE.fullmatch(text)
    if not found:
        return f"{text!r} is not a UTC time as W3CDTF writes it"
    if is_1_0 and (found[6] is None or found[7] is not None):
        return f"{text!r} is not YYYY-MM-DDThh:mm:ssZ, as WARC 1.0 asks"
    numbers = [int(part or least) for part, least in zip(found.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)]
    try:
        datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]  # the pattern has as many groups
    except ValueError as error:
        return f"{text!r} is no time that exists: {error}"
    return None


@lru_cache(maxsize=1024)
def is_media_type(text: str) -> bool:
    """Whether it is type/subtype with parameters."""
    return bool(_MEDIA_TYPE.fullmatch(text))


@lru_cache(maxsize=1024)
def media_type_of(text: str) -> tuple[str, dict[str, str]]:
    """The media type in lower case, and its parameters."""
    kind, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return kind.strip().lower(), {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs}


def parse_digest(text: str) -> Digest:
    """A labelled digest, in Base16 or Base32, with what is wrong with it."""
    label, colon, value = text.partition(":")
    bare = value.rstrip("=").replace("/", "")
    if not colon or not TOKEN.fullmatch(label) or not TOKEN.fullmatch(bare):
        return Digest(None, None, (("digest-syntax", f"{text!r} is not algorithm:value"),))
    lower = label.lower()
    name = ALGORITHMS.get(_COMPATIBLE.get(lower, lower))
    if name is None or name not in hashlib.algorithms_available:
        return Digest(None, None, (("digest-unknown", f"{text} is not verified: {label} is not known here"),))
    octets, well_formed = _decoded(value, hashlib.new(name, usedforsecurity=False).digest_size)
    if octets is None:
        return Digest(None, None, (("digest-value", f"{text!r} is no {label} digest in Base16 or Base32"),))
    if lower not in ALGORITHMS or label != lower or not well_formed:
        return Digest(name, octets, (("digest-form", f"{text!r} is not in the form that the community recommends"),))
    return Digest(name, octets)


def is_of_nothing(digest: Digest) -> bool:
    """Whether it is the digest of no bytes at all."""
    if digest.algorithm is None:
        return False
    return hashlib.new(digest.algorithm, usedforsecurity=False).digest() == digest.value


def _decoded(value: str, size: int) -> tuple[bytes | None, bool]:
    """The octets of a digest, and whether they are written as recommended."""
    bare = value.rstrip("=")
    try:
        # 32 characters of MD5 are Base16; with padding they are Base32 (#80)
        if len(value) == 2 * size:
            octets = binascii.unhexlify(value) if bare == value else base64.b32decode(value, casefold=True)
            return octets if len(octets) == size else None, bare == value and value == value.lower()
        if len(bare) == (size * 8 + 4) // 5:
            octets = base64.b32decode(bare + "=" * (-len(bare) % 8), casefold=True)
            return octets, bare == value and value == value.upper()
    except (binascii.Error, ValueError):
        pass
    return None, False


@lru_cache(maxsize=1024)
def address_problem(text: str) -> tuple[str, str] | None:
    """The rule that an IP address breaks, and how; None when it is fine."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "ip-address", f"{text!r} is no IP address"
    if isinstance(address, ipaddress.IPv6Address) and "%" in text:
        return "ip-address", f"{text!r} names an interface of one machine"
    plain = f"::ffff:{address.ipv4_mapped}" if address.version == 6 and address.ipv4_mapped else str(address)
    return None if text in (plain, str(address)) else ("ip-address-form", f"RFC 5952 writes {text!r} as {plain}")
