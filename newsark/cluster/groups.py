"""Sources of the same sites, as groups: a group is one worker's, so that no host is visited by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crawler.run import Errand
from crawler.scope import site_of
from crawler.source import Source
from crawler.weburl import parse_web_url


@dataclass(slots=True)
class Group:
    """Errands that are done one after the other by one worker.

    `key` is the same for all groups that name the same sites: of these one is worked on at a time. `deaths` counts the
    workers that died with it.
    """

    errands: list[Errand]
    key: str
    deaths: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its sources."""
        return tuple(errand.source.id for errand in self.errands)


@dataclass(frozen=True, slots=True)
class SentErrand:
    """An errand as it goes to a worker, which keeps count of its progress for itself."""

    source: Source
    extra: tuple[tuple[str, str], ...]
    file: str | None

    def errand(self) -> Errand:
        """The errand, not begun."""
        return Errand(self.source, self.extra, self.file)


def sent(group: Group) -> list[SentErrand]:
    """A group's errands as they go to a worker."""
    return [SentErrand(errand.source, errand.extra, errand.file) for errand in group.errands]


def sites_of(source: Source, extra: Sequence[tuple[str, str]] = ()) -> set[str]:
    """The sites that a source's file names: where a link may lead that is visited for it."""
    urls = [source.home, *source.feeds, *source.sitemaps, *source.sections, *(url for _, url in extra)]
    return {site_of(parse_web_url(url)) for url in (*urls, *(f"https://{host}/" for host in source.hosts))}


def grouped(errands: Sequence[Errand]) -> list[Group]:
    """The errands in groups, none of which names a site of another; in the order of their first errands."""
    groups: list[tuple[set[str], list[Errand]]] = []
    for errand in errands:
        sites, together = sites_of(errand.source, errand.extra), [errand]
        apart: list[tuple[set[str], list[Errand]]] = []
        for other, theirs in groups:
            if not sites.isdisjoint(other):
                sites, together = sites | other, theirs + together
            else:
                apart.append((other, theirs))
        groups = [*apart, (sites, together)]
    place = {errand.source.id: number for number, errand in enumerate(errands)}
    found = [sorted(theirs, key=lambda one: place[one.source.id]) for _, theirs in groups]
    found.sort(key=lambda theirs: place[theirs[0].source.id])
    return [Group(theirs, theirs[0].source.id) for theirs in found]
