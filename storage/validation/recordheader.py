"""The header of a WARC record: its version line and named fields, read strictly, with what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

Note = Callable[[str, str], None]
"""What is told of a fault: its rule and its message."""

HEADER_LIMIT_BYTES = 1024 * 1024

VERSION_LINE = re.compile(rb"WARC/([0-9]{1,4})\.([0-9]{1,4})(\r?\n)", re.IGNORECASE)
"""A literal of this grammar is in any case (RFC 2616, 2.1)."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+")
_FLAWLESS = re.compile(rb"WARC/1\.[01]\r\n(?:[!#$%&'*+\-.0-9A-Z^_`a-z|~]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ENCODED_WORD = re.compile(r"=\?[!-<>@-~]+\?[bBqQ]\?")
_DRAFTS = (16, 17, 18)

DEFINED = frozenset(
    (
        "warc-type",
        "warc-record-id",
        "warc-date",
        "content-length",
        "content-type",
        "warc-concurrent-to",
        "warc-block-digest",
        "warc-payload-digest",
        "warc-ip-address",
        "warc-refers-to",
        "warc-refers-to-target-uri",
        "warc-refers-to-date",
        "warc-target-uri",
        "warc-truncated",
        "warc-warcinfo-id",
        "warc-filename",
        "warc-profile",
        "warc-identified-payload-type",
        "warc-segment-origin-id",
        "warc-segment-number",
        "warc-segment-total-length",
    )
)
"""The fields of ISO 28500:2017, clause 5."""

EXTENSIONS = frozenset(
    (
        "warc-protocol",
        "warc-cipher-suite",
        "warc-refers-to-container",
        "warc-source-uri",
        "warc-created-date",
        "warc-previous-record-id",
        "warc-push-promised-from",
        "warc-transcluded-by",
        "warc-json-metadata",
        "warc-page-id",
        "warc-resource-type",
    )
)
"""Documented fields of the community: the list of iipc/warc-specifications, and those of Webrecorder's writers."""

_REPEATABLE = frozenset(("warc-concurrent-to", "warc-protocol", "warc-transcluded-by"))


@dataclass(slots=True)
class RecordHeader:
    """A header as it was read: `fields` in order, `values` the first value that is not empty by lower-case name.

    `record_type` is the WARC-Type in lower case, since a literal is in any case.
    """

    version: tuple[int, int] = (1, 1)
    fields: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    record_type: str = ""

    @property
    def is_1_0(self) -> bool:
        """Whether the rules of WARC 1.0 apply."""
        return self.version < (1, 1)

    def all_of(self, name: str) -> list[str]:
        """Every value of a field that may be repeated."""
        return [value for key, value in self.fields if key == name]


def parse_header(data: bytes, note: Note) -> RecordHeader:
    """The header in `data`, which ends with its empty line; `note` is told what is wrong with it."""
    header = RecordHeader()
    if _FLAWLESS.fullmatch(data) and data.isascii():
        # most headers are, and to see it at once is four times faster
        _read_flawless(data.decode("ascii"), header, note)
    else:
        _read_lines(data, header, note)
    _check_names(header, note)
    header.record_type = header.values.get("warc-type", "").lower()
    return header


def _read_flawless(text: str, header: RecordHeader, note: Note) -> None:
    version, *lines = text.split("\r\n")
    header.version = (1, int(version[7]))
    for line in lines[:-2]:
        name, _, value = line.partition(":")
        header.fields.append((name.lower(), value.strip(" \t")))
    if "=?" in text:
        for name, value in header.fields:
            _check_encoded_word(name, value, note)


def _read_lines(data: bytes, header: RecordHeader, note: Note) -> None:
    first, *lines = data.split(b"\n")
    found = VERSION_LINE.match(first + b"\n")
    if found:
        header.version = (int(found[1]), int(found[2]))
        _check_version(header.version, first, note)
    else:
        note("version", f"{first[:40].decode('ascii', 'replace')!r} is no version line")
    if any(line[-1:] != b"\r" for line in (first, *lines[:-1])):
        note("header-line-end", "a line of the header ends without CR")
    for line in _unfolded(lines, note):
        _read_field(line, header, note)


def _check_version(version: tuple[int, int], line: bytes, note: Note) -> None:
    if version in ((1, 0), (1, 1)):
        return
    shown = line.strip().decode("ascii", "replace")
    if version[0] == 0 and version[1] in _DRAFTS:
        note("version-draft", f"{shown} is a draft of the standard; it is held to the rules of 1.0")
    else:
        note("version", f"{shown} is no version of WARC that exists")


def _unfolded(lines: list[bytes], note: Note) -> list[bytes]:
    """The fields, one a line: a line that begins with white space belongs to the one before."""
    fields: list[bytes] = []
    for line in lines:
        line = line[:-1] if line.endswith(b"\r") else line
        if not line:
            continue
        if line[0] not in b" \t":
            fields.append(line)
        elif fields:
            name = fields[-1].partition(b":")[0].decode("utf-8", "replace")
            note("field-folded", f"{name} is continued on the next line")
            fields[-1] = fields[-1].rstrip(b" \t") + b" " + line.strip(b" \t")
        else:
            note("field-line", "the first line after the version begins with white space")
    return fields


def _read_field(line: bytes, header: RecordHeader, note: Note) -> None:
    name, colon, value = line.partition(b":")
    shown = name.decode("utf-8", "replace")
    if not colon:
        note("field-line", f"{shown!r} has no colon")
        return
    if not _TOKEN.fullmatch(name):
        note("field-name", f"{shown!r} is not a field name")
        if shown.strip().lower() not in DEFINED:
            return
    if _CONTROL.search(value):
        note("field-value", f"{shown} holds control characters")
    try:
        text = value.strip(b" \t").decode("utf-8")
    except UnicodeDecodeError:
        note("field-utf8", f"the value of {shown} is not UTF-8")
        text = value.strip(b" \t").decode("utf-8", "replace")
    _check_encoded_word(shown, text, note)
    header.fields.append((shown.strip().lower(), text))


def _check_encoded_word(name: str, value: str, note: Note) -> None:
    if "=?" in value and _ENCODED_WORD.search(value):
        note("encoded-word", f"{name} holds, or seems to hold, an encoded word: {value}")


def _check_names(header: RecordHeader, note: Note) -> None:
    seen: set[str] = set()
    for name, value in header.fields:
        known = name in DEFINED
        if not known and name not in EXTENSIONS and name not in seen:
            note("field-unknown", f"{name} is a field of no standard known here")
        if known and name in seen and name not in _REPEATABLE:
            note("field-repeated", f"{name} stands there more than once")
        if not value and known:
            note("field-empty", f"{name} has no value")
        if value:
            header.values.setdefault(name, value)
        seen.add(name)
