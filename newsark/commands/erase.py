"""`newsark erase`: a court's order to delete, carried out in every store, with a tombstone that can be verified."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsark.address import normal_spelling
from newsark.console import counted, err, print_json, say, say_line
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption, JsonOption
from storage.errors import WrongUse

if TYPE_CHECKING:
    from reading.listings import Listing
    from storage.archive import Archive
    from storage.erasing.carrying import Order
    from storage.erasing.plan import Plan
    from storage.erasure import Erased


def erase(
    place: Annotated[
        str | None, typer.Argument(metavar="URL|ID", help="The article by address or record id, or an address.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="WORDS", help="Why; the tombstone has it.")] = None,
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="REFERENCE", help="The order's own reference, such as a file number."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHO", help="Who erases; the operator of the settings, or you.")
    ] = None,
    url: Annotated[
        bool, typer.Option("--url", help="Everything that was kept at the address, also a picture or a PDF.")
    ] = False,
    also_listings: Annotated[
        bool, typer.Option("--also-listings", help="Captures of feeds, sitemaps and sections that name it, too.")
    ] = False,
    confirm_url: Annotated[
        str | None, typer.Option("--confirm-url", metavar="URL", help="The article's address, as the dry run shows it.")
    ] = None,
    yes_erase: Annotated[
        str | None, typer.Option("--yes-erase", metavar="ID", help="The id of the plan, as the dry run shows it.")
    ] = None,
    name_url: Annotated[bool, typer.Option("--name-url", help="Let the tombstone name the address.")] = False,
    bypass_governance: Annotated[
        bool,
        typer.Option("--bypass-governance", help="Delete what is locked in GOVERNANCE mode; a right of its own."),
    ] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Go on with an erasure that was cut short.")] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Delete an article for good, in every store, because somebody must.

    Without --confirm-url and --yes-erase it shows what would go; on a
    terminal it then asks for both. A signed tombstone says who, why and
    which objects changed, so that verify and rebuild stay true. To hide
    something without deleting it: newsark suppress.
    """
    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    with home.archive() as opened:
        opened.courier.start()
        if finish:
            _finish_all(opened, json=json)
            return
        if place is None:
            raise WrongUse("name what is to go: newsark erase URL, or --finish for an erasure that was cut short")
        _erase(
            opened,
            place,
            _order(home, by, reason, order, name_url=name_url, bypass=bypass_governance),
            _Asked(url, confirm_url, yes_erase, also_listings=also_listings, json=json),
        )


def _order(home: Home, by: str | None, reason: str | None, order: str | None, *, name_url: bool, bypass: bool) -> Order:
    from storage.erasing.carrying import Order

    who = by or home.settings.operator or getpass.getuser()
    return Order(who, (reason or "").strip(), order, name_url, bypass)


class _Asked:
    """How it is confirmed, and how it is told."""

    def __init__(
        self, is_address: bool, confirm_url: str | None, yes_erase: str | None, *, also_listings: bool, json: bool
    ) -> None:
        self.is_address, self.also_listings, self.json = is_address, also_listings, json
        self._url, self._id = confirm_url, yes_erase

    def is_confirmed(self, plan: Plan) -> bool:
        """Whether both confirmations were given; False when none was, and nobody can be asked.

        Raises NotConfirmed for one that is not right.
        """
        from storage.erasing.erasureerrors import NotConfirmed

        url, number = self._url, self._id
        if url is None and number is None:
            if self.json or not (sys.stdin.isatty() and err.is_terminal):
                return False
            url = typer.prompt("Type the address that is to be erased", err=True)
            number = typer.prompt(f"Type {plan.id} to erase it for good", err=True)
        if url != plan.url:
            raise NotConfirmed(f"--confirm-url {plan.url}")
        if number != plan.id:
            raise NotConfirmed(f"--yes-erase {plan.id}")
        return True


def _erase(archive: Archive, place: str, order: Order, asked: _Asked) -> None:
    from reading.listings import listings_naming
    from reading.suppressing import meant_by
    from storage.erasing.carrying import begin, finish, owned, refuse_unfinished
    from storage.erasing.plan import concerned, plan_erasure

    refuse_unfinished(archive)
    meant = meant_by(archive, place, normal_spelling(place), "url" if asked.is_address else None)
    what = (meant.source_id, meant.scope, meant.target)
    named = (place, meant.url or place, *what)
    with owned(archive, concerned(archive, *what)):
        plan = plan_erasure(archive, *named)
        with err.status("Looking for lists that name it …"):
            listings = listings_naming(archive, plan)
        also = [one.record_id for one in listings] if asked.also_listings else []
        plan = plan_erasure(archive, *named, also)
        if not asked.json:
            _print_plan(archive, plan, [] if also else listings)
        if not asked.is_confirmed(plan):
            _end_dry_run(plan, listings, asked)
            return
        if not order.reason:
            raise WrongUse("say why with --reason: the tombstone has nothing else to say")
        journal = begin(archive, plan, order)
        with err.status("Erasing …"):
            done = finish(archive, journal)
    _print_done(done, json=asked.json)


