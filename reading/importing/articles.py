"""Steps 7 and 8 for an imported page: its place among the article's versions, by when they were captured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from pipelines.article import WHOLE, WITH_TEXT
from pipelines.compare import PreviousVersion, Verdict, content_digest
from pipelines.learned import WINDOW_ARTICLES, LearnedFurniture
from pipelines.likeness import Sketch, duplicate_of, fingerprint
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


@dataclass(slots=True)
class _Page:
    """A page with a text on its way into the archive: which article it is, and what it is compared by."""

    capture: Capture
    reading: Reading
    key: str
    digest: str
    sketch: Sketch | None = None

    def before(self, history: Sequence[Seen]) -> list[Seen]:
        """What of the article's versions was captured until then."""
        return [one for one in history if one.captured_at <= self.capture.date]

    def is_unchanged_in(self, history: Sequence[Seen]) -> bool:
        """Whether the version before it or the one after it says the same."""
        before = self.before(history)
        after = [one for one in history if one.captured_at > self.capture.date]
        return self.digest in {one.digest for one in (*before[-1:], *after[:1])}


class ImportedArticles:
    """The articles of one import. Used from one thread."""

    def __init__(self, archive: Archive, source_id: str, imported: ImportedFile, rules: Rules) -> None:
        self._archive, self._source_id = archive, source_id
        self._imported, self._rules = imported, rules
        self._furniture = LearnedFurniture(archive.furniture(source_id))
        self._alike: dict[str, list[Version]] = {}
        for version in archive.newest_versions(source_id, WINDOW_ARTICLES):
            self._furniture.learn(version.article, orjson.loads(version.line))

    def take(self, pages: Sequence[tuple[Capture, Reading]], report: FileReport) -> None:
        """Record what pages hold, in their order: articles, and parts of those that nothing better is known of.

        The catalogue is asked once for all of them.
        """
        taken = [self._learned(capture, reading) for capture, reading in pages if self._is_text(reading, report)]
        known = self._imported.known([page.key for page in taken])
        self._sketch([page for page in taken if not page.is_unchanged_in(self._history(page, known))])
        for page in taken:
            history = self._history(page, known)
            if page.reading.kind not in WHOLE and history:
                continue
            if page.is_unchanged_in(history):
                self._unchanged(page, report)
            else:
                self._version(page, history, report)
        self._alike.clear()

    def _is_text(self, reading: Reading, report: FileReport) -> bool:
        report.pages[reading.kind] += 1
        return reading.article is not None and reading.kind in WITH_TEXT

    def _learned(self, capture: Capture, reading: Reading) -> _Page:
        """The page without the furniture that is known by now."""
        key = article_key(self._rules.address(article_url(reading.url, reading.canonical)))
        article = dict(reading.article or {})
        if self._rules.on_site(reading.url):
            if reading.kind in WHOLE:
                self._furniture.learn(key, article)
                self._imported.learned(self._furniture.fresh)
                self._furniture.taken()
            article = self._furniture.apply(article)
        return _Page(capture, replace(reading, article=article), key, content_digest(article))

    def _history(self, page: _Page, known: Mapping[str, Sequence[Seen]]) -> list[Seen]:
        return self._imported.history(page.key, known.get(page.key, ()))

    def _sketch(self, pages: Sequence[_Page]) -> None:
        """Give these pages their sketches, and ask what other sources have that is like them."""
        for page in pages:
            text = (page.reading.article or {}).get("articleBody") or ""
            page.sketch = Sketch(page.digest, fingerprint(text))
        printed = [page.sketch.fingerprint for page in pages if page.sketch is not None and page.sketch.fingerprint]
        self._alike |= self._archive.alike(self._source_id, printed)

    def _unchanged(self, page: _Page, report: FileReport) -> None:
        report.unchanged += 1
        capture = page.capture
        seen = Observation(capture.url, capture.date, "unchanged", None, page.key, None, capture.record_id)
        line = observation_line(build_observation(seen, capture))
        told = ArticleImported(capture.date, capture.url, page.key, observed="unchanged")
        self._imported.add_article(told, line, None)

    def _version(self, page: _Page, history: Sequence[Seen], report: FileReport) -> None:
        capture, before = page.capture, page.before(history)
        number = max((one.number for one in history), default=0) + 1
        last = PreviousVersion(before[-1].record_id, before[-1].number, before[-1].digest) if before else None
        report.edited += bool(history)
        report.new += not history
        if page.sketch is None:
            # it was like its neighbour until another page of the group came between
            self._sketch([page])
        record = build_record(
            page.reading,
            capture=capture,
            found={"method": "import", "via": capture.key},
            verdict=Verdict("edited" if history else "new", number, last),
            sketch=page.sketch,
        )
        if record.fingerprint is not None and record.fingerprint in self._alike:
            like = duplicate_of(record.fingerprint, self._alike[record.fingerprint])
            record = record.model_copy(update={"duplicate_of": like})
        line = record_line(record)
        version = Version(
            article=page.key,
            record_id=record.id,
            version=number,
            url=record.url,
            content_digest=page.digest,
            captured_at=capture.date,
            records_key="",
            line=line.decode(),
            canonical_url=record.canonical_url,
            headline=record.headline,
            date_published=record.date_published,
            in_language=record.in_language,
            fingerprint=record.fingerprint,
        )
        self._imported.add_article(ArticleImported(capture.date, record.url, page.key, record.id), line, version)
