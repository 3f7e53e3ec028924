"""An article cited: as BibTeX (biblatex's `online`) and as CSL-JSON, both with where its bytes are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reading.wording import plain

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def bibtex(record: Mapping[str, Any], source_name: str) -> str:
    """The record as an entry of a BibTeX file; what it does not say is left out."""
    fields = {
        "title": _tex(record.get("headline") or record["url"]),
        "author": " and ".join("{" + _tex(name) + "}" for name in _names(record)),
        "date": _tex((record.get("datePublished") or "")[:10]),
        "journaltitle": _tex(source_name),
        "langid": _tex(record.get("inLanguage") or ""),
        "url": _bare(record.get("canonicalUrl") or record["url"]),
        "urldate": _captured(record)[:10],
        "note": _tex(_kept(record)),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@online{{newsark-{record['id'][:12]},\n" + ",\n".join(lines) + "\n}\n"


def csl(record: Mapping[str, Any], source_name: str) -> dict[str, Any]:
    """The record as an item of CSL-JSON 1.0, which Zotero and its like read."""
    facts = {
        "id": f"newsark-{record['id'][:12]}",
        "type": "article-newspaper",
        "title": record.get("headline"),
        "author": [{"literal": name} for name in _names(record)],
        "container-title": source_name,
        "issued": _date_parts(record.get("datePublished")),
        "accessed": _date_parts(_captured(record)),
        "language": record.get("inLanguage"),
        "URL": record.get("canonicalUrl") or record["url"],
        "abstract": record.get("description"),
        "archive": "Newsark",
        "archive_location": _kept(record),
    }
    return {name: value for name, value in facts.items() if value}


def _names(record: Mapping[str, Any]) -> list[str]:
    return [author["name"] for author in record.get("author") or () if author.get("name")]


def _captured(record: Mapping[str, Any]) -> str:
    return str((record.get("archive") or {}).get("date") or (record.get("metadata") or {}).get("dateDownloaded") or "")


def _kept(record: Mapping[str, Any]) -> str:
    """Where the bytes are, for whoever has the archive."""
    archive = record.get("archive")
    if not archive:
        return f"record {record['id']}"
    return (
        f"captured {_captured(record)}, WARC record {archive['recordId']}, {archive.get('payloadDigest') or ''}".rstrip(
            ", "
        )
    )


def _date_parts(date: str | None) -> dict[str, Any] | None:
    found = _DATE.match(date or "")
    return {"date-parts": [[int(part) for part in found.groups() if part]]} if found else None


def _tex(text: str) -> str:
    """The text with what TeX would take for a command as signs, on one line."""
    return "".join(_TEX.get(sign, sign) for sign in " ".join(plain(text).split()))


def _bare(url: str) -> str:
    """The address with what would end its field encoded."""
    return plain(url).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C").replace("\n", "")