def _end_dry_run(plan: Plan, listings: list[Listing], asked: _Asked) -> None:
    if asked.json:
        named = [{"url": one.url, "recordId": one.record_id} for one in listings]
        print_json({"dryRun": True, **_plan_json(plan), "listings": named})
        return
    say("Nothing was changed. To erase it:", "bold")
    options = f"{' --url' if asked.is_address else ''}{' --also-listings' if asked.also_listings else ''}"
    say_line(f"  newsark erase {plan.url}{options} --reason WHY --confirm-url {plan.url} --yes-erase {plan.id}")


def _finish_all(archive: Archive, *, json: bool) -> None:
    from storage.erasing.carrying import finish, journals, owned, sources_of

    found = journals(archive)
    for journal in found:
        with owned(archive, sources_of(journal)), err.status("Erasing …"):
            done = finish(archive, journal)
        _print_done(done, json=json)
    if not found:
        say("No erasure was cut short.", to=err)


def _plan_json(plan: Plan) -> dict[str, Any]:
    from storage.erasing.plan import counted_by_key

    return {
        "id": plan.id,
        "url": plan.url,
        "sources": [
            {
                "source": one.source_id,
                "exchanges": len(one.groups),
                "warcs": counted_by_key(one.groups),
                "versions": one.versions,
                "leads": len(one.leads),
                "urls": sorted(one.urls),
                "kept": one.kept,
            }
            for one in plan.sources
        ],
    }


def _print_plan(archive: Archive, plan: Plan, listings: list[Listing]) -> None:
    from storage.erasing.plan import counted_by_key

    say(f"What goes for good: {plan.url}", "bold")
    for one in plan.sources:
        numbers = ((len(one.groups), "exchange"), (one.versions, "version"), (len(one.leads), "lead"))
        what = ", ".join(counted(number, name) for number, name in numbers)
        say(f"{one.source_id}: {what}, with every line that tells of them", indent=2)
        for key, count in counted_by_key(one.groups).items():
            say_line(f"    {key}: {counted(count, 'exchange')}")
        if one.kept:
            say(f"{counted(one.kept, 'error page')} stay: records of other pages refer to them", "yellow", indent=4)
    say(f"in {', '.join(store.place for store in archive.stores)}: every version of each object", indent=2)
    say("What stays, and is yours to remove:", "bold")
    for url, count in Counter(one.url for one in listings).items():
        say_line(f"  {counted(count, 'capture')} of {url}, which names it: --also-listings erases these too")
    for line in _left(archive):
        say(line, indent=2)


def _left(archive: Archive) -> list[str]:
    """What an erasure does not reach."""
    copies = [path for path in _catalogue_copies(archive) if path.exists()]
    told = [f"a copy of the catalogue: {path}" for path in copies]
    exports = archive.state / "exports"
    if exports.is_dir() and any(exports.iterdir()):
        told.append(f"exports of the reading room, which may have it: {exports}")
    return [
        *told,
        "exports that were made before, backups, and copies that others have",
        "its pictures and files, which have addresses of their own: newsark erase --url ADDRESS",
        "other articles and pages that name it or quote it",
        "the newsroom's page: the next crawl finds it again as long as a list names it; put it into `exclude`",
    ]


def _catalogue_copies(archive: Archive) -> list[Path]:
    found = sorted(archive.state.glob("catalogue.sqlite.*"))
    return [path for path in found if not path.name.endswith((".sqlite", "-wal", "-shm"))]


def _print_done(done: Erased, *, json: bool) -> None:
    if json:
        objects = [one.key for one in done.objects]
        print_json({"dryRun": False, "id": done.id, "objects": objects, "captures": len(done.captures)})
        return
    say(f"Erased: {counted(len(done.captures), 'exchange')} in {counted(len(done.objects), 'object')}.", "green")
    say(f"The tombstone {done.id} is in the chain; newsark verify --deep holds the stores to it.")
