"""The search page: words, filters with how many each would give, and the articles, the best first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Query

from reading.exports.selection import STATES, Selection
from reading.search import Found, Search, search
from reading.web.facts import ArticleLine, Facts
from reading.web.pace import Searching
from reading.web.room import TheRoom
from storage.errors import BadQuery

PER_PAGE = 20
PUBLISHED = r"^(\d{4}(-\d{2}(-\d{2})?)?)?$"
MOST_PAGES = 500
SHOWN_FACETS = 12
State = Literal[STATES]  # type: ignore[valid-type]  # the words stand in one place


class Asked(Facts):
    """What is searched for, as the form has it; what is empty asks for all."""

    q: str = ""
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    state: str = ""
    published: str = ""
    since: str = ""
    until: str = ""
    versions: str = "latest"
    sort: str = "relevance"

    def as_query(self) -> dict[str, Any]:
        """The form's fields that are not as they always are."""
        told = self.model_dump()
        usual = {"versions": "latest", "sort": "relevance"}
        return {name: value for name, value in told.items() if value and value != usual.get(name)}


def asked(
    q: Annotated[str, Query(max_length=1000, description='Words, "phrases", OR, -without, begin*, title:word.')] = "",
    source: Annotated[list[str] | None, Query(description="Only these sources, by id.")] = None,
    language: Annotated[list[str] | None, Query(description="Only in these languages, such as ru.")] = None,
    state: Annotated[State | Literal[""], Query(description="What the last visit found.")] = "",
    published: Annotated[str, Query(pattern=PUBLISHED, description="Published in that year, month, on that day.")] = "",
    since: Annotated[date | Literal[""], Query(description="Captured on that day or later.")] = "",
    until: Annotated[date | Literal[""], Query(description="Captured on that day or before.")] = "",
    versions: Annotated[Literal["latest", "all"], Query(description="Which versions of an article.")] = "latest",
    sort: Annotated[Literal["relevance", "newest", "oldest"], Query(description="The order.")] = "relevance",
) -> Asked:
    """What a form or an address asks for."""
    return Asked(
        q=q.replace("\0", ""),
        source=tuple(one for one in source or () if one),
        language=tuple(one for one in language or () if one),
        state=state,
        published=published,
        since=str(since),
        until=str(until),
        versions=versions,
        sort=sort,
    )


TheQuestion = Annotated[Asked, Depends(asked)]


def selection_of(wanted: Asked) -> Selection:
    """The selection that is asked for. Raises HTTPException 400 for days that are no moments."""
    try:
        since = datetime.fromisoformat(wanted.since).replace(tzinfo=UTC) if wanted.since else None
        until = datetime.fromisoformat(wanted.until).replace(tzinfo=UTC) + timedelta(days=1) if wanted.until else None
    except (ValueError, OverflowError) as problem:
        raise HTTPException(400, f"there is no such day: {problem}") from problem
    return Selection(
        sources=wanted.source or None,
        captured_since=since,
        captured_until=until,
        published_since=wanted.published or None,
        # every date of that year, month or day goes on with a sign below this one
        published_until=f"{wanted.published}~" if wanted.published else None,
        languages=wanted.language,
        state=wanted.state or None,
        query=wanted.q.strip() or None,
        latest_only=wanted.versions == "latest",
    )


class FacetValue(Facts):
    """A value of a filter, how many articles it would give, and whether it is chosen."""

    value: str
    label: str
    count: int
    chosen: bool


class Findings(Facts):
    """What was found: one page of it, and the filters."""

    asked: Asked
    total: int
    page: int
    pages: int
    articles: list[ArticleLine]
    facets: dict[str, list[FacetValue]]
    problem: str | None = None

    @property
    def trouble(self) -> str | None:
        """What is no query."""
        return self.problem


def find(
    room: TheRoom, wanted: TheQuestion, _: Searching, page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1
) -> Findings:
    """Articles with these words, the best first; without words all of them, the newest first. Twenty to a page."""
    names = room.source_names()
    what = Search(selection_of(wanted), sort=wanted.sort, offset=(page - 1) * PER_PAGE, limit=PER_PAGE)  # type: ignore[arg-type]  # the question has been judged
    try:
        found = room.with_catalogue(lambda connection: search(connection, what))
    except BadQuery as problem:
        return Findings(asked=wanted, total=0, page=1, pages=0, articles=[], facets={}, problem=str(problem))
    return Findings(
        asked=wanted,
        total=found.total,
        page=page,
        pages=min(MOST_PAGES, -(-found.total // PER_PAGE)),
        articles=[ArticleLine.of(hit, names) for hit in found.hits],
        facets=_facets(found, wanted, names),
    )


def _facets(found: Found, wanted: Asked, names: dict[str, str]) -> dict[str, list[FacetValue]]:
    chosen: dict[str, tuple[str, ...]] = {
        "source": wanted.source,
        "language": wanted.language,
        "published": (wanted.published,),
        "state": (wanted.state,),
    }
    return {
        name: [
            FacetValue(
                value=value,
                label=names.get(value, value) if name == "source" else value,
                count=count,
                chosen=value in chosen[name],
            )
            for value, count in found.facets.get("year" if name == "published" else name, [])[:SHOWN_FACETS]
        ]
        for name in chosen
    }
