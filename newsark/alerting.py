"""Telling people: alerts that are raised, grouped into one message, through apprise, and not too often."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from crawler.keeper import STORAGE_PROBLEMS
from newsark.settings import FILE
from reading.alerts import LOOKS_BACK, Rules, raise_alerts
from storage.alerts import Alert, Alerts
from storage.errors import BadSetting
from storage.log import Log

if TYPE_CHECKING:
    from apprise import Apprise

    from crawler.keeper import Keeper
    from newsark.home import Home
    from storage.archive import Archive

log = Log(__name__)

LOOK_SECONDS = 60.0
OVERLAP = timedelta(hours=3)
"""What the look before has not seen is hardly older: visits take their time, and clocks are set."""

MOST_LINES = 20
_WORDS = {
    "removed": ("article removed", "articles removed"),
    "many-removed": ("purge", "purges"),
    "away": ("source away", "sources away"),
    "silent": ("source silent", "sources silent"),
    "confidence": ("source read badly", "sources read badly"),
    "store": ("store behind", "stores behind"),
    "disk": ("disk nearly full", "disks nearly full"),
}


def rules_of(home: Home) -> Rules:
    """The rules as the settings have them."""
    settings = home.settings
    return Rules(
        removed=settings.alert_removed,
        removed_in_an_hour=settings.alert_removed_in_an_hour,
        silent_times=settings.alert_silent_times,
        confidence_fall=settings.alert_confidence_fall,
        store_hours=settings.alert_store_hours,
        free_bytes=2 * settings.disk_reserve_bytes,
        confirmations=home.confirmations,
    )


def messenger(home: Home) -> Apprise | None:
    """Whoever sends to the addresses in `alert_to`; None when there are none.

    Raises BadSetting for an address that nobody understands; it is not repeated, since it may hold a password.
    """
    addresses = home.settings.alert_to
    if not addresses:
        return None
    try:
        from apprise import Apprise
    except ModuleNotFoundError:
        problem = "alerts are sent with apprise: pip install 'newsark[alerts]'"
        raise BadSetting(FILE, "alert_to", problem) from None
    sender = Apprise()
    for number, address in enumerate(addresses, 1):
        if not sender.add(address):
            kind = address.partition("://")[0] if "://" in address else "no scheme"
            problem = f"address {number} ({kind}) is none that apprise understands; see https://appriseit.com/services/"
            raise BadSetting(FILE, "alert_to", problem)
    return sender


@contextlib.asynccontextmanager
async def alerting(home: Home, keeper: Keeper, source_ids: Sequence[str]) -> AsyncIterator[None]:
    """Look every minute, and at the end, for what is to be told of these sources, which are being crawled."""
    look = partial(_look, home, keeper, messenger(home), source_ids)
    task = asyncio.create_task(_look_often(look))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await look(LOOKS_BACK)


async def _look_often(look: Callable[[timedelta], Awaitable[bool]]) -> None:
    looks_back = LOOKS_BACK
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if await look(looks_back):
            looks_back = OVERLAP


async def _look(
    home: Home, keeper: Keeper, sender: Apprise | None, source_ids: Sequence[str], looks_back: timedelta
) -> bool:
    """Whether what is new was raised; what nobody was told is sent. What cannot be done is done the next time."""
    try:
        free = shutil.disk_usage(keeper.archive.state).free
        rules = rules_of(home)
        raising = partial(raise_alerts, free_bytes=free, looks_back=looks_back, source_ids=source_ids)
        for alert in await keeper.run(raising, keeper.archive, rules):
            log.info("alert-raised", alert.title, source=alert.source, rule=alert.rule, url=alert.url)
        due = await keeper.run(due_alerts, keeper.archive, home.settings.alert_every_minutes)
        if due and sender is not None and await asyncio.to_thread(send, sender, due):
            await keeper.run(note_told, keeper.archive, due)
    except STORAGE_PROBLEMS as problem:
        log.warning("alerts-not-looked-at", f"alerts are not looked at now: {keeper.told(problem)}")
        return False
    return True


def due_alerts(archive: Archive, every_minutes: float) -> list[Alert]:
    """The alerts that nobody was told of; none when the last message was sent a moment ago."""
    now = archive.clock()
    with archive.catalogue.public() as connection:
        alerts = Alerts(connection)
        last = alerts.last_told()
        if last is not None and now - last < timedelta(minutes=every_minutes):
            return []
        return alerts.since(now - LOOKS_BACK, untold_only=True)


def note_told(archive: Archive, alerts: Sequence[Alert]) -> None:
    """Remember that somebody was told of these."""
    with archive.catalogue.begin() as connection:
        Alerts(connection).told([alert.key for alert in alerts], archive.clock())


def send(sender: Apprise, alerts: Sequence[Alert]) -> bool:
    """Whether one message with all of them was sent everywhere; where not, the log says so and nothing is forgotten."""
    title, body = message(alerts)
    sent = bool(sender.notify(body=body, title=title))
    if not sent:
        sentence = "alerts could not be sent everywhere; they are sent again later. newsark alerts test says more"
        log.warning("alerts-not-sent", sentence, alerts=len(alerts))
    return sent


def message(alerts: Sequence[Alert]) -> tuple[str, str]:
    """Title and text of the message about these alerts: what there is how often, then each in two lines."""
    counts = Counter(alert.rule for alert in alerts)
    title = ", ".join(f"{count} {_WORDS[rule][count != 1]}" for rule, count in counts.items())
    lines = [line for alert in alerts[:MOST_LINES] for line in _lines(alert)]
    if len(alerts) > MOST_LINES:
        lines.append(f"and {len(alerts) - MOST_LINES} more: newsark ledger --kind alert")
    return f"Newsark: {title}", "\n".join(lines)


def _lines(alert: Alert) -> list[str]:
    return [f"- {' '.join(alert.title.split())}", *([f"  {alert.url}"] if alert.url else [])]
