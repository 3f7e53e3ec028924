"""Exports that the room builds: one after the other, each is whole, stopped, or failed with its reason."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from newsark.home import utc_now
from reading.web.exportjobs import MOST_KEPT, ExportJob, ExportJobs
from storage.errors import WrongUse


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[ExportJobs]:
    made = ExportJobs(tmp_path / "exports", utc_now)
    yield made
    made.close()


def ended(jobs: ExportJobs, job: ExportJob) -> ExportJob:
    for _ in range(500):
        found = jobs.get(job.id)
        assert found is not None
        if found.state in ("done", "failed", "stopped"):
            return found
        time.sleep(0.01)
    raise AssertionError(found)


def writes(text: str) -> Callable[[Path, Callable[[], None]], int]:
    def build(target: Path, on_step: Callable[[], None]) -> int:
        (target / "a.txt").write_text(text)
        return 3

    return build


def test_it_is_done_with_its_files(jobs: ExportJobs) -> None:
    job = ended(jobs, jobs.add("csv", {}, 3, writes("abc")))
    assert (job.state, job.rows, job.files, job.sizes) == ("done", 3, ("a.txt",), (3,))
    path = jobs.file(job.id, "a.txt")
    assert path is not None
    assert path.read_text() == "abc"
    assert jobs.file(job.id, "../job.json") is None


def test_a_full_disk_is_its_reason_and_the_next_one_is_built(jobs: ExportJobs) -> None:
    def full(target: Path, on_step: Callable[[], None]) -> int:
        (target / "a.part").write_text("abc")
        raise OSError(28, "No space left on device")

    failed = ended(jobs, jobs.add("csv", {}, None, full))
    assert failed.state == "failed"
    assert "No space left" in (failed.problem or "")
    assert failed.files == ()
    assert ended(jobs, jobs.add("csv", {}, None, writes("x"))).state == "done"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_is_told_and_the_next_one_is_built(jobs: ExportJobs) -> None:
    def faulty(target: Path, on_step: Callable[[], None]) -> int:
        raise KeyError("archive")

    failed = ended(jobs, jobs.add("csv", {}, None, faulty))
    assert (failed.state, failed.files) == ("failed", ())
    assert ended(jobs, jobs.add("csv", {}, None, writes("x"))).state == "done"


def test_one_whose_directory_is_taken_away_does_not_hold_up_the_next(jobs: ExportJobs, tmp_path: Path) -> None:
    def removed(target: Path, on_step: Callable[[], None]) -> int:
        shutil.rmtree(target.parent)
        (target / "a.txt").write_text("abc")
        return 1

    assert ended(jobs, jobs.add("csv", {}, None, removed)).state == "failed"
    assert ended(jobs, jobs.add("csv", {}, None, writes("x"))).state == "done"


def test_one_is_stopped_on_its_way_and_before_it_begins(jobs: ExportJobs) -> None:
    begun = threading.Event()

    def endless(target: Path, on_step: Callable[[], None]) -> int:
        (target / "a.part").write_text("abc")
        while True:
            begun.set()
            on_step()
            time.sleep(0.0001)

    running, waiting = jobs.add("csv", {}, None, endless), jobs.add("csv", {}, None, writes("x"))
    assert begun.wait(10)
    assert not jobs.remove(running.id)
    jobs.stop(waiting.id)
    jobs.stop(running.id)
    assert ended(jobs, running).state == "stopped"
    assert ended(jobs, waiting).state == "stopped"
    assert jobs.remove(running.id)
    assert jobs.get(running.id) is None


def test_one_of_few_steps_is_stopped_as_well(jobs: ExportJobs) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def slow(target: Path, on_step: Callable[[], None]) -> int:
        begun.set()
        assert stopped.wait(10)
        on_step()
        return 1

    job = jobs.add("wacz", {}, 1, slow)
    assert begun.wait(10)
    jobs.stop(job.id)
    stopped.set()
    assert ended(jobs, job).state == "stopped"


def test_those_of_a_process_that_died_are_known_as_stopped(tmp_path: Path) -> None:
    first = ExportJobs(tmp_path, utc_now)
    job = ended(first, first.add("csv", {"q": "a"}, 3, writes("abc")))
    first._change(job.id, state="running")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "job.json").write_text('{"id": "torn"')
    again = ExportJobs(tmp_path, utc_now).all()
    assert [(one.id, one.state, one.query) for one in again] == [(job.id, "stopped", {"q": "a"})]
    first.close()


def test_not_more_are_kept_than_somebody_looks_after(jobs: ExportJobs) -> None:
    for _ in range(MOST_KEPT):
        jobs.add("csv", {}, None, writes("x"))
    with pytest.raises(WrongUse, match="remove one"):
        jobs.add("csv", {}, None, writes("x"))
