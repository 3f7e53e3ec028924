"""Named fields, one `name: value` line each: the content of application/warc-fields blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

Fields = Iterable[tuple[str, str]]

WARC_FIELDS = "application/warc-fields"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# readers strip a value, so a space at either end is escaped as well
_ESCAPED = re.compile(rb"[^ -~]|\A | \Z")


def field_lines(fields: Fields) -> bytes:
    """The fields as lines, in UTF-8; control characters in a value become one space.

    A field is one line, without folding (warc-specifications #67, #74), whatever a server wrote into it.
    """
    lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields)
    return lines.encode("utf-8", "backslashreplace")


def parse_field_lines(block: bytes) -> list[tuple[str, str]]:
    """The fields of a block, in order; lines without a colon are skipped, folded lines are joined."""
    fields: list[tuple[str, str]] = []
    for line in block.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields.append((name.strip(), value.strip()))
    return fields


def printable(octets: bytes) -> str:
    """Any bytes as one line that people can read: percent-encoded where they are not printable ASCII."""
    # line ends are the most there is to escape, and replacing them is ten times faster
    octets = octets.replace(b"%", b"%25").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    return _ESCAPED.sub(lambda found: b"%%%02X" % found[0][0], octets).decode("ascii")


def from_printable(text: str) -> bytes:
    """The bytes that `printable` was given."""
    return unquote_to_bytes(text)


def _one_line(value: str) -> str:
    return _CONTROLS.sub(" ", value).strip()
