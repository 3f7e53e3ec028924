"""Everything that can go wrong, as one tree; each leaf carries its facts as fields and its cure in the message.

NewsarkError                exit code 1
├── WrongUse                2   what was asked for cannot be done as asked
│   ├── BadSetting              newsark.toml, NEWSARK_* or an option
│   ├── BadSourceFile           a source's TOML file
│   ├── UnknownSource           a name no source has
│   ├── NotAFile                a path where no file is that could be read
│   ├── BadQuery                a full-text query that is not whole
│   ├── NotACatalogue           the database holds something else
│   ├── ExtraMissing            a part of Newsark that was not installed
│   ├── CatalogueNotEmpty       a rebuild would have to overwrite what the catalogue knows
│   ├── NotAnArchive            the directory holds something else
│   ├── NothingMatches, AmbiguousName, AlreadySuppressed, NotSuppressed, IsSuppressed (storage/suppressionerrors.py)
│   └── Locked, NotErasable, NotConfirmed, ErasureUnfinished (storage/erasing/erasureerrors.py; there too TooSmall, 3)
├── StorageError            3   bytes could not be kept, found or trusted
│   ├── ObjectExists            an object of that name and other bytes is there already
│   ├── ObjectMissing           no such object
│   ├── DigestMismatch          the bytes are not the ones that were written
│   ├── NotReadableWarc         no WARC record starts at that offset
│   ├── SegmentClosed           a sealed segment takes nothing more
│   ├── SegmentWriteFailed      the disk did not take what was to be kept
│   ├── DiskFull                there was no room for longer than the crawl waits
│   ├── BadObjectKey            a name that no object may have
│   ├── NotReadableManifest     the object is no manifest of a format known here
│   ├── StoreUnreachable        a store does not answer, or only with errors of its own
│   ├── StoreRefuses            a store refuses what was asked of it
│   ├── StoreEmptied            a store that held the archive holds nothing of it now
│   ├── ParcelLost              what was to be stored is neither here nor in any store
│   ├── StoresBehind            too much waits for a store, for longer than the crawl waits
│   ├── StoreUnsafe             a store that breaks the promises which keep objects safe
│   ├── CatalogueBehind         the store holds segments that the catalogue does not know
│   ├── TimestampRefused        an authority gave no time stamp that can be used
│   ├── CatalogueTooNew         a newer Newsark wrote the catalogue
│   ├── CatalogueUnreachable    the catalogue's server does not answer
│   └── CatalogueUnusable       the database cannot be opened, read or written
├── SourceBusy              4   another process works on that source
├── NothingFound            1   an address names no articles, or nobody answers there
├── Refused                 1   a URL or address that must not be visited
└── PageError               1   a page's text costs its reason, never the crawl
    ├── BodyUndecodable         its content-encoding is broken or unknown
    ├── BodyTooLarge            it unpacks to more than the limit
    ├── NotAFeed                what a feed's address gives is something else (crawler/listerrors.py)
    ├── NotASitemap             what a sitemap's address gives is something else (crawler/listerrors.py)
    ├── ReadingTimedOut         reading it took longer than the limit
    └── ReaderCrashed           the worker that read it died
"""

from __future__ import annotations


class NewsarkError(Exception):
    """Base of all errors a user may see; `exit_code` is what the command line ends with."""

    exit_code = 1


class WrongUse(NewsarkError):
    """What was asked for cannot be done as asked; the message says what to write instead."""

    exit_code = 2


class BadSetting(WrongUse):
    """A setting's name or value is not one: `where` is the file, variable or option."""

    def __init__(self, where: str, name: str, problem: str) -> None:
        self.where, self.name, self.problem = where, name, problem
        super().__init__(f"{where}: {name}: {problem}")


class BadSourceFile(WrongUse):
    """A source file cannot be used: `where` is its path, `key` the entry, `problem` what is wrong and the cure."""

    def __init__(self, where: str, key: str, problem: str) -> None:
        self.where, self.key, self.problem = where, key, problem
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")


class UnknownSource(WrongUse):
    """No source has that name; `known` lists those that exist."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        cure = f"known sources: {', '.join(known)}" if known else "add one with: newsark sources add URL"
        super().__init__(f"no source is called {name!r}; {cure}")


class BadQuery(WrongUse):
    """A full-text query asks for nothing or is not whole: `at` is the sign, from 1; `cure` what to write instead."""

    def __init__(self, query: str, at: int, problem: str, cure: str) -> None:
        self.query, self.at, self.problem, self.cure = query, at, problem, cure
        super().__init__(f"the query {query!r} {problem}, at sign {at}; {cure}")


class NotAFile(WrongUse):
    """There is no file at `path` that could be read; `problem` is why."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class NotAnArchive(WrongUse):
    """The place holds something that is not a Newsark archive, and nothing was written to it."""

    def __init__(self, place: str, problem: str) -> None:
        self.place, self.problem = place, problem
        super().__init__(f"{place} is not a Newsark archive: {problem}. Name another place with --archive")


