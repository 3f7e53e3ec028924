"""What is told of a catalogue's server; its URL without what is secret."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from storage.catalogue import Catalogue
from storage.database import is_away, open_engine, parsed_url, shown_url
from storage.errors import BadSetting, ExtraMissing
from storage.server import server_facts
from storage.sources import Sources
from tests.postgresql import database, server


def test_a_catalogue_says_what_its_database_is(catalogue_url: str) -> None:
    catalogue = Catalogue(catalogue_url, lambda: datetime.now(UTC))
    facts = server_facts(catalogue)
    catalogue.close()
    assert facts.product in ("SQLite", "PostgreSQL")
    assert int(facts.version.split(".")[0]) >= 3
    assert facts.encoding in ("UTF-8", "UTF8")
    assert facts.size_bytes > 10_000
    assert abs(facts.clock_seconds) < 2
    # the tests' own server forgets what it wrote when the power is cut
    assert [fault for fault in facts.faults if "fsync = off" not in fault] == []
    assert len(facts.faults) == (facts.product == "PostgreSQL")


def test_rights_that_do_not_suffice_are_told_with_their_cure() -> None:
    with database() as url:
        Catalogue(url, lambda: datetime.now(UTC)).close()
        name = str(parsed_url(url).database)
        # a role belongs to the whole server, which other tests have too
        role = f"reader_{name}"
        server().execute(f"CREATE ROLE {role} LOGIN", name)
        server().execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", name)
        server().execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
        reading = Catalogue(url.replace("//newsark@", f"//{role}@"), lambda: datetime.now(UTC))
        facts = server_facts(reading)
        reading.close()
        server().execute(f"DROP OWNED BY {role}", name)
    server().execute(f"DROP ROLE {role}")
    assert facts.user == role
    told = [fault.split(" ")[1:4] for fault in facts.faults]
    assert told[1:] == [["may", "not", "make"], ["does", "not", "own"]]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_url_of_postgresql_means_psycopg_3_and_is_shown_without_its_password(scheme: str) -> None:
    for url in (
        f"{scheme}://news:s3cr%25et@db.example:5433/news?sslmode=require",
        f"{scheme}://news@db.example/news?password=s3cr%25et&sslpassword=s3cr%25et",
    ):
        engine = open_engine(url)
        assert engine.dialect.driver == "psycopg"
        assert engine.url.password == "s3cr%et"
        assert "s3cr" not in shown_url(url)
        assert "s3cr" not in repr(engine)
        assert "db.example" in shown_url(url)


@pytest.mark.parametrize(
    "url", ["s3cret", "postgresql://u:s3cret:c/d", "postgresql://u:p@h:s3cret/d", "s3cret://u@h/d"]
)
def test_a_url_that_is_none_is_not_repeated_but_for_its_scheme(url: str) -> None:
    with pytest.raises(BadSetting, match="is no database URL that works here") as refused:
        open_engine(url)
    assert ("s3cret" in str(refused.value)) == url.startswith("s3cret://")


def test_without_the_driver_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'newsark\[postgresql\]'"):
        open_engine("postgresql://news:s3cret@db.example/news")


def test_a_page_with_nul_in_its_words_is_kept_like_any_other(catalogue_url: str) -> None:
    catalogue = Catalogue(catalogue_url, lambda: datetime.now(UTC))
    with catalogue.begin() as connection:
        now = datetime.now(UTC)
        Sources(connection).enlist("lantern", name="a\0b", home="http://l.example/", toml="x", now=now)
        (known,) = Sources(connection).known()
    catalogue.close()
    assert known.name == ("a\ufffdb" if "postgresql" in catalogue_url else "a\0b")


def test_a_server_that_does_not_answer_is_told_from_a_statement_that_fails(catalogue_url: str) -> None:
    catalogue = Catalogue(catalogue_url, lambda: datetime.now(UTC))
    with pytest.raises(Exception, match="nowhere") as wrong, catalogue.begin() as connection:
        connection.exec_driver_sql("SELECT 1 FROM nowhere")
    catalogue.close()
    assert not is_away(wrong.value)
    with pytest.raises(Exception, match=r"failed|refused") as away:
        Catalogue("postgresql://u:s3cret@127.0.0.1:1/d", lambda: datetime.now(UTC))
    assert is_away(away.value)
    assert "s3cret" not in str(away.value)


def test_the_owner_of_its_own_database_needs_no_other_right() -> None:
    with database() as url:
        name = str(parsed_url(url).database)
        role = f"owner_{name}"
        server().execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB", name)
        server().execute(f"ALTER DATABASE {name} OWNER TO {role}", name)
        # as in PostgreSQL 15 and later
        server().execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
        owned = Catalogue(url.replace("//newsark@", f"//{role}@"), lambda: datetime.now(UTC))
        facts = server_facts(owned)
        owned.close()
        assert [fault for fault in facts.faults if "fsync = off" not in fault] == []
        server().execute(f"REASSIGN OWNED BY {role} TO newsark", name)
    server().execute(f"DROP ROLE {role}")
