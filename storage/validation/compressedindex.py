"""The .idx of a compressed CDXJ index, held to the blocks that it leads to, as replay software reads them."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import orjson

from storage.validation.waczindex import LINE_LIMIT_BYTES, Tell, number_of


def check_idx(idx: Iterable[tuple[int, bytes]], entries: dict[str, Callable[[], BinaryIO]], tell: Tell) -> None:
    """Hold the lines of an .idx to the compressed index that its `!meta` line names.

    `entries` opens the files of the package by name. Replay looks for `indexes/` with the name in `!meta`: when
    that is wrong nothing is found, and no other checker sees it.
    """
    packed: BinaryIO | None = None
    last, end = b"", 0
    for number, (offset, line) in enumerate(idx, 1):
        if line < last:
            tell("index-sorted", f"line {number} stands before the line above it", None, offset)
        last = line
        if number == 1:
            packed = _compressed_index(line, entries, tell)
            if packed is None:
                return
            continue
        parsed = _idx_line(line)
        if parsed is None:
            tell("index-line", f"line {number} is no line of an .idx", None, offset)
            continue
        key, facts = parsed
        assert packed is not None
        begin, length = facts["offset"], facts["length"]
        problem = _block_problem(packed, key, begin, length, facts.get("digest"))
        if problem or begin != end:
            gap = f"the blocks before it end at {end}, not {begin}"
            tell("index-block", f"line {number}: {problem or gap}", None, offset)
        end = begin + length
    if packed is None:
        tell("index-meta", "the .idx is empty", None, 0)
    elif packed.seek(0, 2) != end:
        tell("index-block", f"its blocks end at {end}, the compressed index at {packed.tell()}", None, None)


def _compressed_index(line: bytes, entries: dict[str, Callable[[], BinaryIO]], tell: Tell) -> BinaryIO | None:
    word, _, text = line.partition(b" {")
    try:
        facts = orjson.loads(b"{" + text)
    except ValueError:
        facts = None
    if not word.startswith(b"!meta") or not isinstance(facts, dict):
        tell("index-meta", "the first line is no !meta line with a JSON object", None, 0)
        return None
    if facts.get("format") != "cdxj-gzip-1.0":
        tell("index-meta", f"the format is {facts.get('format')!r}, not cdxj-gzip-1.0", None, 0)
    name = f"indexes/{facts.get('filename')}"
    if name not in entries:
        tell("index-meta", f"it names {facts.get('filename')!r}, and there is no {name}", None, 0)
        return None
    return entries[name]()


def _idx_line(line: bytes) -> tuple[bytes, dict[str, Any]] | None:
    found = re.fullmatch(rb"(\S+ [0-9]{14,17}|\S+) (\{.*\})", line, re.DOTALL)
    try:
        facts = orjson.loads(found[2]) if found else None
    except ValueError:
        return None
    if not found or not isinstance(facts, dict):
        return None
    numbers = (facts.get("offset"), facts.get("length"))
    numeric = all(isinstance(number, int) and number_of(number) is not None for number in numbers)
    return (found[1], facts) if numeric else None


def _block_problem(packed: BinaryIO, key: bytes, offset: int, length: int, digest: object) -> str | None:
    packed.seek(offset)
    data = packed.read(min(length, LINE_LIMIT_BYTES))
    inflater = zlib.decompressobj(31)
    try:
        unpacked = inflater.decompress(data, LINE_LIMIT_BYTES)
    except zlib.error as error:
        return f"no gzip block stands at offset {offset}: {error}"
    if not inflater.eof or inflater.unused_data or len(data) != length:
        return f"the gzip block at offset {offset} has not {length} bytes"
    if not unpacked.startswith(key + b" "):
        return f"the block at offset {offset} does not begin with its key"
    known = isinstance(digest, str) and digest.startswith("sha256:")
    if known and digest != "sha256:" + hashlib.sha256(data).hexdigest():
        return f"the block at offset {offset} has another digest"
    return None
