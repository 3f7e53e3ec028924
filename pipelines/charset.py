"""Text from a page's bytes, and which witness named the encoding (WHATWG Encoding and HTML, 13.2.3)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

import webencodings
from charset_normalizer import from_bytes

META_WINDOW_BYTES = 4096
"""Browsers look at 1024 bytes; news pages put their charset behind comments and scripts."""

SAMPLE_BYTES = 1 << 14
"""How much of an undeclared page is shown to the detector: its cost grows with the sample."""

SOUND_PER_BROKEN = 20
"""How many sound characters beside one broken one still make a page UTF-8."""

LEGACY = [
    *("cp1251", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *(
        "koi8_r",
        "iso8859_2",
        "shift_jis",
        "cp932",
        "euc_jp",
        "iso2022_jp",
        "gb18030",
        "big5",
        "euc_kr",
        "cp949",
    ),
]
"""The legacy encodings that pages still come in; charset_normalizer would also guess at a hundred others."""

BY_LANGUAGE = {
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "nn", "no", "fi", "is"), "cp1252"),
    **dict.fromkeys(("tr", "az"), "cp1254"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
}
"""HTML 13.2.3.2, without the languages that have several legacy encodings in use."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{0,400}?charset\s*=\s*["']?\s*([a-z0-9_.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([a-z0-9_.:-]{2,40})""", re.IGNORECASE)
_LANG = re.compile(rb"""<html[^>]{0,400}?\slang\s*=\s*["']?([a-z]{2})\b""", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as characters: `encoding` is the codec that read it, `witness` who named it.

    The witness is one of `bom`, `header`, `meta`, `utf-8` (valid as such, whatever was declared), `lang`,
    `detected`, or
    `replaced` when no codec reads all of it and some characters are U+FFFD.
    """

    text: str
    encoding: str
    witness: str


def page_text(data: bytes, content_type: str | None = None) -> PageText:
    """The page's characters. A declared encoding is believed only when the bytes are valid in it.

    Never raises. Order: byte order mark, UTF-8 that proves itself, the Content-Type header, the page's own
    meta element, UTF-8 with few broken characters, the language the page names, detection on a sample,
    and last the reading that loses the fewest characters.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return PageText(data[len(mark) :].decode(encoding, "replace"), encoding, "bom")
    declared = list(_declared(data, content_type))
    proven = _as_utf8(data, declared)
    if proven is not None:
        return proven
    for witness, encoding in declared:
        text = _strictly(data, encoding)
        if text is not None:
            return PageText(text, encoding, witness)
    return _mostly_utf8(data) or _by_language(data) or _detected(data) or _repaired(data, declared)


def _declared(data: bytes, content_type: str | None) -> Iterator[tuple[str, str]]:
    """What the header and the page say, as codec names that Python knows."""
    found = [("header", _header_charset(content_type))]
    match = _XML.search(data[:256]) or _META.search(data[:META_WINDOW_BYTES])
    found.append(("meta", match.group(1).decode("ascii") if match else None))
    for witness, label in found:
        codec = webencodings.lookup(label) if label else None
        if codec is not None:
            yield witness, codec.codec_info.name


def _header_charset(content_type: str | None) -> str | None:
    if not content_type or "charset" not in content_type.lower():
        return None
    message = Message()
    message["Content-Type"] = content_type
    charset = message.get_param("charset")
    return charset.strip("\"' ") if isinstance(charset, str) else None


def _as_utf8(data: bytes, declared: list[tuple[str, str]]) -> PageText | None:
    """UTF-8 when the bytes prove it: text of another encoding is hardly ever valid UTF-8 by chance."""
    encoding = declared[0][1] if declared else "utf-8"
    if encoding != "utf-8" and data.isascii():
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    witness = next((who for who, name in declared if name == "utf-8"), "utf-8")
    return PageText(text, "utf-8", witness)


def _strictly(data: bytes, encoding: str) -> str | None:
    """The text, or None when the bytes are not valid in `encoding` or give control characters."""
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if _CONTROLS.search(text) else text


def _mostly_utf8(data: bytes) -> PageText | None:
    """UTF-8 with a few broken characters, as a cut comment or a pasted byte leaves them in an honest page."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - broken
    return PageText(text, "utf-8", "replaced") if sound > SOUND_PER_BROKEN * broken else None


def _by_language(data: bytes) -> PageText | None:
    """What browsers assume for the language the page names, where only one legacy encoding is likely."""
    match = _LANG.search(data[:META_WINDOW_BYTES])
    encoding = BY_LANGUAGE.get(match.group(1).decode("ascii").lower()) if match else None
    text = _strictly(data, encoding) if encoding else None
    return PageText(text, encoding, "lang") if text is not None and encoding else None


def _detected(data: bytes) -> PageText | None:
    """What charset_normalizer makes of the passages that are not ASCII."""
    best = from_bytes(_telling_sample(data), cp_isolation=LEGACY, threshold=0.3).best()
    if best is None:
        return None
    encoding = codecs.lookup(best.encoding).name
    try:
        return PageText(data.decode(encoding), encoding, "detected")
    except UnicodeDecodeError:
        return None


def _telling_sample(data: bytes) -> bytes:
    """The lines that hold bytes above 127, up to the sample size: markup and scripts tell nothing."""
    if len(data) <= SAMPLE_BYTES:
        return data
    sample = bytearray()
    for line in re.finditer(rb"[^\n<>]{0,200}[\x80-\xff][^\n<>]{0,200}", data):
        sample += line.group() + b"\n"
        if len(sample) >= SAMPLE_BYTES:
            break
    return bytes(sample[:SAMPLE_BYTES])


def _repaired(data: bytes, declared: list[tuple[str, str]]) -> PageText:
    """The reading with the fewest lost characters among what was declared and UTF-8."""
    candidates = dict.fromkeys([name for _, name in declared] + ["utf-8"])
    readings = [(data.decode(name, "replace"), name) for name in candidates]
    text, encoding = min(readings, key=lambda reading: reading[0].count("�"))
    return PageText(text, encoding, "replaced")
