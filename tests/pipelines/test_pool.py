"""The worker pool: a page costs its own text at most. Real processes, real deaths."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from pipelines.page import PageInput, ReadLimits
from pipelines.pool import ReaderPool
from pipelines.read import Reading, read_page
from storage.errors import BodyUndecodable, ReaderCrashed
from tests.pipelines.readers import misbehave, refuse

URL = "https://estuary-post.example/ferry"
SECONDS = 1.0
PATIENCE = 30


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    pool = ReaderPool(2, timeout_seconds=SECONDS, max_tasks=50, reader=misbehave)
    yield pool
    pool.close()


def ask(pool: ReaderPool, body: bytes) -> Reading:
    return pool.submit(PageInput(URL, body)).result(PATIENCE)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"hang", "reading-timed-out"),
        (b"spin", "reading-timed-out"),
        (b"die", "reader-crashed"),
        (b"fail", "reader-crashed"),
    ],
)
def test_a_page_that_ruins_its_reader_gives_the_reason_and_the_pool_goes_on(
    pool: ReaderPool, body: bytes, word: str
) -> None:
    ask(pool, b"warm up")
    started = time.monotonic()
    reading = ask(pool, body)
    assert (reading.url, reading.kind, reading.evidence) == (URL, "unreadable", (word,))
    assert reading.reason
    assert time.monotonic() - started < SECONDS + 5
    assert [ask(pool, b"fine").kind for _ in range(3)] == ["article"] * 3


def test_other_pages_do_not_pay_for_a_bad_one(pool: ReaderPool) -> None:
    bodies = [b"fine", b"die", b"fine", b"hang", b"fine", b"fail", b"fine"]
    answers = [pool.submit(PageInput(URL, body)) for body in bodies]
    assert [answer.result(PATIENCE).kind for answer in answers] == [
        "article" if body == b"fine" else "unreadable" for body in bodies
    ]


def test_workers_are_replaced_after_their_share_of_pages() -> None:
    few = ReaderPool(1, timeout_seconds=5, max_tasks=3, reader=misbehave)
    try:
        workers = [ask(few, b"fine").reason for _ in range(9)]
    finally:
        few.close()
    assert len(set(workers)) == 3


def test_a_worker_that_is_killed_while_it_waits_is_replaced(pool: ReaderPool) -> None:
    worker = int(ask(pool, b"fine").reason or 0)
    assert psutil.pid_exists(worker)
    os.kill(worker, signal.SIGKILL)
    time.sleep(0.5)
    assert ask(pool, b"fine").kind == "article"


def test_any_function_can_be_called_and_raises_its_own_errors(pool: ReaderPool) -> None:
    assert pool.call(divmod, 7, 2).result(PATIENCE) == (3, 1)
    with pytest.raises(BodyUndecodable) as caught:
        pool.call(refuse, "gzip").result(PATIENCE)
    assert (caught.value.encoding, caught.value.problem) == ("gzip", "broken")
    with pytest.raises(ReaderCrashed, match="ZeroDivisionError"):
        pool.call(divmod, 1, 0).result(PATIENCE)


def test_a_cancelled_answer_disturbs_nobody(pool: ReaderPool) -> None:
    answer = pool.submit(PageInput(URL, b"fine"))
    answer.cancel()
    assert ask(pool, b"fine").kind == "article"


def test_a_closed_pool_takes_nothing_and_leaves_no_worker() -> None:
    closed = ReaderPool(1, timeout_seconds=5, reader=misbehave)
    worker = int(ask(closed, b"fine").reason or 0)
    closed.close()
    closed.close()
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE
    with pytest.raises(RuntimeError, match="closed"):
        closed.submit(PageInput(URL, b"fine"))


def test_a_worker_reads_as_this_process_does() -> None:
    text = "The harbour board said on Monday that the old ferry would sail again in spring. " * 5
    page = PageInput(URL, f"<h1>Old ferry</h1><p>{text}</p>".encode())
    real = ReaderPool(1, timeout_seconds=20)
    try:
        there = real.submit(page).result(PATIENCE)
    finally:
        real.close()
    assert there.article == read_page(page, ReadLimits()).article


def test_many_tasks_of_every_size_come_back_each_with_its_own_answer(pool: ReaderPool) -> None:
    sizes = [1, 70_000, 3_000_000, 500, 200_000] * 20
    answers = [pool.call(bytes.__mul__, bytes([number]), size) for number, size in enumerate(sizes)]
    given = [pool.call(len, bytes(size)) for size in sizes]
    assert [answer.result(PATIENCE) for answer in answers] == [
        bytes([number]) * size for number, size in enumerate(sizes)
    ]
    assert [answer.result(PATIENCE) for answer in given] == sizes


def test_what_waits_behind_a_task_that_kills_its_worker_goes_to_another() -> None:
    one = ReaderPool(1, timeout_seconds=SECONDS, reader=misbehave)
    try:
        bodies = [b"fine", b"die", b"fine", b"spin", b"fine"]
        answers = [one.submit(PageInput(URL, body)) for body in bodies]
        kinds = [answer.result(PATIENCE).kind for answer in answers]
    finally:
        one.close()
    assert kinds == ["article" if body == b"fine" else "unreadable" for body in bodies]


def test_what_cannot_travel_is_a_fault_of_its_task_alone(pool: ReaderPool) -> None:
    with pytest.raises(ReaderCrashed, match="pickle"):
        pool.call(open, os.devnull).result(PATIENCE)
    assert ask(pool, b"fine").kind == "article"


def test_what_was_not_done_when_the_pool_closed_says_so() -> None:
    closed = ReaderPool(1, timeout_seconds=PATIENCE, reader=misbehave)
    answers = [closed.call(time.sleep, 20) for _ in range(3)]
    closed.close()
    for answer in answers:
        with pytest.raises(ReaderCrashed, match="closed"):
            answer.result(PATIENCE)
