"""Step 8, record: what was read, with where its bytes are and how it was found, as one JSON line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipelines.article import SCHEMA_VERSION, ArticleRecord
from pipelines.compare import Verdict
from pipelines.likeness import Sketch
from pipelines.reading import EXTRACTOR, Reading, extractor_version
from storage.capture import Capture
from storage.timestamps import warc_date
from storage.uris import urlkey

if TYPE_CHECKING:
    from collections.abc import Sequence

ID_HEX_DIGITS = 32
_METHODS = {"news-sitemap": "sitemap", "discovery": "seed", "command line": "seed"}


def build_record(
    reading: Reading,
    *,
    capture: Capture | None = None,
    requested_url: str | None = None,
    found: Mapping[str, str] | None = None,
    verdict: Verdict | None = None,
    tls_verified: bool | None = None,
    record_id: str | None = None,
    browser: str | None = None,
    sketch: Sketch | None = None,
) -> ArticleRecord:
    """The record of a reading.

    `capture` is where the bytes are, `found` how the address became known (`via`, `method`, `title`, `published`,
    `firstSeen`), `verdict` the comparison, `browser` what made the document that was read, if one did, `sketch` that
    of the article where it is known. Without a capture the record has no archive and no version. Without a `record_id`
    the id is made from the capture, the extractor and the content, so that reading again gives it again.
    """
    content = dict(reading.article) if reading.article is not None else _nothing_read(reading)
    metadata = dict(content["metadata"])
    if capture is not None:
        metadata["dateDownloaded"] = warc_date(capture.date)
    sketch = sketch or Sketch.of(content)
    digest = sketch.digest if content.get("articleBody") else None
    content |= {
        "id": record_id or _record_id(capture, reading.url, metadata["extractorVersion"], digest),
        "urlkey": urlkey(article_url(reading.url, reading.canonical)) if reading.url else "",
        "requestedUrl": requested_url if requested_url != reading.url else None,
        "metadata": metadata,
        "discovery": _discovery(found) if found else None,
        "archive": _archive(capture, tls_verified, browser) if capture is not None else None,
        "version": verdict.version if verdict else None,
        "previousVersion": verdict.previous.record_id if verdict and verdict.previous else None,
        "contentDigest": digest,
        "fingerprint": sketch.fingerprint,
    }
    return ArticleRecord.model_validate(content)


def record_line(record: ArticleRecord) -> bytes:
    """The record as one line of JSON with its line feed."""
    return record.line()


def article_url(url: str, canonical: str | None) -> str:
    """The address that names the article: the canonical one, unless that is another site's or the home page.

    Some sites call their home page the canonical address of everything.
    """
    if canonical is None:
        return url
    try:
        own, named = urlsplit(url), urlsplit(canonical)
    except ValueError:
        return url
    here, there = ((parts.hostname or "").removeprefix("www.") for parts in (own, named))
    is_home = named.path in ("", "/") and not named.query and own.path not in ("", "/")
    is_same_site = here == there or here.endswith(f".{there}") or there.endswith(f".{here}")
    return canonical if is_same_site and not is_home else url


def _nothing_read(reading: Reading) -> dict[str, Any]:
    metadata = {
        "extractor": EXTRACTOR,
        "extractorVersion": extractor_version(),
        "schemaVersion": SCHEMA_VERSION,
        "judgement": reading.kind,
        "reason": reading.reason,
        "evidence": list(reading.evidence),
    }
    return {"type": "WebPage", "url": reading.url, "metadata": metadata}


def _record_id(capture: Capture | None, url: str, version: str, digest: str | None) -> str:
    parts: Sequence[str] = (capture.record_id if capture else url, version, digest or "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:ID_HEX_DIGITS]


def _discovery(found: Mapping[str, str]) -> dict[str, str | None]:
    method = found.get("method", "seed")
    return {
        "method": _METHODS.get(method, method),
        "via": found.get("via"),
        "title": found.get("title"),
        "published": found.get("published"),
        "author": found.get("author"),
        "description": found.get("description"),
        "firstSeen": found.get("firstSeen"),
    }


def _archive(capture: Capture, tls_verified: bool | None, browser: str | None) -> dict[str, Any]:
    return {
        "filename": capture.key,
        "offset": capture.offset,
        "length": capture.length,
        "recordId": capture.record_id,
        "payloadDigest": capture.payload_digest,
        "status": capture.status,
        "mime": capture.mime,
        "date": warc_date(capture.date),
        "ipAddress": capture.ip_address,
        "protocol": capture.protocol,
        "refersTo": capture.refers_to,
        "truncated": capture.truncated,
        "tlsVerified": tls_verified,
        "browser": browser,
    }
