"""CPU time by step of an article's journey, taken inside a crawl without a change of the code that is measured.

`environment` makes every Python process of a command load this module first (as `sitecustomize`). It wraps the
functions of FUNCTIONS as their modules are loaded. A call's time is the CPU time of its thread without that of the
wrapped calls within it; of a coroutine only what it runs itself counts, not what it waits for. Each process writes what
it took to a file again and again, since readers are ended and not asked. `benchmarks/steptable.py` sums the files up.
The wrappers cost time themselves: what a crawl costs is measured without them.
"""

from __future__ import annotations

import atexit
import functools
import importlib.abc
import inspect
import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DIRECTORY = "NEWSARK_STEP_TIMES"
TELL_SECONDS = 0.5

FUNCTIONS = {
    "1 discover": ("crawler.discovery:seed", "crawler.listing:read_listing", "crawler.pagelinks:leads_from_page"),
    "2 lease": (
        "crawler.frontier:Frontier.next_request",
        "crawler.frontier:Frontier.enqueue_request",
        "crawler.frontier:Frontier.has_pending_requests",
        "crawler.frontier:Frontier.settled",
        "crawler.frontier:Frontier._feed",
        "crawler.spiders.newsroom:NewsroomSpider.request_for",
        "storage.archive:Archive.with_leads",
    ),
    "3 fetch": ("crawler.handler:WireHandler.download_request", "crawler.tape:TapedProtocol.data_received"),
    "4 archive": ("storage.archive:Archive.keep",),
    "5 judge": ("pipelines.judge:judge",),
    "6 extract": ("pipelines.read:read_page",),
    "6 extract: decode, parse": ("pipelines.page:open_page",),
    "6 extract: meta, JSON-LD": ("pipelines.meta:page_meta", "pipelines.jsonld:linked_data"),
    "6 extract: links, files": ("pipelines.links:page_links", "pipelines.requisites:page_requisites"),
    "6 extract: fields": (
        "pipelines.merge:merge",
        "pipelines.headline:choose_headline",
        "pipelines.images:article_images",
        "pipelines.images:article_media",
    ),
    "6 extract: text": ("pipelines.text:article_text", "pipelines.linkedtext:with_linked_text"),
    "6 extract: text as HTML": ("pipelines.bodyhtml:body_html",),
    "6 extract: language": ("pipelines.language:text_language",),
    "7 compare": (
        "crawler.settlement:_Group.__init__",
        "crawler.settlement:_Group.learn",
        "crawler.settlement:_Group.compare_and_record",
    ),
    "8 record": (
        "pipelines.record:build_record",
        "pipelines.record:record_line",
        "pipelines.observation:build_observation",
        "pipelines.observation:observation_line",
    ),
    "9 acknowledge": ("crawler.settlement:settle", "storage.archive:Archive.settle"),
    "9 acknowledge: flush": ("storage.segment:Segment.flush",),
    "9 acknowledge: words": ("storage.wordindex:WordIndex.add",),
    "10 seal": (
        "storage.archive:Archive.seal",
        "storage.archive:Archive.seal_old",
        "storage.courier:Courier.send",
        "storage.courier:Courier._serve",
    ),
}
"""Step by step: `module:function` or `module:class.method`. The begin of the first one ends the start-up."""

FIRST = "1 discover"


def environment(work: Path) -> dict[str, str]:
    """The environment of a command whose processes write their times into `work / "times"`."""
    hook, times = work / "hook", work / "times"
    hook.mkdir()
    times.mkdir()
    (hook / "sitecustomize.py").write_text("from benchmarks.steptimes import install\n\ninstall()\n")
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(hook), str(ROOT))), DIRECTORY: str(times)}


