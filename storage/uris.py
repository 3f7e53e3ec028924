"""URIs as records name them: percent-encoded per RFC 3986, with the host in ASCII."""

from __future__ import annotations

import re

import idna

from storage.urlkeys import urlkey

__all__ = ["urlkey", "warc_target_uri"]

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
# RFC 3986, appendix B, after the scheme
_HIERARCHY = re.compile(r"(?://([^/?#]*))?([^?#]*)(\?[^#]*)?", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:.*)?", re.DOTALL)

# RFC 3986, 2 and 3: an escape is kept as it stands, anything else outside the set is escaped.
_UNRESERVED = rb"A-Za-z0-9._~\-"
_SUB_DELIMS = rb"!$&'()*+,;="
_ESCAPE = rb"%(?![0-9A-Fa-f]{2})|[^%"
_NOT_IN_PATH = re.compile(_ESCAPE + _UNRESERVED + _SUB_DELIMS + rb":@/]")
_NOT_IN_QUERY = re.compile(_ESCAPE + _UNRESERVED + _SUB_DELIMS + rb":@/?]")
_NOT_IN_HOST = re.compile(_ESCAPE + _UNRESERVED + _SUB_DELIMS + rb":\[\]]")


def warc_target_uri(url: str) -> str:
    """The URI that a request for `url` names, fit for WARC-Target-URI: ASCII, never encoded twice.

    Left out is what no request line carries: the fragment and user information. An IDN host becomes punycode
    by UTS 46, as the fetcher asks the DNS for it. Escapes stay as they are (ISO 28500:2017, 5.14).
    """
    text = re.sub(r"[\t\r\n]", "", url.strip(" \t\r\n\f\v"))
    found = _SCHEME.fullmatch(text)
    if not found:
        return _escaped(text.partition("#")[0], _NOT_IN_QUERY)
    scheme = found[1].lower()
    parts = _HIERARCHY.match(found[2])
    authority, path, query = parts.groups() if parts else (None, found[2], None)
    place = "" if authority is None else f"//{_authority(authority)}"
    if place and not path and scheme in ("http", "https"):
        path = "/"
    return f"{scheme}:{place}{_escaped(path, _NOT_IN_PATH)}{_escaped(query or '', _NOT_IN_QUERY)}"


def _authority(authority: str) -> str:
    found = _HOST_AND_PORT.fullmatch(authority.rpartition("@")[2])
    host, port = (found[1], found[2] or "") if found else (authority, "")
    return _escaped(_ascii_host(host).lower() + port, _NOT_IN_HOST)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        pass
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _escaped(text: str, refused: re.Pattern[bytes]) -> str:
    octets = text.encode("utf-8", "surrogatepass")
    return refused.sub(lambda found: b"%%%02X" % found[0][0], octets).decode("ascii")
