"""The warcinfo record: who made a WARC file, with what, and by which manners."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from storage.warcfields import WARC_FIELDS, field_lines
from storage.warcrecords import WarcRecord, record_of

FORMAT = "WARC File Format 1.1"
CONFORMS_TO = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def _software() -> str:
    try:
        return f"newsark/{version('newsark')}"
    except PackageNotFoundError:
        return "newsark"


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """What every segment says about its making, in the fields of ISO 28500:2017, 6.2; None is left out.

    `part_of` names the source, `contact` is what requests send as From. `robots` is the policy obeyed: the
    standard's word `classic` stands for the robots exclusion protocol (RFC 9309).
    """

    part_of: str
    operator: str | None = None
    user_agent: str | None = None
    contact: str | None = None
    robots: str | None = "classic"
    description: str | None = None
    ip: str | None = None
    hostname: str = field(default_factory=socket.gethostname)
    software: str = field(default_factory=_software)


def warcinfo_record(info: SegmentInfo, filename: str, date: datetime, record_id: str) -> WarcRecord:
    """The record that stands first in the file called `filename`, a name that never changes afterwards."""
    fields = (
        ("software", info.software),
        ("format", FORMAT),
        ("conformsTo", CONFORMS_TO),
        ("isPartOf", info.part_of),
        ("description", info.description),
        ("operator", info.operator),
        ("hostname", info.hostname),
        ("ip", info.ip),
        ("robots", info.robots),
        ("http-header-user-agent", info.user_agent),
        ("http-header-from", info.contact),
    )
    block = field_lines((name, value) for name, value in fields if value)
    return record_of("warcinfo", record_id, date, [("WARC-Filename", filename)], WARC_FIELDS, (block,))
