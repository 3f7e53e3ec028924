"""What suppressions hide, in both databases: articles with what they become, single versions, addresses, sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from storage.alerts import Alert, Alerts
from storage.archive import Archive, ArchiveSettings
from storage.captures import add_captures
from storage.catalogue import alerts, captures, findable, leads, observations, versions
from storage.decisions import log_decisions
from storage.exchange import Exchange
from storage.lead import NewLead, lead_identity
from storage.leads import Leads
from storage.suppression import Scope, Suppressed, SuppressionLifted
from storage.versions import Observation, Version, Versions, article_key
from tests.postgresql import database
from tests.storage.storage_samples import exchange

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = "gazette"


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    if request.param == "sqlite":
        yield from _opened(tmp_path, None)
    else:
        with database() as url:
            yield from _opened(tmp_path, url)


def _opened(tmp_path: Path, url: str | None) -> Iterator[Archive]:
    opened = Archive.open(tmp_path / "archive", ArchiveSettings(catalogue_url=url), lambda: NOW)
    for name in (SOURCE, "other"):
        opened.enlist(name, name=name, home=f"http://{name}.example/", toml=f'id = "{name}"\n')
    yield opened
    opened.close()


def lead(archive: Archive, url: str, source: str = SOURCE) -> int:
    with archive.catalogue.begin() as connection:
        Leads(connection, source).insert([NewLead(url, lead_identity(url), "article", 100)], NOW)
        return int(connection.execute(select(leads.c.id).where(leads.c.url == url)).scalar_one())


def add(
    archive: Archive, url: str, number: int = 1, *, lead_id: int | None = None, source: str = SOURCE, **more: Any
) -> str:
    """Record a version of the article at a URL, captured so many hours after NOW; the id of its record."""
    at = NOW + number * HOUR
    kept = archive.keep(source, captured(url, at, number))
    with archive.catalogue.begin() as connection:
        add_captures(connection, source, [(kept, lead_id)])
        archive._kept.clear()
    record_id = f"{abs(hash((url, number))):032x}"[:32]
    facts = {"id": record_id, "url": url, "headline": f"{url} {number}", "version": number, **more}
    line = json.dumps(facts | {"archive": {"recordId": kept.record_id}}, separators=(",", ":"))
    made = Version(article_key(url), record_id, number, url, record_id, at, "", line, lead_id, None, facts["headline"])
    with archive.catalogue.begin() as connection:
        Versions(connection, source).add([made])
    return record_id


def captured(url: str, at: datetime, number: int) -> Exchange:
    return exchange(url=url, started=at, ended=at, body=f"{url} {number} 17 signs"[-17:].encode())


def suppress(archive: Archive, scope: Scope, target: str, source: str = SOURCE) -> None:
    name = f"{abs(hash(target)):032x}"[:32]
    log_decisions(archive, source, [Suppressed(NOW, name, scope, target, "me", "a test")])


def shown(archive: Archive, column: Any) -> list[Any]:
    with archive.catalogue.public() as connection:
        return sorted(connection.execute(select(column)).scalars())


ONE, TWO, THREE = (f"http://gazette.example/{name}" for name in ("one", "two", "three"))


def test_an_article_is_hidden_with_what_is_added_later(archive: Archive) -> None:
    first = lead(archive, ONE)
    add(archive, ONE, lead_id=first)
    add(archive, TWO)
    suppress(archive, "article", article_key(ONE))
    assert (shown(archive, versions.c.url), shown(archive, captures.c.url)) == ([TWO], [TWO])
    add(archive, ONE, 2, lead_id=first)
    with archive.catalogue.begin() as connection:
        Versions(connection, SOURCE).observe([Observation(ONE, NOW, "removed", None, article_key(ONE), first)])
        told = Alert(f"removed:{SOURCE}:{article_key(ONE)}:x", "removed", NOW, f"removed: “{ONE} 1”", SOURCE, ONE)
        Alerts(connection).add([told, Alert("disk", "disk", NOW, "full")])
    for column, left in (
        (versions.c.url, [TWO]),
        (captures.c.url, [TWO]),
        (findable.c.article, [article_key(TWO)]),
        (leads.c.url, []),
        (observations.c.url, []),
        (alerts.c.title, ["full"]),
    ):
        assert shown(archive, column) == left
    log_decisions(archive, SOURCE, [SuppressionLifted(NOW, f"{abs(hash(article_key(ONE))):032x}"[:32], "me")])
    assert shown(archive, versions.c.url) == [ONE, ONE, TWO]


def test_an_article_that_moved_is_hidden_at_both_places(archive: Archive) -> None:
    first = lead(archive, ONE)
    add(archive, ONE, lead_id=first)
    suppress(archive, "article", article_key(ONE))
    add(archive, TWO, 2, lead_id=first)
    add(archive, THREE)
    assert shown(archive, versions.c.url) == [THREE, TWO]
    with archive.catalogue.begin() as connection:
        moved = Observation(ONE, NOW + 2 * HOUR, "moved", f"to {TWO}", article_key(ONE), first)
        Versions(connection, SOURCE).observe([moved])
    assert shown(archive, versions.c.url) == [THREE]


def test_of_an_article_whose_newest_version_is_hidden_the_one_before_is_the_latest(archive: Archive) -> None:
    first = lead(archive, ONE)
    for number in (1, 2):
        add(archive, ONE, number, lead_id=first)
    suppress(archive, "version", f"{article_key(ONE)}/2")
    query = select(func.count()).select_from(findable).where(findable.c.latest.is_(True))
    with archive.catalogue.public() as connection:
        assert connection.execute(query).scalar() == 1
        assert connection.execute(select(versions.c.version)).scalars().all() == [1]
        assert connection.execute(select(captures.c.date)).scalars().all() == [NOW + HOUR]
    add(archive, ONE, 3, lead_id=first)
    assert shown(archive, versions.c.version) == [1, 3]
    assert shown(archive, captures.c.date) == [NOW + HOUR, NOW + 3 * HOUR]


def test_everything_at_an_address_is_hidden(archive: Archive) -> None:
    add(archive, ONE)
    picture = "http://gazette.example/img/a.png"
    for number in (1, 2):
        kept = archive.keep(SOURCE, replace(captured(picture, NOW, number)))
        with archive.catalogue.begin() as connection:
            add_captures(connection, SOURCE, [(kept, None)])
        archive._kept.clear()
    suppress(archive, "url", picture)
    assert shown(archive, captures.c.url) == [ONE]
    assert shown(archive, versions.c.url) == [ONE]


def test_a_source_is_hidden_and_nobody_else_names_it(archive: Archive) -> None:
    own = add(archive, ONE)
    copied = {"duplicateOf": {"id": own, "url": ONE, "similarity": 0.9}, "after": "}\"'\\"}
    add(archive, "http://other.example/copy", source="other", **copied)
    suppress(archive, "source", SOURCE)
    (line,) = shown(archive, versions.c.line)
    assert json.loads(line)["after"] == copied["after"]
    assert "duplicateOf" not in line
    assert shown(archive, captures.c.source_id) == ["other"]


def test_the_public_writes_nothing(archive: Archive) -> None:
    add(archive, ONE)
    suppress(archive, "article", article_key(TWO))
    with pytest.raises(Exception, match=r"view|permission"), archive.catalogue.public() as connection:
        Versions(connection, SOURCE).add([_another()])
    assert shown(archive, versions.c.url) == [ONE]


def _another() -> Version:
    return Version(article_key(TWO), "2" * 32, 1, TWO, "d", NOW, "", "{}")
