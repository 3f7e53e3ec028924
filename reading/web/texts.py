"""From facts to HTML: the templates, and how texts of others, moments and numbers are put into them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup, escape

from reading.wording import counted, human_bytes, plain

MOST_SIGNS = 400
"""What is shown of a line that somebody else wrote; a headline of ten megabytes is no reason for a page of ten."""


def told(text: object, most: int = MOST_SIGNS) -> str:
    """Somebody else's text as it may stand on a page: nothing in it turns the text around it, and it has an end."""
    shown = plain("" if text is None else str(text))
    return shown if len(shown) <= most else shown[:most].rstrip() + "…"


def marked(pieces: list[tuple[bool, str]], most: int = MOST_SIGNS) -> Markup:
    """Pieces of a text as HTML, those that were searched for in `<mark>`."""
    found, left = Markup(""), most
    for is_marked, text in pieces:
        part = escape(told(text, left))
        found += Markup("<mark>{}</mark>").format(part) if is_marked else part
        left -= len(text)
        if left <= 0:
            break
    return found


def weblink(url: str | None) -> str | None:
    """The address when it is one of the web, which alone may become a link."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def day(moment: str | datetime | None) -> str:
    """The day of a moment, as it was given."""
    return (moment.isoformat() if isinstance(moment, datetime) else moment or "")[:10]


def minute(moment: str | datetime | None) -> str:
    """The minute of a moment, as it was given: `2026-11-24 08:30`."""
    return (moment.isoformat() if isinstance(moment, datetime) else moment or "")[:16].replace("T", " ")


def query(values: Mapping[str, Any], **changed: Any) -> str:
    """The query of an address with some values changed; what is None, empty or the usual is left out."""
    every = {**values, **changed}
    return "?" + urlencode(
        {name: value for name, value in every.items() if value not in (None, "", [], ())}, doseq=True
    )


def toggled(asked: Any, name: str, value: str) -> str:
    """The query of a search with a value of a filter chosen, or without it where it was."""
    before = getattr(asked, name)
    if isinstance(before, tuple):
        changed: Any = [one for one in before if one != value] if value in before else [*before, value]
    else:
        changed = None if before == value else value
    return query(asked.as_query(), **{name: changed})


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("reading.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # a record of an older schema lacks fields that a template asks for
        undefined=ChainableUndefined,
    )
    made.filters |= {
        "told": told,
        "marked": marked,
        "weblink": weblink,
        "day": day,
        "minute": minute,
        "size": human_bytes,
        "counted": counted,
    }
    made.globals |= {"query": query, "toggled": toggled}
    return made


_TEMPLATES = _environment()


def rendered(template: str, **values: Any) -> str:
    """The HTML of a template."""
    return _TEMPLATES.get_template(template).render(**values)
