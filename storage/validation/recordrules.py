"""What a record's fields may be, each by itself and by the type of the record (ISO 28500:2017, 5 to 7)."""

from __future__ import annotations

import re

from storage.validation.fieldsyntax import (
    TOKEN,
    address_problem,
    date_problem,
    id_problem,
    is_media_type,
    media_type_of,
    odd_uuid,
    uri_problem,
)
from storage.validation.recordheader import Note, RecordHeader

TYPES = frozenset(("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation"))
_MANDATORY = ("warc-record-id", "content-length", "warc-date", "warc-type")
_TARGETED = ("response", "resource", "request", "revisit", "conversion", "continuation")
BESIDE_NO_EVENT = ("warcinfo", "conversion", "continuation")
_ID_FIELDS = ("warc-record-id", "warc-refers-to", "warc-warcinfo-id", "warc-segment-origin-id")
_URI_FIELDS = ("warc-target-uri", "warc-refers-to-target-uri", "warc-profile")
_DATE_FIELDS = ("warc-date", "warc-refers-to-date")
_DIGITS = re.compile(r"[0-9]+")
_REASONS = ("length", "time", "disconnect", "unspecified")

IDENTICAL = "identical-payload-digest"
NOT_MODIFIED = "server-not-modified"
_PROFILE = re.compile(rf"http://netpreserve\.org/warc/(1\.[01])/revisit/({IDENTICAL}|{NOT_MODIFIED})")

# Which fields a type of record must not have: ISO 28500:2017, the last sentences of 5.7 to 5.22.
_FORBIDDEN: dict[str, tuple[tuple[str, ...], str]] = {
    "warc-concurrent-to": (BESIDE_NO_EVENT, "concurrent-to"),
    "warc-ip-address": (BESIDE_NO_EVENT, "ip-address-type"),
    "warc-refers-to": (("warcinfo", "response", "resource", "request", "continuation"), "refers-to"),
    "warc-target-uri": (("warcinfo",), "target-uri-warcinfo"),
    "warc-warcinfo-id": (("warcinfo",), "warcinfo-id"),
    "warc-payload-digest": (("warcinfo", "metadata"), "payload-none"),
    "warc-identified-payload-type": (("warcinfo", "metadata"), "payload-none"),
    "warc-filename": (tuple(TYPES - {"warcinfo"}), "filename"),
    "warc-profile": (tuple(TYPES - {"revisit"}), "profile-elsewhere"),
    "warc-segment-origin-id": (tuple(TYPES - {"continuation"}), "segment-origin"),
    "warc-segment-total-length": (tuple(TYPES - {"continuation"}), "segment-total"),
}
_REVISIT_ONLY = ("warc-refers-to-target-uri", "warc-refers-to-date")
_OF_CONTINUATIONS = frozenset(
    (
        *_MANDATORY,
        "content-type",
        "warc-target-uri",
        "warc-block-digest",
        "warc-payload-digest",
        "warc-truncated",
        "warc-segment-number",
        "warc-segment-origin-id",
        "warc-segment-total-length",
    )
)


def check_fields(header: RecordHeader, note: Note) -> None:
    """Tell `note` every rule that the fields break, except those about digests, blocks and other records."""
    _check_presence(header, note)
    _check_ids(header, note)
    _check_uris(header, note)
    _check_dates(header, note)
    _check_words(header, note)
    _check_content_type(header, note)
    _check_segments(header, note)
    if header.record_type == "revisit":
        _check_revisit(header, note)


def profile_of(header: RecordHeader) -> str | None:
    """The revisit profile that a header names, when it is one of the standard."""
    found = _PROFILE.fullmatch(_bare(header.values.get("warc-profile", "")))
    return found[2] if found else None


def target_of(header: RecordHeader) -> str:
    """The WARC-Target-URI without the angle brackets that 1.0 allows."""
    return _bare(header.values.get("warc-target-uri", ""))


def is_http(uri: str) -> bool:
    """Whether a URI is of the schemes whose records hold HTTP messages."""
    return uri[:8].lower().startswith(("http://", "https://"))


def block_length(header: RecordHeader) -> int | None:
    """The Content-Length, or None when it is missing or no number."""
    text = header.values.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _bare(uri: str) -> str:
    return uri[1:-1] if uri[:1] == "<" and uri[-1:] == ">" else uri


def _check_presence(header: RecordHeader, note: Note) -> None:
    named = {name for name, _ in header.fields}
    kind = header.record_type
    for name in _MANDATORY:
        if name not in named:
            note("field-missing", f"{name} is missing")
    if kind in _TARGETED and "warc-target-uri" not in named:
        note("target-uri-missing", f"a {kind} record has no WARC-Target-URI")
    for name in header.values:
        types, rule = _FORBIDDEN.get(name, ((), ""))
        if kind in types:
            note(rule, f"{name} is not for {kind} records")
        if name in _REVISIT_ONLY and kind in TYPES - {"revisit"} and not header.is_1_0:
            note("refers-to-revisit", f"{name} is not for {kind} records")
    http = is_http(target_of(header)) and _is_http_message(header)
    if kind in ("request", "response") and http and "warc-ip-address" not in named:
        note("ip-address-missing", "which address was contacted is not told")


def _is_http_message(header: RecordHeader) -> bool:
    return media_type_of(header.values.get("content-type", ""))[0] == "application/http"


