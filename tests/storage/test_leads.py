"""Leads: leased once, acknowledged with a reason, due again, and always in exactly one state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from storage.capture import Capture
from storage.captures import add_captures
from storage.catalogue import Catalogue
from storage.errors import SourceBusy
from storage.lead import NewLead, lead_identity
from storage.leads import PROBLEM_URLS, Acknowledgement, Leads
from storage.sources import Sources

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.fixture
def connection(catalogue_url: str) -> Iterator[Connection]:
    catalogue = Catalogue(catalogue_url, lambda: NOW)
    with catalogue.begin() as opened:
        Sources(opened).enlist("lantern", name="The Lantern", home="http://l.example/", toml="x", now=NOW)
        yield opened
    catalogue.close()


@pytest.fixture
def leads(connection: Connection) -> Leads:
    return Leads(connection, "lantern")


def named(
    path: str, *, kind: str = "article", priority: int = 50, rank: int = 0, refusal: str | None = None
) -> NewLead:
    url = f"http://l.example/{path}"
    return NewLead(url, lead_identity(url), kind, priority, rank=rank, refusal=refusal)


def done(lead_id: int, state: str = "captured", **other: object) -> Acknowledgement:
    facts: dict[str, object] = {"reason": None, "detail": None, "attempts": 0, "next_due": None}
    return Acknowledgement(lead_id=lead_id, state=state, visited_at=NOW, **(facts | other))


def test_a_known_url_is_added_once(leads: Leads) -> None:
    assert leads.add([named("a"), named("b"), named("a")], NOW) == 2
    assert leads.add([named("b")], NOW) == 0
    assert leads.counts()["known"] == 2


def test_the_most_urgent_and_newest_come_first(leads: Leads) -> None:
    leads.add([named("old", rank=-100), named("new", rank=-200), named("feed", kind="feed", priority=10)], NOW)
    assert [lead.url.rpartition("/")[2] for lead in leads.lease(10)] == ["feed", "new", "old"]


def test_a_leased_lead_is_not_handed_out_again(leads: Leads) -> None:
    leads.add([named("a"), named("b")], NOW)
    first, second = leads.lease(1), leads.lease(5)
    assert {lead.id for lead in first}.isdisjoint({lead.id for lead in second})
    assert leads.lease(5) == []


def test_leases_of_a_dead_process_are_reclaimed(leads: Leads) -> None:
    leads.add([named("a"), named("b")], NOW)
    leased = leads.lease(2)
    leads.acknowledge([done(leased[0].id)])
    assert leads.reclaim() == 1
    assert [lead.id for lead in leads.lease(5)] == [leased[1].id]


def test_a_refused_lead_is_counted_and_never_leased(leads: Leads) -> None:
    leads.add([named("elsewhere", refusal="scope: another site")], NOW)
    assert leads.lease(5) == []
    assert leads.counts()["refused"] == 1
    (problem,) = leads.problems()
    assert (problem["reason"], problem["detail"]) == ("scope", "another site")


def test_a_problem_names_its_first_urls_in_order(leads: Leads) -> None:
    leads.add([named(f"{number:03}", refusal="scope: another site") for number in range(PROBLEM_URLS + 5)], NOW)
    (problem,) = leads.problems()
    assert problem["count"] == PROBLEM_URLS + 5
    assert problem["urls"] == [named(f"{number:03}").url for number in range(PROBLEM_URLS)]
    assert problem["url"] == problem["urls"][0]


def test_states_always_sum_to_the_known_leads(leads: Leads) -> None:
    leads.add([named(str(number)) for number in range(6)], NOW)
    for lead, state in zip(leads.lease(6), ("captured", "unchanged", "failed", "refused", "pending"), strict=False):
        leads.acknowledge([done(lead.id, state, reason="x" if state != "captured" else None)])
    counts = leads.counts()
    assert counts == {"known": 6, "captured": 1, "unchanged": 1, "failed": 1, "refused": 1, "pending": 2}


def test_a_passing_failure_is_due_again_at_its_time(leads: Leads) -> None:
    leads.add([named("a")], NOW)
    lead = leads.lease(1)[0]
    due = NOW + timedelta(seconds=20)
    leads.acknowledge([done(lead.id, "pending", reason="timeout", attempts=1, next_due=due)])
    assert leads.soonest_retry() == due
    assert leads.promote(NOW + timedelta(seconds=19)) == 0
    assert leads.promote(due) == 1
    again = leads.lease(1)[0]
    assert (again.id, again.attempts) == (lead.id, 1)


def test_since_leaves_out_older_articles_and_keeps_undated_ones(leads: Leads) -> None:
    since = int(NOW.timestamp())
    leads.add([named("older", rank=-(since - 10)), named("newer", rank=-(since + 10)), named("undated")], NOW)
    assert {lead.url.rpartition("/")[2] for lead in leads.lease(5, max_rank=-since)} == {"newer", "undated"}


def test_lists_alone_can_be_leased(leads: Leads) -> None:
    leads.add([named("a"), named("feed", kind="feed", priority=10)], NOW)
    assert [lead.kind for lead in leads.lease(5, below_priority=50)] == ["feed"]


def test_a_lease_brings_the_last_whole_response(leads: Leads, connection: Connection) -> None:
    leads.add([named("a")], NOW)
    lead = leads.lease(1)[0]
    capture = Capture(
        key="warc/lantern/2026/03/lantern-20260312120000-00000-h.warc.gz",
        offset=10,
        length=20,
        record_id="<urn:uuid:1>",
        record_type="response",
        date=NOW,
        url=lead.url,
        status=200,
        payload_digest="sha256:00",
    )
    add_captures(connection, "lantern", [(capture, lead.id)])
    leads.acknowledge([done(lead.id, etag='"1"', last_modified="then", capture_record_id="<urn:uuid:1>")])
    leads.ready_all(("article",))
    again = leads.lease(1)[0]
    assert again.last_capture == capture
    assert (again.etag, again.last_modified) == ('"1"', "then")


def test_a_source_has_one_owner_at_a_time(connection: Connection) -> None:
    sources = Sources(connection)
    sources.own("lantern", "other-machine:7", NOW, timedelta(seconds=60))
    with pytest.raises(SourceBusy, match="other-machine:7"):
        sources.own("lantern", "this-machine:8", NOW, timedelta(seconds=60))
    sources.own("lantern", "this-machine:8", NOW + timedelta(seconds=61), timedelta(seconds=60))
    sources.disown("lantern", "this-machine:8")
    sources.own("lantern", "other-machine:7", NOW, timedelta(seconds=60))


def test_a_dead_process_of_this_machine_owns_nothing(connection: Connection) -> None:
    sources = Sources(connection)
    sources.own("lantern", "here:4194305", NOW, timedelta(seconds=60))  # above Linux's largest process id
    sources.own("lantern", "here:1", NOW, timedelta(seconds=60))


def test_each_state_of_a_source_file_is_a_revision(connection: Connection) -> None:
    sources = Sources(connection)
    assert sources.enlist("lantern", name="The Lantern", home="http://l.example/", toml="x", now=NOW) == 1
    assert sources.enlist("lantern", name="The Lantern", home="http://l.example/", toml="y", now=NOW) == 2
    assert [source.toml for source in sources.known()] == ["y"]


def test_leasing_reads_one_index_range(connection: Connection) -> None:
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        # an empty table is read faster without an index
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN"
    plan = connection.exec_driver_sql(
        f"{explain} SELECT id FROM leads WHERE source_id = 'lantern' AND queue = 1 ORDER BY priority, rank, id LIMIT 64"
    ).fetchall()
    text = " ".join(str(row) for row in plan)
    assert "leads_by_turn" in text
    assert "TEMP B-TREE" not in text
    assert "Sort" not in text


def test_what_a_clock_that_was_ahead_put_off_is_due_now(leads: Leads) -> None:
    leads.add([named("a"), named("b"), named("c")], NOW)
    first, second, third = leads.lease(3)
    year, month = timedelta(days=365), timedelta(days=29)
    leads.acknowledge([done(first.id, next_due=NOW + year), done(second.id, next_due=NOW + month), done(third.id)])
    assert leads.promote(NOW) == 1
    assert [lead.id for lead in leads.lease(3)] == [first.id]


def test_a_sweep_takes_what_only_old_lists_name_and_the_oldest_first(leads: Leads) -> None:
    leads.add([named("new", rank=-200), named("old", rank=-100), named("undated"), named("fed", priority=40)], NOW)
    leads.add([named("mapped", priority=60, rank=-300)], NOW)
    order = [lead.url.rpartition("/")[2] for lead in leads.lease(10, oldest_first=True)]
    assert order == ["mapped", "undated", "old", "new", "fed"]


def test_only_those_that_were_there_are_looked_at_to_see_whether_a_source_is_away(leads: Leads) -> None:
    leads.add([named(name) for name in "abcd"], NOW)
    ids = [lead.id for lead in leads.lease(4)]
    due = NOW + timedelta(days=9)
    leads.acknowledge([done(one, "failed" if one == ids[3] else "captured", next_due=due) for one in ids])
    assert leads.ready_newest("article", 2, NOW) == 0
    later = NOW + timedelta(hours=1)
    assert leads.ready_newest("article", 2, later) == 2
    assert sorted(lead.id for lead in leads.lease(9)) == ids[1:3]
    assert leads.ready_newest("article", 2, later) == 0