class ExtraMissing(WrongUse):
    """What was asked for needs packages that are installed only on request: those of `extra`."""

    def __init__(self, purpose: str, extra: str) -> None:
        self.purpose, self.extra = purpose, extra
        super().__init__(f"{purpose} need more packages; install them with: pip install 'newsark[{extra}]'")


class NotACatalogue(WrongUse):
    """The database at `place` holds something else than a catalogue, and nothing was written to it."""

    def __init__(self, place: str, problem: str) -> None:
        self.place, self.problem = place, problem
        super().__init__(f"{place} is not a Newsark catalogue: {problem}. Give `catalogue` a database of its own")


class CatalogueNotEmpty(WrongUse):
    """A catalogue that knows something is not filled from the store; `can_replace` says whether it can be replaced."""

    def __init__(self, place: str, *, can_replace: bool) -> None:
        self.place, self.can_replace = place, can_replace
        cure = (
            "newsark rebuild --replace makes a new one and keeps this one beside it"
            if can_replace
            else "make an empty database, set `catalogue` to its URL, and run newsark rebuild; keep this one until then"
        )
        super().__init__(f"{place} is not empty; {cure}")


class StorageError(NewsarkError):
    """Bytes could not be kept, found or trusted."""

    exit_code = 3


class ObjectExists(StorageError):
    """An object of that name with other bytes is there already; objects are written once and never changed."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{key} exists with other content; stored objects are never overwritten")


class ObjectMissing(StorageError):
    """The store has no object of that name."""

    def __init__(self, key: str, store: str) -> None:
        self.key, self.store = key, store
        super().__init__(f"{key} is not in {store}")


class DigestMismatch(StorageError):
    """The bytes found are not the bytes that were written."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.what, self.expected, self.found = what, expected, found
        super().__init__(f"{what}: expected {expected}, found {found}; the bytes were changed after they were written")


class NotReadableWarc(StorageError):
    """No whole WARC record of the expected kind stands at that place."""

    def __init__(self, filename: str, offset: int, problem: str) -> None:
        self.filename, self.offset, self.problem = filename, offset, problem
        super().__init__(f"{filename} at offset {offset}: {problem}")


class SegmentClosed(StorageError):
    """A sealed segment takes nothing more; open a new one."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        super().__init__(f"segment {stem} is sealed; open a new one")


class SegmentWriteFailed(StorageError):
    """The disk did not take what was to be kept; `path` holds what it held before. Acknowledge nothing."""

    def __init__(self, path: str, problem: OSError) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"cannot write {path}: {problem.strerror or problem}; free space or repair the disk")


class DiskFull(StorageError):
    """There was no room on the disk of `place` for longer than a crawl waits for it; `free` is how much there is."""

    def __init__(self, place: str, free: str) -> None:
        self.place, self.free = place, free
        super().__init__(
            f"the disk of {place} is full ({free} free); make room and run the same command again. "
            "What was acknowledged is kept; what the disk did not take is fetched again"
        )


class BadObjectKey(StorageError):
    """An object may not have that name: it is empty, absolute, hidden, or leads out of the store."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{key!r} is not a name for a stored object; see docs/format.md")


class NotReadableManifest(StorageError):
    """The bytes under `key` are no manifest of a format known here."""

    def __init__(self, key: str, problem: str) -> None:
        self.key, self.problem = key, problem
        super().__init__(f"{key} is not a readable manifest: {problem}")


