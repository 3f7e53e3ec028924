"""Names of TLS versions and cipher suites as records write them, from those OpenSSL gives."""

from __future__ import annotations

import re

# OpenSSL names TLS 1.2 suites its own way; records want IANA's names. These are those it offers by default.
_IANA = {
    f"{exchange}-{cipher}": f"TLS_{exchange.replace('-', '_')}_WITH_{name}"
    for exchange in ("ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA")
    for cipher, name in (
        ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
        ("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
        ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256"),
        ("AES256-SHA384", "AES_256_CBC_SHA384"),
        ("AES256-SHA256", "AES_256_CBC_SHA256"),
        ("AES128-SHA256", "AES_128_CBC_SHA256"),
        ("AES256-SHA", "AES_256_CBC_SHA"),
        ("AES128-SHA", "AES_128_CBC_SHA"),
    )
} | {
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-SHA256": "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "AES128-SHA256": "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "AES256-SHA": "TLS_RSA_WITH_AES_256_CBC_SHA",
    "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
}


def tls_protocol(version: str) -> str | None:
    """`TLSv1.3` as WARC-Protocol has it, `tls/1.3` (warc-specifications #42), or None for an unknown word."""
    found = re.fullmatch(r"TLSv1(?:\.([0-3]))?", version)
    return f"tls/1.{found[1] or 0}" if found else None


def iana_cipher_suite(cipher: str) -> str | None:
    """The suite's IANA name for WARC-Cipher-Suite (warc-specifications #86), or None when it is not known."""
    return cipher if re.fullmatch(r"TLS_[A-Z0-9_]+", cipher) else _IANA.get(cipher)


def http_protocol(version: str) -> str | None:
    """`HTTP/1.1` or `HTTP/2` as WARC-Protocol has it, `http/1.1` or `h2`, or None for an unknown word."""
    words = {
        "HTTP/0.9": "http/0.9",
        "HTTP/1.0": "http/1.0",
        "HTTP/1.1": "http/1.1",
        "HTTP/2": "h2",
        "HTTP/2.0": "h2",
        "HTTP/3": "h3",
        "HTTP/3.0": "h3",
    }
    return words.get(version.upper())
