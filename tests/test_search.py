"""Search finds what people expect, in both databases: words of any script, forms, phrases, fields, filters, order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text

from reading.exports.selection import Selection, count_of, stream
from reading.search import Found, Piece, Search, search
from storage.catalogue import Catalogue
from storage.errors import BadQuery
from storage.sources import Sources
from storage.versions import Observation, Version, Versions
from tests.postgresql import database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def version(key: str, number: int = 1, *, days: float = 0.0, url: str | None = None, **facts: Any) -> Version:
    """A version whose record says these things."""
    record = {"id": f"{key}-{number}", "url": url or f"http://lantern.example/{key}", **facts}
    return Version(
        article=key,
        record_id=record["id"],
        version=number,
        url=record["url"],
        content_digest="",
        captured_at=NOW + timedelta(days=days),
        records_key="",
        line=orjson.dumps(record).decode(),
        headline=facts.get("headline"),
        date_published=facts.get("datePublished"),
        in_language=facts.get("inLanguage"),
    )


BANK = "中国人民银行发布报告。記者会見は水曜日。"
LANTERN = [
    version(
        "strike",
        days=1,
        headline="Журналисты объявили забастовку",
        articleBody="Журналисты газеты вышли на площадь. Ещё одна ёлка стоит там.",
        author=[{"name": "Анна Крылова"}],
        articleSection=["Общество"],
        keywords=["труд"],
        inLanguage="ru",
        datePublished="2026-02-01",
    ),
    version(
        "court",
        days=2,
        headline="Суд над журналистом",
        articleBody="Дело рассмотрит районный суд; журналистом занялся прокурор.",
        inLanguage="ru-RU",
        datePublished="2025-12-30T10:00:00+03:00",
    ),
    version(
        "mayor",
        days=3,
        headline="Mayor runs for a third term",
        articleBody="The mayor was running late. Covid-19 delayed the café opening in Łódź, and strike talk grew.",
        author=[{"name": "Ann Strike"}],
        keywords=["city hall"],
        inLanguage="en",
        datePublished="2026-02-14",
    ),
    version(
        "bridge",
        days=4,
        headline="橋の工事が始まる",
        articleBody=BANK,
        inLanguage="zh",
    ),
    version("thai", days=5, headline="ข่าววันนี้", articleBody="นายกรัฐมนตรีกล่าวว่า", inLanguage="th"),
    version("mayor", 2, days=6, headline="Mayor withdraws", articleBody="The mayor will not run.", inLanguage="en"),
]
HARBOUR = [
    version("tide", days=7, url="http://harbour.example/2026/tide", headline="Tide", articleBody="strike strike strike")
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{tmp_path_factory.mktemp('catalogue') / 'catalogue.sqlite'}")
    else:
        with database() as url:
            yield from filled(url)


def filled(url: str) -> Iterator[Catalogue]:
    catalogue = Catalogue(url, lambda: NOW)
    with catalogue.begin() as connection:
        for source, those in (("lantern", LANTERN), ("harbour", HARBOUR)):
            Sources(connection).enlist(source, name=source, home=f"http://{source}.example/", toml="x", now=NOW)
            Versions(connection, source).add(those)
        gone = Observation("http://lantern.example/court", NOW + timedelta(days=9), "removed", article="court")
        Versions(connection, "lantern").observe([gone])
    yield catalogue
    catalogue.close()


@pytest.fixture
def connection(catalogue: Catalogue) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with catalogue.engine.connect() as connection:
        yield connection
        connection.rollback()


def found(connection: Connection, query: str | None, sort: Any = "relevance", **filters: Any) -> Found:
    return search(connection, Search(Selection(query=query, **filters), sort=sort))


def keys(connection: Connection, query: str | None, sort: Any = "relevance", **filters: Any) -> list[str]:
    return [hit.article for hit in found(connection, query, sort, **filters).hits]


def shown(pieces: Sequence[Piece]) -> str:
    return "".join(f"[{words}]" if is_marked else words for is_marked, words in pieces)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("забастовку", {"strike"}),
        ("ЗАБАСТОВКУ", {"strike"}),
        # another form of the word, and not in quotes
        ("забастовкой", {"strike"}),
        ('"забастовкой"', set()),
        ("журналиста", {"strike", "court"}),
        ("елка", {"strike"}),
        ("ёлка", {"strike"}),
        ("журнал*", {"strike", "court"}),
        ("журналисты суд", {"court"}),
        ("забастовка суд", set()),
        ("журналистом суд", {"court"}),
        ('"районный суд"', {"court"}),
        ('"суд районный"', set()),
        ("«районный суд»", {"court"}),
        ("running", {"mayor"}),
        ("withdraw", {"mayor"}),
        ("strike", {"tide"}),
        ("strike OR withdraws", {"tide", "mayor"}),
        ("strike | withdraws", {"tide", "mayor"}),
        ("журналистом -прокурор", {"strike"}),
        ("журналистом NOT (площадь OR прокурор)", set()),
        ("(tide OR mayor) -strike", {"mayor"}),
        ("中国", {"bridge"}),
        ("中", {"bridge"}),
        ("行", {"bridge"}),
        ("告", {"bridge"}),
        ("中国人", {"bridge"}),
        ("人民银行", {"bridge"}),
        ("国中", set()),
        ("橋の工事", {"bridge"}),
        ("วันนี้", {"thai"}),
        ("รัฐมนตรี", {"thai"}),
        ("title:суд", {"court"}),
        ("title:прокурор", set()),
        ("title:журналиста", {"strike", "court"}),
        ('title:"журналиста"', set()),
        ("title:withdraw", {"mayor"}),
        ("title:стоит", set()),
        ("author:крылова", {"strike"}),
        ('author:"анна крылова"', {"strike"}),
        ("section:общество", {"strike"}),
        ("keyword:труд", {"strike"}),
        ("site:harbour.example", {"tide"}),
        ("url:tide", {"tide"}),
        ("https://harbour.example/2026/tide", {"tide"}),
        ("harbour", set()),
        ("nothing", set()),
    ],
)
def test_a_query_finds_what_people_expect(connection: Connection, query: str, expected: set[str]) -> None:
    assert set(keys(connection, query)) == expected
    # an export has the same
    rows = [row.article for row in stream(connection, Selection(query=query))]
    assert (set(rows), len(rows)) == (expected, count_of(connection, Selection(query=query)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cafe lodz", ["mayor"]),
        ("covid-19", ["mayor"]),
        ('"19 covid"', []),
        ("author:strike", ["mayor"]),
        ('keyword:"city hall"', ["mayor"]),
        # phrases end where a field does
        ('"term the mayor"', []),
    ],
)
def test_older_versions_are_found_when_all_are_asked_for(
    connection: Connection, query: str, expected: list[str]
) -> None:
    assert keys(connection, query) == []
    hits = found(connection, query, latest_only=False).hits
    assert [(hit.article, hit.record["id"]) for hit in hits] == [(key, f"{key}-1") for key in expected]


def test_the_very_word_comes_before_its_forms(connection: Connection) -> None:
    assert keys(connection, "журналисты") == ["strike", "court"]
    assert keys(connection, "журналистом") == ["court", "strike"]


def test_a_headline_counts_more_than_a_text(connection: Connection) -> None:
    hits = found(connection, "mayor OR tide OR running", latest_only=False).hits
    assert hits[0].article in ("tide", "mayor")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), key=lambda score: -(score or 0))


def test_without_words_everything_is_listed_by_time(connection: Connection) -> None:
    everything = ["tide", "mayor", "thai", "bridge", "court", "strike"]
    assert keys(connection, None) == keys(connection, "  ", "newest") == everything
    assert keys(connection, "", "oldest") == everything[::-1]
    assert keys(connection, "журналистом", "oldest") == ["strike", "court"]
    assert found(connection, None).total == 6


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"sources": ["harbour"]}, ["tide"]),
        ({"languages": ("ru",)}, ["court", "strike"]),
        ({"state": "removed"}, ["court"]),
        ({"published_since": "2026"}, ["strike"]),
        ({"captured_until": NOW + timedelta(days=3)}, ["court", "strike"]),
        ({"text": "ПРОКУРОР"}, ["court"]),
        ({"min_confidence": 0.5}, []),
    ],
)
def test_filters_hold_with_and_without_words(connection: Connection, filters: Any, expected: list[str]) -> None:
    assert keys(connection, None, **filters) == expected
    both = found(connection, "журналистом OR strike", **filters)
    assert {hit.article for hit in both.hits} == set(expected)
    assert both.total == len(expected) == sum(number for _, number in both.facets["state"])


def test_facets_count_what_was_found(connection: Connection) -> None:
    assert found(connection, "журналистом").facets == {
        "source": [("lantern", 2)],
        "language": [("ru", 1), ("ru-RU", 1)],
        "year": [("2026", 1), ("2025", 1)],
        "state": [("present", 1), ("removed", 1)],
    }
    assert search(connection, Search(Selection()), facets=False).facets == {}


def test_pages_hold_each_hit_once(connection: Connection) -> None:
    pages = [search(connection, Search(Selection(), offset=place, limit=2)) for place in (0, 2, 4, 6)]
    assert [hit.article for page in pages for hit in page.hits] == keys(connection, None)
    assert {page.total for page in pages} == {6}


@pytest.mark.parametrize(
    ("query", "headline", "snippet"),
    [
        ("журналиста площади", "[Журналисты] объявили забастовку", "[Журналисты] газеты вышли на [площадь]."),
        ('"на площадь"', "Журналисты объявили забастовку", "Журналисты газеты вышли [на площадь]."),
        ("забаст* елка", "Журналисты объявили [забастовку]", "Ещё одна [ёлка] стоит там."),
        ("人民银行", "橋の工事が始まる", "中国[人民银行]发布报告。"),
        ("title:журналиста -забастовка", "Суд над [журналистом]", "журналистом занялся прокурор."),
        ("title:橋", "[橋]の工事が始まる", BANK),
    ],
)
def test_what_was_found_is_marked(connection: Connection, query: str, headline: str, snippet: str) -> None:
    hit = found(connection, query).hits[0]
    assert shown(hit.headline) == headline
    assert snippet in shown(hit.snippet)
    assert "".join(words for _, words in hit.snippet) == hit.record["articleBody"]


def test_a_bad_query_is_refused_before_the_database_sees_it(connection: Connection) -> None:
    with pytest.raises(BadQuery, match="at sign 1; write"):
        found(connection, '"unfinished')


# the rows that are found by


def outcomes(connection: Connection) -> list[tuple[str, int, bool, str | None]]:
    rows = connection.execute(text("SELECT article, version, latest, outcome FROM findable ORDER BY article, version"))
    return [(row[0], row[1], bool(row[2]), row[3]) for row in rows if row[0] in ("mayor", "court")]


def test_an_older_capture_that_comes_later_is_not_the_latest(connection: Connection) -> None:
    early = version("mayor", 3, days=-5, headline="Mayor elected", articleBody="landslide")
    Versions(connection, "lantern").add([early, early])
    assert [row[2] for row in outcomes(connection) if row[0] == "mayor"] == [False, True, False]
    assert keys(connection, "landslide") == []
    assert keys(connection, "landslide", latest_only=False) == ["mayor"]


def test_a_later_capture_takes_its_place_and_has_its_state(connection: Connection) -> None:
    Versions(connection, "lantern").add([version("court", 2, days=8, headline="Приговор", articleBody="суд")])
    assert [row for row in outcomes(connection) if row[0] == "court"] == [
        ("court", 1, False, "removed"),
        ("court", 2, True, "removed"),
    ]
    assert keys(connection, "прокурор") == []


def test_the_last_visit_by_time_decides_whatever_comes_in_last(connection: Connection) -> None:
    one = Versions(connection, "lantern")

    def seen(days: int, outcome: str) -> str | None:
        at = NOW + timedelta(days=days)
        one.observe([Observation("http://lantern.example/court", at, outcome, article="court")])
        return next(row[3] for row in outcomes(connection) if row[0] == "court")

    assert seen(20, "unchanged") == "unchanged"
    assert seen(10, "blocked") == "unchanged"
    assert seen(30, "blocked") == "blocked"
    assert keys(connection, "прокурор", state="blocked") == ["court"]


def test_a_version_that_is_recorded_again_is_indexed_once(connection: Connection) -> None:
    before = found(connection, "tide").hits[0].score
    Versions(connection, "harbour").add(HARBOUR)
    assert found(connection, "tide").hits[0].score == before


def test_a_superseded_record_is_found_by_its_new_words_alone(connection: Connection) -> None:
    new = version("tide", headline="Ebb", articleBody="calm", inLanguage="en", datePublished="2024-01-01")
    Versions(connection, "harbour").supersede([(new, "tide-1")])
    assert keys(connection, "strike") == []
    assert keys(connection, "title:ebb calm") == ["tide"]
    assert found(connection, "calm").facets["year"] == [("2024", 1)]


@pytest.mark.parametrize(
    "record",
    ["", "[]", "not json", '{"headline": 5, "author": [5, {"name": []}], "articleBody": null, "keywords": "word"}'],
)
def test_a_record_of_any_shape_can_be_recorded(connection: Connection, record: str) -> None:
    Versions(connection, "harbour").add([replace(version("odd"), line=record)])
    assert len(list(connection.execute(text("SELECT 1 FROM findable WHERE article = 'odd'")))) == 1


def test_what_a_page_says_cannot_reach_the_database_as_its_syntax(connection: Connection) -> None:
    nasty = "'; DROP TABLE findable; -- \" * ' \\' NEAR(a b) 'x':1A ’quoted’ o'neill"
    Versions(connection, "harbour").add([version("nasty", headline=nasty, articleBody=nasty, author=[{"name": nasty}])])
    assert keys(connection, "o'neill") == ["nasty"]