class CatalogueUnusable(StorageError):
    """The catalogue's database cannot be opened, read or written; `problem` is what it says itself."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the catalogue cannot be used: {problem}; check the `catalogue` setting and the disk")


class CatalogueUnreachable(StorageError):
    """The server of the catalogue at `place` does not answer; `problem` is why. Nothing that was under way holds."""

    def __init__(self, place: str, problem: str) -> None:
        self.place, self.problem = place, problem
        away = f"the catalogue {place} does not answer: {problem}"
        super().__init__(f"{away}; see to its server and run the same command again. What was acknowledged is kept")


class StoreUnreachable(StorageError):
    """The store did not do what was asked for `seconds`: no answer, or errors of its own. `problem` is the last one.

    What was asked may have happened or not; ask again later.
    """

    def __init__(self, store: str, action: str, seconds: float, problem: str) -> None:
        self.store, self.action, self.seconds, self.problem = store, action, seconds, problem
        tried = f"{store} cannot {action}, tried for {seconds:.0f} s: {problem}"
        super().__init__(f"{tried}; check the network and the server, nothing is lost meanwhile")


class StoreRefuses(StorageError):
    """The store refuses what was asked; `code` is its word for the reason (S3's error code), `cure` what to do."""

    def __init__(self, store: str, action: str, code: str, problem: str, cure: str) -> None:
        self.store, self.action, self.code, self.problem, self.cure = store, action, code, problem, cure
        super().__init__(f"{store} refuses to {action} ({code}): {problem.rstrip('.')}; {cure}")


class StoreEmptied(StorageError):
    """The store was used before and has no newsark.json now: its disk is not mounted, or somebody emptied it."""

    def __init__(self, store: str, mark: str) -> None:
        self.store, self.mark = store, mark
        super().__init__(
            f"{store} held the archive and has no newsark.json now; is its disk mounted? Its objects wait. "
            f"If it is meant to begin anew, remove {mark} and run: newsark verify --repair"
        )


class ParcelLost(StorageError):
    """An object or segment is neither on this disk nor in any store that can be asked."""

    def __init__(self, parcel: str, asked: list[str]) -> None:
        self.parcel, self.asked = parcel, asked
        where = f"{parcel} is neither on this disk nor in {', '.join(asked)}"
        super().__init__(f"{where}; bring back the store or the state directory that has it")


class StoresBehind(StorageError):
    """Too much waits on this disk for a store; `waiting` is how much, `problem` why."""

    def __init__(self, store: str, waiting: str, problem: str) -> None:
        self.store, self.waiting, self.problem = store, waiting, problem
        behind = f"{waiting} wait for {store}, more than max_waiting_bytes: {problem}"
        super().__init__(f"{behind}; nothing is lost, crawl again when the store takes objects")


class StoreUnsafe(StorageError):
    """The store breaks promises that keep objects safe, and the settings do not say that this is accepted."""

    def __init__(self, store: str, faults: list[str]) -> None:
        self.store, self.faults = store, faults
        super().__init__(f"{store}: {'; '.join(faults)}. Use another server, or set accept_unsafe = true for this one")


class CatalogueBehind(StorageError):
    """The store holds segments that this catalogue does not know: it is new, or another one writes there too."""

    def __init__(self, store: str, source: str, count: int) -> None:
        self.store, self.source, self.count = store, source, count
        unknown = f"{count} segment{'' if count == 1 else 's'} of {source} that this machine's catalogue does not know"
        super().__init__(f"{store} holds {unknown}; fill it from the store with: newsark rebuild")


class TimestampRefused(StorageError):
    """The authority at `url` gave no time stamp, or one that is wrong. Never fatal: it can be had later."""

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"no time stamp from {url}: {problem}; check `timestamp_url` and `timestamp_certificates`")


class CatalogueTooNew(StorageError):
    """The catalogue is of a version after the last one `known` here; `written_by` is the software that made it so."""

    def __init__(self, place: str, version: int, known: int, written_by: str | None) -> None:
        self.place, self.version, self.known, self.written_by = place, version, known, written_by
        writer = f", written by {written_by}" if written_by else ""
        super().__init__(
            f"the catalogue {place} is of version {version}{writer}; this Newsark knows versions up to {known}. "
            f"Use {written_by or 'the Newsark that wrote it'} or a later one"
        )


class SourceBusy(NewsarkError):
    """Another process works on that source; politeness needs one at a time."""

    exit_code = 4

    def __init__(self, source: str, owner: str) -> None:
        self.source, self.owner = source, owner
        super().__init__(f"{source} is being crawled by {owner}; wait for it to end or stop it")


class NothingFound(NewsarkError):
    """No feed, sitemap or section was found at a newsroom's address; `problem` is why, as far as it is known."""

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"{url}: found nothing that lists articles, and wrote nothing: {problem}")


class Refused(NewsarkError):
    """A URL or address that must not be visited.

    `rule` is the word in reports (`scheme`, `bad-url`, `bad-port`, `local-name`, `private-address`,
    `metadata-address`, `robots`, `scope`), `what` the URL or address, `problem` the reason and the cure.
    """

    def __init__(self, rule: str, what: str, problem: str) -> None:
        self.rule, self.what, self.problem = rule, what, problem
        super().__init__(f"{what} is not visited ({rule}): {problem}")


class PageError(NewsarkError):
    """A page could not be read; its bytes are kept and the reason is recorded. `kind` is the word in reports."""

    kind = "unreadable"


class BodyUndecodable(PageError):
    """The body is not what its Content-Encoding says."""

    kind = "undecodable"

    def __init__(self, encoding: str, problem: str) -> None:
        self.encoding, self.problem = encoding, problem
        super().__init__(f"the body is not valid {encoding}: {problem}")


class BodyTooLarge(PageError):
    """The body unpacks to more than `limit_bytes`."""

    kind = "too-large"

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"the body unpacks to more than {limit_bytes} bytes; raise max_page_bytes to read it")


class ReadingTimedOut(PageError):
    """Reading took longer than `limit_seconds`; the worker was stopped."""

    kind = "reading-timed-out"

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(f"reading the page took longer than {limit_seconds:g} s; raise extract_timeout_seconds")


class ReaderCrashed(PageError):
    """The worker process that read the page died; `problem` is how."""

    kind = "reader-crashed"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the reader process died on this page: {problem}")
