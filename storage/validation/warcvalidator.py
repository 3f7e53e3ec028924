"""A WARC file held to every rule of the standard, read once from front to back in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from storage.validation.blockcheck import BlockCheck
from storage.validation.bytesflow import GZIP_MAGIC, Damage, FileFlow, Flow, GzipFlow, Readable
from storage.validation.faults import FaultLog, Verdict
from storage.validation.fieldsyntax import Digest
from storage.validation.fileformat import starts_record
from storage.validation.recordheader import HEADER_LIMIT_BYTES, RecordHeader, parse_header
from storage.validation.recordlinks import RecordLinks
from storage.validation.recordrules import block_length, check_fields
from storage.validation.warcrules import WARC_RULES

_PIECE_BYTES = 256 * 1024
_LINE_BYTES = 32
_LOOK_BYTES = 4096
_VERSION_WORD = b"WARC/"
_RECORD_START = re.compile(rb"(?:^|(?<=\n))WARC/[0-9]\.[0-9]{1,2}\r?\n")
_HEADER_END = re.compile(rb"\n\r?\n")
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class FramedRecord:
    """A record that stands whole at `offset`, with `length` bytes of the file; `status` is that of its response."""

    offset: int
    length: int
    header: RecordHeader
    payload: Digest | None
    status: int | None


OnRecord = Callable[[FramedRecord], None]


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    offset: int


class WarcValidator:
    """Holds one WARC file, plain or in gzip members, to the rules.

    `name` is the file's name without its directory, or None where it has none. `on_record` is told of every
    record that could be framed.
    """

    def __init__(self, file: Readable, name: str | None, *, gzip: bool, on_record: OnRecord | None = None) -> None:
        self._name = name
        self._packed = FileFlow(file)
        self._gzip = GzipFlow(self._packed) if gzip else None
        self._flow: Flow = self._gzip or self._packed
        self._log = FaultLog(WARC_RULES)
        self._links = RecordLinks(self._log)
        self._on_record = on_record
        self._records = 0
        self._place = _Place(0, 0)
        self._settle_later: Callable[[], None] | None = None
        self._split_told = 0
        self._lost = False

    @property
    def read_bytes(self) -> int:
        """How much of the file was read."""
        return self._packed.offset

    def validate(self, file: str) -> Verdict:
        """The verdict, under the name `file`. Raises what reading raises, and nothing about the content."""
        self._check_suffix()
        if self._gzip:
            self._read_members(self._gzip)
        else:
            self._read_records()
        self._links.close(lost=self._lost)
        return self._log.verdict(file, self._records)

    def _check_suffix(self) -> None:
        wanted = ".warc.gz" if self._gzip else ".warc"
        if self._name is not None and not self._name.lower().endswith(wanted):
            self._log.add("file-suffix", f"{self._name} does not end in {wanted}", None, None)

    # Gzip members

    def _read_members(self, flow: GzipFlow) -> None:
        damaged = False
        while self._packed.peek(1):
            if self._packed.peek(3) == GZIP_MAGIC:
                flow.open_member()
                self._read_member(flow)
                damaged = flow.damage is not None
            else:
                self._skip_foreign(told=damaged)
                damaged = False

    def _read_member(self, flow: GzipFlow) -> None:
        before = self._records
        if not flow.peek(1) and not flow.damage:
            self._log.add("gzip-empty-member", "a gzip member holds nothing", None, flow.member_offset)
            return
        self._read_records(shared_from=before)
        if flow.damage:
            self._tell_damage(flow.damage, flow.member_offset)

    def _tell_damage(self, damage: Damage, offset: int) -> None:
        # what a damaged member seems to hold is not judged
        self._log.forget()
        self._settle_later = None
        self._lost = True
        number = self._place.number if self._place.offset == offset and self._records else None
        self._log.add(damage.rule, damage.message, number, offset)

    def _skip_foreign(self, *, told: bool) -> None:
        """Go to the next gzip member that begins a record; tell of the bytes before it, unless it was told why."""
        packed, start = self._packed, self._packed.offset
        found = False
        while not found and (window := packed.peek(_PIECE_BYTES)):
            # a member that begins in the last bytes of a window is looked at in the next one
            room = len(window) if len(window) < _PIECE_BYTES else len(window) - _LOOK_BYTES
            at = window.find(GZIP_MAGIC)
            while 0 <= at < room and not starts_record(window[at : at + _LOOK_BYTES]):
                at = window.find(GZIP_MAGIC, at + 1)
            found = 0 <= at < room
            packed.skip(at if found else room)
        if not told:
            rule, where = ("bytes-between", "stand between two") if found else ("trailing-bytes", "follow the last")
            count = packed.offset - start
            self._log.add(rule, f"{count} bytes that are no gzip member {where} record{'s' * found}", None, start)

    # Records

    def _read_records(self, shared_from: int | None = None) -> None:
        """The records up to the end of the flow."""
        told_shared = False
        while self._flow.peek(1):
            self._settle()
            if self._flow.peek(5).upper() != _VERSION_WORD:
                self._skip_bytes()
                continue
            self._records += 1
            self._place = _Place(self._records, self._offset())
            if shared_from is not None and self._records > shared_from + 1 and not told_shared:
                told_shared = True
                cure = "no record can be read at its offset; cure: warcio recompress FILE NEW-FILE"
                self._log.add("gzip-shared-member", f"several records share a gzip member: {cure}", *self._at())
            self._read_record()
        if not self._damaged():
            self._settle()

    def _settle(self) -> None:
        """Keep what was found in the last record: nothing is wrong with its gzip member."""
        self._log.release()
        if self._settle_later:
            self._settle_later()
            self._settle_later = None

    def _read_record(self) -> None:
        data = self._header_bytes()
        if data is None:
            return
        header = parse_header(data, self._note)
        check_fields(header, self._note)
        self._check_filename(header)
        length = block_length(header)
        if length is None:
            self._lost = True
            self._settle_later = self._linking(header, None)
            self._skip_unmeasured()
            return
        block = BlockCheck(header, self._note)
        whole = self._read_block(block, length) and self._read_end(length)
        if whole:
            block.close()
        self._settle_later = self._linking(header, block, whole=whole)

    def _linking(self, header: RecordHeader, block: BlockCheck | None, *, whole: bool = False) -> Callable[[], None]:
        """What compares the record with others, for when its gzip member is known to be whole."""
        number, offset = self._at()

        def link() -> None:
            message = block.message if block else None
            method = message.method if message else None
            digest = block.payload_digest if block and not block.payload_is_false else None
            self._links.add(number, offset, header, digest, method)
            if whole and message and message.short_bytes and not message.body_bytes:
                told = f"the body is empty, its Content-Length is {message.short_bytes}, and no WARC-Truncated says why"
                self._links.add_short(header, number, offset, told)
            if whole and self._on_record:
                end = self._packed.offset if self._gzip else self._flow.offset
                status = message.status if message else None
                self._on_record(FramedRecord(offset, end - offset, header, digest, status))

        return link

    def _header_bytes(self) -> bytes | None:
        """The header with its empty line, or None when it has no end; that is told then."""
        size = 4096
        while True:
            window = self._flow.peek(size)
            end = _HEADER_END.search(window)
            if end:
                self._flow.skip(end.end())
                return window[: end.end()]
            if len(window) >= HEADER_LIMIT_BYTES:
                self._note("header-end", f"after {HEADER_LIMIT_BYTES} bytes the header has no end")
                self._flow.skip(len(_VERSION_WORD))
                self._skip_to_record()
                return None
            if len(window) < size and not self._join_member():
                self._flow.skip(len(window))
                self._cut("the file ends inside the header of a record")
                return None
            size = min(max(size * 4, len(window) + 1), HEADER_LIMIT_BYTES)

    def _read_block(self, block: BlockCheck, length: int) -> bool:
        left = length
        while left:
            piece = self._flow.take(min(left, _PIECE_BYTES))
            if piece:
                left -= len(piece)
                block.feed(piece)
            elif not self._join_member():
                self._cut(f"the file ends inside a record: {left} of {length} bytes of its block are missing")
                return False
        return True

    def _read_end(self, length: int) -> bool:
        end = self._flow.peek(4)
        while len(end) < 4 and _END.startswith(end) and self._join_member():
            end = self._flow.peek(4)
        if end == _END:
            self._flow.skip(4)
            return True
        if self._damaged():
            return False
        if len(end) < 4 and _END.startswith(end) and not self._gzip:
            self._flow.skip(len(end))
            self._cut("the file ends before the two CRLF that end a record")
            return False
        self._forget_content()
        self._note("record-end", f"two CRLF do not follow the block after its Content-Length of {length} bytes")
        self._skip_to_record()
        return False

    def _cut(self, message: str) -> None:
        """Tell that the record is not whole, unless its gzip member is damaged: that is told instead."""
        if self._damaged():
            return
        self._forget_content()
        # a gzip member that is whole was not cut: then it is the length that is wrong
        rule = "truncated" if not self._gzip else "header-end" if "header" in message else "record-end"
        self._note(rule, message.replace("file", "gzip member") if self._gzip else message)

    def _forget_content(self) -> None:
        """Take back what was found inside a block whose end is not known."""
        self._lost = True
        self._log.forget(*(rule for rule in WARC_RULES if not rule.startswith(("http-", "warc-fields"))))

    def _join_member(self) -> bool:
        """Go on in the next gzip member, where a record was split; never into one that begins a record."""
        flow = self._gzip
        if flow is None or flow.damage or self._packed.peek(3) != GZIP_MAGIC:
            return False
        if starts_record(self._packed.peek(_LOOK_BYTES)):
            return False
        flow.join_member()
        if self._split_told != self._place.number:
            self._split_told = self._place.number
            self._note("gzip-split-record", "the record goes on in the next gzip member; cure: warcio recompress")
        return True

    # What is no record

    def _skip_unmeasured(self) -> None:
        """Behind a header without Content-Length: nothing, or what cannot be told from garbage."""
        if self._flow.peek(4) == _END:
            self._flow.skip(4)
        else:
            self._skip_to_record()

    def _skip_bytes(self) -> None:
        self._lost = True
        start, before = self._offset(), self._flow.offset
        found = self._skip_to_record()
        count = self._flow.offset - before
        if self._damaged():
            return
        more = found or (self._gzip is not None and bool(self._packed.peek(1)))
        where = "stand between two records" if more else "follow the last record"
        self._log.add("bytes-between" if more else "trailing-bytes", f"{count} bytes {where}", None, start)

    def _skip_to_record(self) -> bool:
        """Go to the next version line; False when there is none before the flow ends."""
        flow = self._flow
        while window := flow.peek(_PIECE_BYTES):
            found = _RECORD_START.search(window)
            if found:
                flow.skip(found.start())
                return True
            # a version line may begin in this window and end in the next
            flow.skip(len(window) if len(window) < _PIECE_BYTES else len(window) - _LINE_BYTES)
        return False

    # Places

    def _offset(self) -> int:
        return self._gzip.member_offset if self._gzip else self._flow.offset

    def _damaged(self) -> bool:
        return self._gzip is not None and self._gzip.damage is not None

    def _at(self) -> tuple[int, int]:
        return self._place.number, self._place.offset

    def _note(self, rule: str, message: str) -> None:
        self._log.hold(rule, message, *self._at())

    def _check_filename(self, header: RecordHeader) -> None:
        name = header.values.get("warc-filename")
        if name and self._name is not None and header.record_type == "warcinfo" and name != self._name:
            self._note("filename-other", f"the file is called {self._name}, not {name}")
