"""What `newsark doctor` looks at: every check is made however the others end, all at once, and none for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from newsark.checking.catalogue import check_archive, check_catalogue
from newsark.checking.disk import check_disk
from newsark.checking.finding import Finding
from newsark.checking.machine import check_clock, check_extras, check_limits, check_proxies, check_python
from newsark.checking.network import check_names
from newsark.checking.stores import check_stores
from newsark.checking.work import check_alerts, check_browser, check_reader, check_settings, check_sources
from newsark.home import Home
from storage.errors import NewsarkError

PATIENCE_SECONDS = 9.0
"""For all checks together: they are made side by side."""

MACHINE, WORK, ARCHIVE = "This machine", "Settings and sources", "Archive and stores"


@dataclass(frozen=True, slots=True)
class Check:
    """A check by the name that a fault of the check itself is told under."""

    area: str
    name: str
    look: Callable[[], Iterable[Finding]]


@dataclass(slots=True)
class _Run:
    """A check that is being made in a thread of its own; findings come one after the other."""

    check: Check
    findings: list[Finding] = field(default_factory=list)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        # a daemon, since what hangs in the system cannot be ended
        self.thread = threading.Thread(target=self._look, name=self.check.name, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        try:
            for finding in self.check.look():
                self.findings.append(finding)
        except (NewsarkError, OSError) as problem:
            self.findings.append(Finding(self.check.name, "fault", str(problem)))
        except Exception as problem:  # noqa: BLE001 - the check's border: its fault costs no other's finding
            told = f"the check itself failed, please report it: {type(problem).__name__}: {problem}"
            self.findings.append(Finding(self.check.name, "fault", told))

    def ended(self, seconds: float) -> list[Finding]:
        """What was found, waited for so long at most."""
        self.thread.join(max(seconds, 0))
        found = list(self.findings)
        if self.thread.is_alive():
            told = f"no answer within {PATIENCE_SECONDS:g} s: what it asks hangs, or this machine has too much to do"
            found.append(Finding(self.check.name, "fault", told))
        return [replace(one, area=self.check.area) for one in found]


def examine(archive: str | None, endpoint_url: str | None = None) -> list[Finding]:
    """What was found, in the order of the checks; settings that cannot be used are a finding too, and end what depends
    on them."""
    runs = [_Run(Check(area, name, check)) for area, name, check in ALONE]
    end = time.monotonic() + PATIENCE_SECONDS
    unusable: list[Finding] = []
    try:
        home = Home.here(archive=archive, endpoint_url=endpoint_url).hurried()
    except NewsarkError as problem:
        unusable = [Finding("settings", "fault", str(problem), WORK)]
    else:
        runs += [_Run(Check(area, name, _with(check, home))) for area, name, check in CHECKS]
    return _by_area([*(one for run in runs for one in run.ended(end - time.monotonic())), *unusable])


def _with(check: Callable[[Home], Iterable[Finding]], home: Home) -> Callable[[], Iterable[Finding]]:
    return lambda: check(home)


def _by_area(findings: Sequence[Finding]) -> list[Finding]:
    return [one for area in (MACHINE, WORK, ARCHIVE) for one in findings if one.area == area]


ALONE: tuple[tuple[str, str, Callable[[], Iterable[Finding]]], ...] = (
    (MACHINE, "python", check_python),
    (MACHINE, "extras", check_extras),
    (MACHINE, "clock", check_clock),
    (MACHINE, "proxies", check_proxies),
    (MACHINE, "reader process", check_reader),
)
CHECKS: tuple[tuple[str, str, Callable[[Home], Iterable[Finding]]], ...] = (
    (MACHINE, "limits", check_limits),
    (MACHINE, "disk", check_disk),
    (WORK, "settings", check_settings),
    (WORK, "alerts", check_alerts),
    (WORK, "source files", check_sources),
    (WORK, "names", check_names),
    (WORK, "browser", check_browser),
    (ARCHIVE, "store", check_stores),
    (ARCHIVE, "archive", check_archive),
    (ARCHIVE, "catalogue", check_catalogue),
)