def _check_ids(header: RecordHeader, note: Note) -> None:
    for name, value in header.fields:
        if not value or (name not in _ID_FIELDS and name != "warc-concurrent-to"):
            continue
        problem = id_problem(value)
        if problem:
            note("record-id", f"{name}: {problem}")
        elif odd_uuid(value):
            note("record-id-uuid", f"{name}: {value} is not a UUID")


def _check_uris(header: RecordHeader, note: Note) -> None:
    for name in _URI_FIELDS:
        value = header.values.get(name)
        if value is None:
            continue
        if not header.is_1_0 and value != _bare(value):
            note("target-uri", f"{name}: {value!r} stands in angle brackets, which only 1.0 allows")
            continue
        problem = uri_problem(_bare(value))
        if problem:
            note("target-uri", f"{name}: {problem}")


def _check_dates(header: RecordHeader, note: Note) -> None:
    for name in _DATE_FIELDS:
        value = header.values.get(name)
        if value is None:
            continue
        problem = date_problem(value, is_1_0=header.is_1_0)
        if problem:
            note("date", f"{name}: {problem}")
        elif value != value.upper():
            note("date-case", f"{name}: {value!r} has small letters")


def _check_words(header: RecordHeader, note: Note) -> None:
    values = header.values
    kind = header.record_type
    if kind and not TOKEN.fullmatch(kind):
        note("type", f"{kind!r} is no record type")
    elif kind and kind not in TYPES:
        note("type-unknown", f"{kind} is a record type of no standard known here")
    if "content-length" in values and block_length(header) is None:
        note("content-length", f"{values['content-length']!r} is no length")
    reason = values.get("warc-truncated")
    if reason and not TOKEN.fullmatch(reason):
        note("truncated-reason", f"{reason!r} is no reason")
    elif reason and reason.lower() not in _REASONS:
        note("truncated-unknown", f"{reason} is a reason of no standard known here")
    problem = address_problem(values["warc-ip-address"]) if "warc-ip-address" in values else None
    if problem:
        note(*problem)
    for name in ("content-type", "warc-identified-payload-type"):
        if name in values and not is_media_type(values[name]):
            note("media-type", f"{name}: {values[name]!r} is no media type")
    if any("," in value for value in header.all_of("warc-protocol")):
        note("protocol-joined", "several protocols stand in one WARC-Protocol")


def _check_content_type(header: RecordHeader, note: Note) -> None:
    kind, value = header.record_type, header.values.get("content-type")
    if value is None:
        if kind != "continuation" and block_length(header):
            note("content-type-missing", "the block is of unknown type")
        return
    media, parameters = media_type_of(value)
    target = target_of(header)
    if kind in ("request", "response", "revisit") and is_http(target):
        message = "request" if kind == "request" else "response"
        expected = media == "application/http" and parameters.get("msgtype") == message
        if not expected and (kind != "revisit" or block_length(header)):
            note("content-type-http", f"{value} is not application/http;msgtype={message}")
    if kind == "resource" and target[:4].lower() == "dns:" and media != "text/dns":
        note("content-type-dns", f"{value} is not text/dns")
    described = kind == "warcinfo" or (kind == "metadata" and not header.is_1_0)
    if described and media != "application/warc-fields":
        note("content-type-fields", f"{value} is not application/warc-fields")


def _check_segments(header: RecordHeader, note: Note) -> None:
    kind, values = header.record_type, header.values
    number = values.get("warc-segment-number")
    continued = kind == "continuation"
    if continued:
        for name in ("warc-segment-number", "warc-segment-origin-id"):
            if name not in values:
                note("segment-missing", f"{name} is missing")
        for name in dict.fromkeys(name for name, _ in header.fields if name not in _OF_CONTINUATIONS):
            note("segment-fields", f"{name} is not for segments after the first")
    if number is not None:
        numeric = bool(_DIGITS.fullmatch(number)) and number.isascii() and len(number) < 19
        if not numeric or (int(number) < 2 if continued else int(number) != 1):
            note("segment-number", f"{number!r} is no number of a {kind} segment")
        if kind in ("warcinfo", "request", "metadata", "revisit"):
            note("segment-type", f"a {kind} record is segmented")
    total = values.get("warc-segment-total-length")
    if total is not None and not _DIGITS.fullmatch(total):
        note("segment-total", f"{total!r} is no length")


def _check_revisit(header: RecordHeader, note: Note) -> None:
    values = header.values
    profile = values.get("warc-profile")
    if profile is None:
        note("profile-missing", "a revisit has no WARC-Profile")
        return
    found = _PROFILE.fullmatch(_bare(profile))
    if not found:
        note("profile-unknown", f"{profile} is a profile of no standard known here")
        return
    if found[1] != ("1.0" if header.is_1_0 else "1.1"):
        note("profile-version", f"{profile} is not the profile of WARC {'1.0' if header.is_1_0 else '1.1'}")
    if found[2] == IDENTICAL and "warc-payload-digest" not in values:
        note("revisit-payload-digest", "which payload was identical is not told")
    wanted = ["warc-refers-to"]
    if not header.is_1_0:
        wanted += ["warc-refers-to-date"] + (["warc-refers-to-target-uri"] if found[2] == IDENTICAL else [])
    for name in wanted:
        if name not in values:
            note("revisit-reference", f"{name} is missing")
