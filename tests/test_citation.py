"""Citations: BibTeX that TeX can read and CSL-JSON that Zotero can."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reading.citation import bibtex, csl

RECORD: dict[str, Any] = {
    "id": "0123456789abcdef0123456789abcdef",
    "url": "https://paper.example/a_b?x=1&y={2}",
    "canonicalUrl": None,
    "headline": "50 % of {bridges} & tunnels cost $3_000",
    "author": [{"name": "Ada Brook"}, {"name": "The Desk"}],
    "datePublished": "2026-03-10T08:00:00+01:00",
    "inLanguage": "en",
    "description": "What it costs.",
    "archive": {"date": "2026-03-11T09:00:00Z", "recordId": "<urn:uuid:1>", "payloadDigest": "sha256:aa"},
}


def test_bibtex_is_an_entry_with_where_the_bytes_are() -> None:
    assert bibtex(RECORD, "The Paper") == (
        "@online{newsark-0123456789ab,\n"
        r"  title = {50 \% of \{bridges\} \& tunnels cost \$3\_000}," + "\n"
        "  author = {{Ada Brook} and {The Desk}},\n"
        "  date = {2026-03-10},\n"
        "  journaltitle = {The Paper},\n"
        "  langid = {en},\n"
        "  url = {https://paper.example/a_b?x=1&y=%7B2%7D},\n"
        "  urldate = {2026-03-11},\n"
        "  note = {captured 2026-03-11T09:00:00Z, WARC record <urn:uuid:1>, sha256:aa}\n"
        "}\n"
    )


def test_csl_has_parts_of_dates() -> None:
    item = csl(RECORD, "The Paper")
    assert item["issued"] == {"date-parts": [[2026, 3, 10]]}
    assert item["accessed"] == {"date-parts": [[2026, 3, 11]]}
    assert item["author"] == [{"literal": "Ada Brook"}, {"literal": "The Desk"}]
    assert item["type"] == "article-newspaper"


def test_what_a_record_lacks_is_left_out() -> None:
    bare = {"id": "0" * 32, "url": "https://paper.example/", "metadata": {"dateDownloaded": "2026-03-11T09:00:00Z"}}
    assert "author" not in bibtex(bare, "P")
    older = {**bare, "author": [{"url": "/a"}], "archive": {"recordId": "<urn:uuid:1>"}}
    assert "captured 2026-03-11T09:00:00Z" in bibtex(older, "P")
    assert "author" not in csl(older, "P")
    assert "issued" not in csl(bare, "P")


@given(st.text(max_size=60), st.text(max_size=30))
def test_whatever_is_in_a_headline_the_entry_has_its_braces(headline: str, name: str) -> None:
    hostile = {"inLanguage": name, "datePublished": headline, "canonicalUrl": f"https://paper.example/{headline}"}
    entry = bibtex({**RECORD, **hostile, "headline": headline, "author": [{"name": name}]}, "P")
    unescaped = entry.replace(r"\{", "").replace(r"\}", "")
    assert unescaped.count("{") == unescaped.count("}")
    assert len(entry.splitlines()) <= len(bibtex(RECORD, "P").splitlines())
