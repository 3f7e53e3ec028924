"""`newsark suppress`: take something out of what is shown without deleting it, and back in."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from newsark.address import normal_spelling
from newsark.console import counted, err, plain, print_json, say, say_line
from newsark.home import Home, utc_now
from newsark.moment import moment
from newsark.options import ArchiveOption, EndpointOption, JsonOption
from storage.errors import BadSetting, WrongUse

if TYPE_CHECKING:
    from datetime import datetime

    from reading.suppressing import Meant
    from storage.archive import Archive
    from storage.suppression import Scope, Suppression

LIST = "list"
STORES_BEHIND = 3


def suppress(
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL|ID", help="Articles by address or record id, addresses; or the word list."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="WORDS", help="Why; it is kept with the decision.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHO", help="Who decided; the operator of the settings, or you.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Show it again from then on; never without it.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Only the version whose record's id is given, not its article.")
    ] = False,
    url: Annotated[
        bool, typer.Option("--url", help="Everything that was kept at the address, also a picture or a PDF.")
    ] = False,
    source: Annotated[bool, typer.Option("--source", help="All articles of the sources that are given.")] = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Show again what was suppressed, by its name or the suppression's id.")
    ] = False,
    ended: Annotated[bool, typer.Option("--ended", help="List those that are over, too.")] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Take something out of search, export, replay and the reading room.

    Nothing is deleted: verify, rebuild and reextract go on over it, it is
    counted as before, and --lift shows it again. Every version of an
    article is meant, also those to come. newsark suppress list shows what
    is suppressed, by whom, why and until when.
    """
    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    with home.archive() as opened:
        if not places or places == [LIST]:
            _list(opened, ended=ended, json=json)
            return
        who = by or home.settings.operator or getpass.getuser()
        opened.courier.start()
        done = (
            _lifted(opened, places, who, reason)
            if lift
            else _suppressed(opened, places, _scope(version=version, url=url, source=source), who, reason, until)
        )
        now = opened.clock()
        for one in done:
            print_json(one.as_json(now)) if json else _print(one, now)
        _wait(home, opened)


def _scope(*, version: bool, url: bool, source: bool) -> Scope | None:
    """The one that the options name. Raises WrongUse for more than one."""
    chosen: dict[Scope, bool] = {"version": version, "url": url, "source": source}
    named = [scope for scope, is_chosen in chosen.items() if is_chosen]
    if len(named) > 1:
        raise WrongUse(f"--{named[0]} and --{named[1]} are two things; use one of them")
    return named[0] if named else None


def _suppressed(
    archive: Archive, places: list[str], scope: Scope | None, by: str, reason: str | None, until: str | None
) -> list[Suppression]:
    from reading.suppressing import Decision, meant_by, suppress

    if not (reason or "").strip():
        raise WrongUse("say why with --reason: whoever finds this later has nothing else to go by")
    wanted = [meant_by(archive, place, normal_spelling(place), scope) for place in places]
    done = suppress(archive, wanted, Decision(by, (reason or "").strip(), _end(until)))
    for one in wanted:
        say(_told(one), to=err)
    return done


def _end(until: str | None) -> datetime | None:
    """When it ends. Raises BadSetting for a moment that has passed."""
    if until is None:
        return None
    end = moment(until, "--until", utc_now())
    if end <= utc_now():
        raise BadSetting("option", "--until", f"{until!r} has passed already; without it there is no end")
    return end


def _told(one: Meant) -> str:
    what = {
        "article": f"the article {one.url}, {counted(one.versions, 'version')} and those to come",
        "version": f"one version of {one.url}",
        "url": f"{one.url}, {counted(one.captures, 'capture')} and those to come",
        "source": f"all of {one.target}, {counted(one.versions, 'version')} and those to come",
    }
    return f"No longer shown: {what[one.scope]}. Pages that name it themselves, such as lists, stay."


def _lifted(archive: Archive, places: list[str], by: str, reason: str | None) -> list[Suppression]:
    from reading.suppressing import lift

    done = lift(archive, [(place, normal_spelling(place)) for place in places], by, reason)
    say(f"{counted(len(done), 'suppression')} lifted", to=err)
    return done


def _list(archive: Archive, *, ended: bool, json: bool) -> None:
    from reading.suppressing import suppressions_of

    found, now = suppressions_of(archive, ended=ended), archive.clock()
    for one in found:
        print_json(one.as_json(now)) if json else _print(one, now)
    if not found and not json:
        say("Nothing is suppressed.", to=err)


def _print(one: Suppression, now: datetime) -> None:
    end = f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "until it is lifted"
    if one.lifted_at is not None:
        end = f"lifted {one.lifted_at:%Y-%m-%d %H:%M} by {one.lifted_by}"
        end += f": {one.lift_reason}" if one.lift_reason else ""
    elif not one.holds(now):
        end = f"ended {one.until:%Y-%m-%d %H:%M} UTC"
    say_line(Text.assemble((one.id, "bold"), f"  {one.scope}  ", plain(one.url or one.target)))
    say(f"{one.at:%Y-%m-%d %H:%M} by {one.by}, {end}: {one.reason}", "dim", indent=2)


def _wait(home: Home, archive: Archive) -> None:
    """Wait until the stores have the decision; exit code 3 when they have not: it holds here all the same."""
    from newsark.delivering import wait_for_stores

    if archive.place.is_one_directory:
        return
    if wait_for_stores(archive, home.settings.upload_patience_seconds, show_progress=err.is_terminal):
        say("The stores do not have the decision yet: the next crawl sends it. It holds here.", "yellow", to=err)
        raise typer.Exit(STORES_BEHIND)
