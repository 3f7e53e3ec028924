"""The sort key of a URL in CDXJ indexes: SURT over the canonical form that pywb looks pages up by.

The rules are those of iipc/webarchive-commons (BasicURLCanonicalizer, IAURLCanonicalizer,
URLRegexTransformer) as pywb applies them. They are written out here because the `surt` package asks the DNS
about numeric hosts and stands under the AGPL; the tests compare the two.
"""

from __future__ import annotations

import re
import socket
import struct
from contextlib import suppress
from urllib.parse import unquote_to_bytes

_SCHEME = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]*:")
_REPEATED_SCHEME = re.compile(rb"^(https?://)+")
# RFC 3986, appendix B
_PARTS = re.compile(rb"^([a-zA-Z][a-zA-Z0-9+.-]*):(//([^/?#]*))?([^?#]*)(\?([^#]*))?(#.*)?$", re.DOTALL)
_ESCAPED = re.compile(rb'[^!"$&-~]')
_DOTTED_NUMBER = re.compile(rb"0[0-7]*(\.[0-7]+){0,3}|[1-9][0-9]*(\.[0-9]+){0,3}")
_WWW = re.compile(rb"www[0-9]*\.")
_PORT_OF = {b"http": 80, b"https": 443}
_PATH_SESSIONS = (
    re.compile(rb"^(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
    re.compile(rb"^(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
)
_QUERY_SESSIONS = tuple(
    re.compile(rb"^(.*)(?:" + session + rb")(?:&(.*))?$", re.IGNORECASE)
    for session in (
        rb"jsessionid=[0-9a-z]{32}",
        rb"phpsessid=[0-9a-z]{32}",
        rb"sid=[0-9a-z]{32}",
        rb"ASPSESSIONID[a-z]{8}=[a-z]{24}",
        rb"cfid=[^&]+&cftoken=[^&]+",
    )
)


def urlkey(url: str) -> str:
    """The SURT key of a URL, such as `com,example)/news?a=1`; equal keys are one page to replay tools.

    A port that is no number is left out; everything else answers as pywb does.
    """
    text = re.sub(rb"[\n\r\t]", b"", url.encode("utf-8", "surrogatepass").strip())
    if not text:
        return "-"
    if text.startswith(b"filedesc"):
        return text.decode("utf-8", "replace")
    if not _SCHEME.match(text):
        text = b"http://" + text
    text = _REPEATED_SCHEME.sub(lambda found: found[1], text)
    found = _PARTS.match(text)
    if found is None:
        return text.decode("utf-8", "replace")
    scheme, authority, path, query = found[1], found[3] or b"", found[4], found[6]
    host, port = _host_and_port(authority)
    if not host and path and scheme.startswith(b"http"):
        host, _, path = path.lstrip(b"/").partition(b"/")
        path = b"/" + path
    host = _canonical_host(host)
    path = _canonical_path(path, rooted=bool(host))
    query = _canonical_query(query)
    return (_surt(scheme, host, port) + (path or (query and b"/")) + query).decode("ascii")


def _host_and_port(authority: bytes) -> tuple[bytes, int | None]:
    if authority.endswith(b":"):
        authority = authority.rstrip(b":")
    place = authority.rpartition(b"@")[2]
    if place.startswith(b"[") and b"]" in place:
        host, _, rest = place[1:].partition(b"]")
        port = rest.partition(b":")[2]
    else:
        host, _, port = place.partition(b":")
    number = int(port) if re.fullmatch(rb"0*[0-9]{1,5}", port[:64]) else 0
    return host.lower(), number if 0 < number <= 65535 else None


def _canonical_host(host: bytes) -> bytes:
    if not host:
        return b""
    host = _unescaped(host)
    if not host.isascii():
        # pywb's rule is IDNA 2003; a WARC-Target-URI has its host in ASCII already
        with suppress(UnicodeError):
            host = host.decode("utf-8", "ignore").encode("idna")
    host = host.replace(b"..", b".").strip(b".")
    host = _ip_address(host) or _escaped(host.lower()).lower()
    return _WWW.sub(b"", host, count=1) if _WWW.match(host) else host


def _ip_address(host: bytes) -> bytes | None:
    if host.isdigit() and len(host) < 256:
        return socket.inet_ntoa(struct.pack(">L", int(host) & 0xFFFFFFFF)).encode("ascii")
    if not _DOTTED_NUMBER.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host.decode("ascii"))).encode("ascii")
    except OSError:
        return None


def _surt(scheme: bytes, host: bytes, port: int | None) -> bytes:
    if not host:
        return scheme + b":"
    shown = b"" if port in (None, _PORT_OF.get(scheme.lower())) else b":%d" % port
    return b",".join(reversed(host.split(b"."))) + shown + b")"


def _canonical_path(path: bytes, *, rooted: bool) -> bytes:
    path = _unescaped(path)
    if rooted:  # what follows urn: or mailto: is not a hierarchy
        path = _without_dots(path)
    path = _escaped(path).lower()
    for session in _PATH_SESSIONS:
        if found := session.match(path):
            path = found[1] + found[2]
    return path[:-1] if len(path) > 1 and path.endswith(b"/") else path


def _without_dots(path: bytes) -> bytes:
    kept: list[bytes] = []
    for part in path.split(b"/")[1:]:
        if part == b"..":
            if kept:
                kept.pop()
            else:
                kept.append(part)
        elif part != b".":
            kept.append(part)
    return b"/" + b"".join(part + b"/" for part in kept[:-1] if part) + (kept[-1] if kept else b"")


def _canonical_query(query: bytes | None) -> bytes:
    if not query:
        return b""
    query = _escaped(_unescaped(query))
    for session in _QUERY_SESSIONS:
        if found := session.match(query):
            query = found[1] + (found[2] or b"")
    query = query.lower()
    if len(query) > 1:
        arguments = sorted(tuple(argument.split(b"=", 1)) for argument in query.split(b"&"))
        query = b"&".join(b"=".join(argument) for argument in arguments)
    return b"?" + query if query else b""


def _unescaped(text: bytes) -> bytes:
    while b"%" in text and (plain := unquote_to_bytes(text)) != text:
        text = plain
    return text


def _escaped(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: b"%%%02X" % found[0][0], text)
