"""The same stories in two newsrooms, as agency copy is: the second says which record it is like, and is kept."""

from __future__ import annotations

from pathlib import Path

from tests.cli import crawl
from tests.in_process import asked
from tests.newsroom import running_newsroom


def test_the_second_newsroom_names_the_first_ones_records(tmp_path: Path) -> None:
    with running_newsroom() as first, running_newsroom() as second:
        assert crawl(first.url + "/", tmp_path).code == 0
        assert crawl(second.url + "/", tmp_path).code == 0
        records = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
    of_first = {record["id"]: record for record in records if record["url"].startswith(first.url)}
    of_second = [record for record in records if record["url"].startswith(second.url)]
    assert len(of_first) == len(of_second) == len(first.newsroom.stories())
    assert all(record["duplicateOf"] is None for record in of_first.values())
    told = [record for record in of_second if record["fingerprint"]]
    assert len(told) > len(of_second) / 2, "the stories are too short to be told from others"
    for record in told:
        original = of_first[record["duplicateOf"]["id"]]
        assert original["headline"] == record["headline"]
        assert record["duplicateOf"] == {"id": original["id"], "url": original["url"], "similarity": 1.0}
        assert record["articleBody"] == original["articleBody"]

    assert asked("verify", "--deep", "--all", "--archive", "archive", cwd=tmp_path).code == 0
    rebuilt = asked("rebuild", "--replace", "--archive", "archive", cwd=tmp_path)
    assert rebuilt.code == 0, rebuilt.err
    assert asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines == records
