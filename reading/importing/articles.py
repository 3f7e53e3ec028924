"""Steps 7 and 8 for an imported page: its place among the article's versions, by when they were captured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson

from pipelines.article import WHOLE, WITH_TEXT
from pipelines.compare import PreviousVersion, Verdict, content_digest
from pipelines.learned import WINDOW_ARTICLES, LearnedFurniture
from pipelines.likeness import duplicate_of
from pipelines.observation import build_observation, observation_line
from pipelines.reading import Reading
from pipelines.record import article_url, build_record, record_line
from pipelines.selectors import Selectors
from reading.importing.filereport import FileReport
from storage.archive import Archive
from storage.capture import Capture
from storage.events import ArticleImported
from storage.importedfile import ImportedFile
from storage.importscratch import Seen
from storage.versions import Observation, Version, article_key

Address = Callable[[str], str]
"""The one spelling of a URL that names an article; it gives the URL itself where that cannot be spelled."""

OnSite = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the crawl knows and an import asks: how URLs are spelled, and which pages are the newsroom's own, whose
    furniture can be learned (of a collection of others' files none). `selectors` are the source file's."""

    address: Address
    on_site: OnSite
    selectors: Selectors | None = None


class ImportedArticles:
    """The articles of one import. Used from one thread."""

    def __init__(self, archive: Archive, source_id: str, imported: ImportedFile, rules: Rules) -> None:
        self._archive, self._source_id = archive, source_id
        self._imported, self._rules = imported, rules
        self._furniture = LearnedFurniture(archive.furniture(source_id))
        for version in archive.newest_versions(source_id, WINDOW_ARTICLES):
            self._furniture.learn(version.article, orjson.loads(version.line))

    def take(self, capture: Capture, reading: Reading, report: FileReport) -> None:
        """Record what a page holds, when it is an article or the part of one that nothing better is known of."""
        report.pages[reading.kind] += 1
        if reading.article is None or reading.kind not in WITH_TEXT:
            return
        key = article_key(self._rules.address(article_url(reading.url, reading.canonical)))
        history = self._imported.history(key)
        if reading.kind not in WHOLE and history:
            return
        article = dict(reading.article)
        if self._rules.on_site(reading.url):
            if reading.kind in WHOLE:
                self._furniture.learn(key, article)
                self._imported.learned(self._furniture.fresh)
                self._furniture.taken()
            article = self._furniture.apply(article)
        digest = content_digest(article)
        before = [one for one in history if one.captured_at <= capture.date]
        after = [one for one in history if one.captured_at > capture.date]
        if digest in {one.digest for one in (*before[-1:], *after[:1])}:
            self._unchanged(capture, key, report)
        else:
            self._version(capture, replace(reading, article=article), key, digest, history, before, report)

    def _unchanged(self, capture: Capture, key: str, report: FileReport) -> None:
        report.unchanged += 1
        seen = Observation(capture.url, capture.date, "unchanged", None, key, None, capture.record_id)
        line = observation_line(build_observation(seen, capture))
        told = ArticleImported(capture.date, capture.url, key, observed="unchanged")
        self._imported.add_article(told, line, None)

    def _version(
        self,
        capture: Capture,
        reading: Reading,
        key: str,
        digest: str,
        history: Sequence[Seen],
        before: Sequence[Seen],
        report: FileReport,
    ) -> None:
        number = max((one.number for one in history), default=0) + 1
        last = PreviousVersion(before[-1].record_id, before[-1].number, before[-1].digest) if before else None
        report.edited += bool(history)
        report.new += not history
        record = build_record(
            reading,
            capture=capture,
            found={"method": "import", "via": capture.key},
            verdict=Verdict("edited" if history else "new", number, last),
        )
        if record.fingerprint is not None:
            alike = self._archive.alike(self._source_id, [record.fingerprint])
            like = duplicate_of(record.fingerprint, alike.get(record.fingerprint, ()))
            record = record.model_copy(update={"duplicate_of": like})
        line = record_line(record)
        version = Version(
            article=key,
            record_id=record.id,
            version=number,
            url=record.url,
            content_digest=digest,
            captured_at=capture.date,
            records_key="",
            line=line.decode(),
            canonical_url=record.canonical_url,
            headline=record.headline,
            date_published=record.date_published,
            in_language=record.in_language,
            fingerprint=record.fingerprint,
        )
        self._imported.add_article(ArticleImported(capture.date, record.url, key, record.id), line, version)
