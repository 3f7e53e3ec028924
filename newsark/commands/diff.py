"""`newsark diff`: what changed between two versions of an article."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from newsark.commands.show import article_history
from newsark.console import err, out, plain, print_json, say, say_line
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption, JsonOption
from storage.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reading.worddiff import Word

Record = dict[str, Any]
_STYLES = {"gone": "red strike", "new": "green underline", "same": ""}
_MARKS = {"gone": ("[-", "-]"), "new": ("{+", "+}"), "same": ("", "")}
_TAGS = {"gone": "del", "new": "ins"}


def diff(
    article: Annotated[str, typer.Argument(metavar="URL|ID", help="The article's URL or a record's id.")],
    old: Annotated[
        int | None, typer.Argument(metavar="V1", help="The earlier version; the last but one without it.")
    ] = None,
    new: Annotated[int | None, typer.Argument(metavar="V2", help="The later version; the last without it.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page instead that needs nothing else.")
    ] = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Show what changed between two versions: fields, then paragraphs, word by word.

    In a pipe, words that went stand in [-…-], words that came in {+…+}.
    """
    with Home.here(archive=archive, endpoint_url=endpoint_url).archive(is_public=True) as opened:
        records = article_history(opened, article).records
    before, after = _chosen(records, old, new)
    if json:
        from reading.worddiff import difference

        print_json(difference(before, after))
    elif html is not None:
        html.write_text("\n".join(_page(before, after)) + "\n", encoding="utf-8", errors="replace")
        say(f"Wrote {html}", to=err)
    else:
        _print(before, after)


def _chosen(records: list[Record], old: int | None, new: int | None) -> tuple[Record, Record]:
    """The two records. Raises WrongUse for a version that is not there, or when there is only one."""
    by_number = {record["version"]: record for record in records}
    numbers = [record["version"] for record in records]
    if len(records) < 2:
        raise WrongUse("the article has one version only: no change of it was seen")
    for number in (old, new):
        if number is not None and number not in by_number:
            raise WrongUse(f"there is no version {number}; there are {', '.join(map(str, numbers))}")
    later = new if new is not None else numbers[-1] if old != numbers[-1] else old
    earlier = old if old is not None else numbers[max(0, numbers.index(later) - 1)]
    return by_number[earlier], by_number[later]


def _print(before: Record, after: Record) -> None:
    from reading.worddiff import fields_between, paragraphs_between, words_between

    say(after.get("headline") or "(no headline)", "bold")
    say_line(after.get("canonicalUrl") or after["url"], "dim")
    say_line(f"version {before['version']} of {_date(before)} → version {after['version']} of {_date(after)}", "dim")
    fields = fields_between(before, after)
    for name, (was, now) in fields.items():
        say()
        say(_shown(words_between(was, now), f"{name}: "))
    changes = list(paragraphs_between(_body(before), _body(after)))
    for one in changes:
        say()
        say(_shown(one.words, f"¶ {one.place}  "))
    if not fields and not changes:
        say("They do not differ in what readers see.")


def _shown(words: Iterable[Word], label: str) -> Text:
    text = Text(label, "dim")
    for kind, part in words:
        first, last = _MARKS[kind] if not out.is_terminal else ("", "")
        text.append(f"{first}{plain(part)}{last}", _STYLES[kind] or "not dim")
    return text


def _page(before: Record, after: Record) -> Iterable[str]:
    from reading.sidebyside import head
    from reading.worddiff import fields_between, paragraphs_between, words_between

    yield from head(str(after.get("headline") or after["url"]))
    yield f"<p class=dim>{escape(after.get('canonicalUrl') or after['url'])}<br>version {before['version']} of"
    yield f"{escape(_date(before))} → version {after['version']} of {escape(_date(after))}</p><table>"
    for name, (was, now) in fields_between(before, after).items():
        yield f"<tr><th scope=row>{escape(name)}</th><td>{_marked(words_between(was, now))}</td></tr>"
    for one in paragraphs_between(_body(before), _body(after)):
        yield f"<tr><th scope=row>paragraph {one.place}</th><td>{_marked(one.words)}</td></tr>"
    yield "</table></body></html>"


def _marked(words: Iterable[Word]) -> str:
    tags = ((_TAGS.get(kind), escape(text)) for kind, text in words)
    return "".join(f"<{tag}>{text}</{tag}>" if tag else text for tag, text in tags)


def _date(record: Record) -> str:
    return str((record.get("archive") or {}).get("date") or "an unknown date")


def _body(record: Record) -> str:
    return record.get("articleBody") or ""
