"""Old and new records side by side as one HTML page that needs nothing else, the words that differ marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any

import orjson

from reading.comparison import Change, Tally

MOST_WORDS = 3000
_WORDS = re.compile(r"\s+|[^\s]+")
_STYLE = """
:root{color-scheme:light dark;--fg:#1b1b1b;--bg:#fff;--line:#d0d0d0;--dim:#666;--out:#ffd7d5;--in:#ccf2d4;
--loud:#b00020}
@media(prefers-color-scheme:dark){:root{--fg:#e4e4e4;--bg:#161616;--line:#3c3c3c;--dim:#9a9a9a;--out:#5c2323;--in:#1f4a2b;
--loud:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;
color:var(--fg);background:var(--bg)}
table{border-collapse:collapse;width:100%;table-layout:fixed;margin-bottom:1rem}
td,th{border:1px solid var(--line);padding:.4rem .6rem;vertical-align:top;text-align:left;
overflow-wrap:anywhere;white-space:pre-wrap}
th:first-child,td:first-child{width:11rem}
del{background:var(--out);text-decoration:none}ins{background:var(--in);text-decoration:none}
h2{font-size:1.1rem;margin-top:2.5rem}.dim{color:var(--dim)}.loud{color:var(--loud);font-weight:bold}
.counts{width:auto;table-layout:auto}
"""


def side_by_side(tally: Tally) -> Iterator[str]:
    """The page in pieces: counts by field, then each change of the tally's sample; no word of what is suppressed."""
    yield from head("Re-extraction")
    yield from _counts(tally)
    for change in tally.sample:
        yield from _change(change)
    yield "</body></html>\n"


def head(title: str) -> Iterator[str]:
    """The beginning of a page that needs nothing else, up to its heading; end it with `</body></html>`."""
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    # nothing of a newsroom's text may run or be fetched here, whatever it holds
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"


def _counts(tally: Tally) -> Iterator[str]:
    likeness = "" if tally.likeness is None else f" Texts are alike by {tally.likeness:.1%} on average."
    yield f"<p>{tally.read:,} records read again, {tally.changed:,} differ.{likeness}</p>"
    if tally.lost:
        yield f'<p class="loud">{tally.lost:,} articles would lose their text.</p>'
    if tally.by_field:
        yield '<table class="counts"><tr><th>field</th><th>records</th></tr>'
        for name, count in tally.by_field.most_common():
            yield f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>"
        left_out = f" Left out, since their articles are suppressed: {tally.withheld:,}." if tally.withheld else ""
        yield f"</table><p class=dim>{len(tally.sample)} of {tally.changed:,} changes follow.{left_out}</p>"


def _change(change: Change) -> Iterator[str]:
    title = change.record.get("headline") or change.record.get("url") or ""
    yield f"<h2>{escape(str(title))}</h2>"
    yield f"<p class=dim>{escape(str(change.record.get('url')))} · {escape(change.source_id)}"
    yield f" · record {escape(str(change.record.get('id')))}</p>"
    if change.loses_text:
        yield '<p class="loud">It would lose its text.</p>'
    yield "<table><tr><th>field</th><th>old</th><th>new</th></tr>"
    for name in change.fields:
        old, new = _text(_value(change.record, name)), _text(_value(change.again, name))
        left, right = marked(old, new)
        yield f"<tr><td>{escape(name)}</td><td>{left}</td><td>{right}</td></tr>"
    yield "</table>"


def _value(record: Any, name: str) -> Any:
    for part in name.split("."):
        record = (record or {}).get(part)
    return record


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def marked(old: str, new: str) -> tuple[str, str]:
    """Both texts as safe HTML, with the words that only one of them has in `<del>` and `<ins>`."""
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    cut = max(len(left), len(right)) > MOST_WORDS
    left, right = left[:MOST_WORDS], right[:MOST_WORDS]
    one: list[str] = []
    other: list[str] = []
    for what, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        one.append(_piece(left[a:b], "" if what == "equal" else "del"))
        other.append(_piece(right[c:d], "" if what == "equal" else "ins"))
    more = " …" if cut else ""
    return "".join(one) + more, "".join(other) + more


def _piece(words: Sequence[str], tag: str) -> str:
    text = escape("".join(words))
    return f"<{tag}>{text}</{tag}>" if tag and text else text