class _Thread:
    """What one thread took: its stack of steps, nanoseconds by step, and CPU time up to the last look."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[str] = []
        self.last = 0
        self.by_step: defaultdict[str, int] = defaultdict(int)

    def switch(self) -> None:
        """Give the time since the last look to the step on top."""
        now = time.thread_time_ns()
        self.by_step[self.stack[-1] if self.stack else ""] += now - self.last
        self.last = now


class _Times(threading.local):
    """The thread's own times, entered in the process's list at its first wrapped call."""

    def __init__(self) -> None:
        self.own = _Thread(threading.current_thread().name)
        _threads.append(self.own)


_threads: list[_Thread] = []
_times: _Times
_role = "other"
_told = 0.0
_started = False


def install() -> None:
    """Wrap the functions of FUNCTIONS as soon as their modules are loaded, in this process and all it forks."""
    global _role, _times
    words = " ".join(sys.orig_argv)
    if "multiprocessing" in words:
        _role = "fork server" if "multiprocessing.forkserver" in words else "other"
    else:
        _role = "main"
    _times = _Times()
    sys.meta_path.insert(0, _Finder())
    os.register_at_fork(after_in_child=_forked)
    atexit.register(_tell)


def _forked() -> None:
    global _role, _times
    _threads.clear()
    _role = "reader"
    _times = _Times()


def _enter(step: str) -> None:
    global _started
    thread = _times.own
    thread.switch()
    if step == FIRST and not _started:
        _started = True
        thread.by_step["start-up"] += thread.by_step.pop("", 0)
    thread.stack.append(step)


def _leave() -> None:
    thread = _times.own
    thread.switch()
    thread.stack.pop()
    if not thread.stack and (_role == "reader" or time.monotonic() - _told > TELL_SECONDS):
        _tell()


def _tell() -> None:
    """Write what this process took so far; the file is replaced as a whole."""
    global _told
    _told = time.monotonic()
    if not _times.own.stack:
        _times.own.switch()
    steps: defaultdict[str, int] = defaultdict(int)
    for thread in tuple(_threads):
        for step, took in list(thread.by_step.items()):
            steps[step or f"thread {thread.name}"] += took
    facts = {"role": _role, "process": time.process_time_ns(), "steps": steps, "missing": _missing()}
    directory = Path(os.environ[DIRECTORY])
    path = directory / f"{os.getpid()}.tmp"
    path.write_text(json.dumps(facts))
    path.replace(path.with_suffix(".json"))


_wrapped: set[str] = set()
_loaded: set[str] = set()


def _missing() -> list[str]:
    """Functions that their module, which was loaded, does not have any more."""
    names = (name for functions in FUNCTIONS.values() for name in functions)
    return [name for name in names if name.partition(":")[0] in _loaded and name not in _wrapped]


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if not any(name.startswith(f"{fullname}:") for functions in FUNCTIONS.values() for name in functions):
            return None
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(fullname, path, target)) is not None:
                if spec.loader is not None:
                    execute = spec.loader.exec_module
                    spec.loader.exec_module = functools.partial(_executed, execute)
                return spec
        return None


def _executed(execute: Callable[[Any], None], module: Any) -> None:
    execute(module)
    _loaded.add(module.__name__)
    for step, functions in FUNCTIONS.items():
        for name in functions:
            where, _, path = name.partition(":")
            if where == module.__name__:
                _wrap(module, path.split("."), step, name)


def _wrap(module: Any, path: list[str], step: str, name: str) -> None:
    holder = module
    for part in path[:-1]:
        holder = getattr(holder, part, None)
    function = getattr(holder, path[-1], None)
    if function is not None:
        wrap = _timed_coroutine if inspect.iscoroutinefunction(function) else _timed
        setattr(holder, path[-1], wrap(function, step))
        _wrapped.add(name)


def _timed(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        _enter(step)
        try:
            return function(*arguments, **named)
        finally:
            _leave()

    return timed


def _timed_coroutine(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    @functools.wraps(function)
    async def timed(*arguments: Any, **named: Any) -> Any:
        return await _Steps(function(*arguments, **named), step)

    return timed


class _Steps:
    """Runs a coroutine piece by piece, and times the pieces."""

    def __init__(self, coroutine: Any, step: str) -> None:
        self._coroutine, self._step = coroutine, step

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Callable[[Any], Any] = self._coroutine.send
        given: Any = None
        while True:
            _enter(self._step)
            try:
                waits_for = resume(given)
            except StopIteration as done:
                return done.value
            finally:
                _leave()
            try:
                resume, given = self._coroutine.send, (yield waits_for)
            except BaseException as problem:  # noqa: BLE001 - the coroutine is to have it
                resume, given = self._coroutine.throw, problem
