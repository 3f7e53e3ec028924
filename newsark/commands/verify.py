"""`newsark verify`: proof that the archive is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from newsark.cluster.connection import refuse_directories
from newsark.console import counted, err, human_bytes, plain, print_json, say, say_line
from newsark.home import Home
from newsark.options import ArchiveOption, ClusterOption, EndpointOption, JsonOption, SourcesArgument
from newsark.readers import Readers, readers_of
from storage.errors import BadSetting, WrongUse

if TYPE_CHECKING:
    from reading.reextraction import Rereading
    from storage.archive import Archive
    from storage.fixity.chaincheck import CheckManifest
    from storage.fixity.findings import Finding
    from storage.fixity.inventory import OnTheirWay
    from storage.fixity.repair import Repair
    from storage.fixity.verifier import Progress, Report, Scope, Verifier
    from storage.objects import ObjectStore

SAMPLE = 20
MOST_SHOWN = 50
INTERRUPTED = 130
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?", re.I)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def verify(
    names: SourcesArgument = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every byte: WARC records, index, records, events; read articles again.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put damaged and missing objects right from another store.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", min=0, help=f"With --deep: read so many articles again, not {SAMPLE}."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="With --deep: read all articles again.")] = False,
    max_bytes: Annotated[
        str | None,
        typer.Option("--max-bytes", metavar="SIZE", help="Verify so much, such as 500MB; the oldest check first."),
    ] = None,
    cluster: ClusterOption = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Prove that the archive is whole: each object in every store, the chain of manifests, records against bytes.

    Exit code 1 when something is not as it must be and was not repaired.
    """
    if (sample is not None or every) and not deep:
        raise WrongUse("--sample and --all read articles again, which is part of --deep: add it")
    if sample is not None and every:
        raise WrongUse("--sample and --all exclude each other")
    if cluster is not None and not deep:
        raise WrongUse("--cluster reads segments on other machines, which is part of --deep: add it")
    limit = None if max_bytes is None else size_bytes(max_bytes)
    home = Home.here(archive=archive, endpoint_url=endpoint_url).with_logs()
    if cluster is not None:
        refuse_directories(home.settings, cluster)
    ids = tuple(home.source_id(name) for name in names) if names else None
    with home.archive() as opened:
        from storage.fixity.verifier import Scope

        run = _Run(opened, home, Scope(deep=deep, sources=ids, max_bytes=limit), cluster)
        run.verify(sample=None if every else SAMPLE if sample is None else sample)
        if repair:
            run.repair()
        run.print_json() if json else run.print_text()
    if not run.report.ok:
        raise typer.Exit(1)
    if run.report.interrupted:
        raise typer.Exit(INTERRUPTED)


def size_bytes(text: str) -> int:
    """The size that people write as `500MB`, `2 GiB` or `1000`. Raises BadSetting for anything else."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS[found[2].lower()]) if found else 0
    if size <= 0:
        raise BadSetting("option", "--max-bytes", f"{text!r} is not a size such as 500MB or 2GB")
    return size


class _Run:
    """One verification of an open archive, with what it found so far."""

    def __init__(self, archive: Archive, home: Home, scope: Scope, cluster: str | None) -> None:
        from storage.fixity.verifier import Report

        self._cluster = cluster
        self.archive, self.home, self.scope = archive, home, scope
        self.stores: tuple[ObjectStore, ...] = archive.stores
        self.report: Report = Report()
        self.repairs: list[Repair] = []
        self.reread = 0

    def verify(self, *, sample: int | None) -> None:
        """Verify what the scope names; Ctrl-C ends it with what was found."""
        if not self.scope.deep or (sample == 0 and self._cluster is None):
            with _progress("verifying") as progress:
                self.report = self._verifier(self.scope, progress=progress).run()
            return
        with readers_of(self.home, cluster=self._cluster) as readers:
            self._verify_deep(readers, sample)

    def _verify_deep(self, readers: Readers, sample: int | None) -> None:
        from reading.reextraction import Rereading

        rereading = Rereading(readers.pool, self.archive.catalogue, sample)
        with _progress("verifying") as progress:
            self.report = self._verifier(self.scope, rereading, progress, readers).run()
        try:
            if not self.report.interrupted:
                self.report.findings += rereading.findings()
        except KeyboardInterrupt:
            self.report.interrupted = True
        self.reread = rereading.read

    def _verifier(
        self,
        scope: Scope,
        rereading: Rereading | None = None,
        progress: Progress | None = None,
        readers: Readers | None = None,
    ) -> Verifier:
        from storage.fixity.verifier import Verifier

        read_segment = readers.read_segment if readers is not None else None

        return Verifier(
            self.stores,
            self.archive.catalogue,
            scope,
            waiting=self._waiting,
            check_manifest=self._check_manifest(),
            on_line=rereading.take if rereading is not None else None,
            progress=progress,
            workers=readers.count if readers is not None and read_segment is not None else None,
            read_segment=read_segment,
        )

    def _check_manifest(self) -> CheckManifest:
        from newsark.proofs import certificates_of
        from storage.fixity.proofs import proof_check

        return proof_check(self.stores, certificates_of(self.home.settings))

    def _waiting(self) -> OnTheirWay:
        from storage.deliveries import Deliveries
        from storage.fixity.inventory import OnTheirWay
        from storage.unsent import Unsent

        with self.archive.catalogue.begin() as connection:
            journal, lost = Deliveries(connection), Unsent(connection).lost_stems()
            return OnTheirWay(
                {store.place: lost | {one.parcel for one in journal.waiting(store.place)} for store in self.stores}
            )

    def repair(self) -> None:
        """Put right what can be put right, and verify that again."""
        from storage.fixity.repair import repair, settled
        from storage.fixity.verifier import Scope

        if self.report.interrupted or self.report.ok:
            return
        try:
            self.repairs = repair(self.report, self.stores, self.archive.state / "repair")
            keys = frozenset(one.key for one in self.repairs)
            again = self._verifier(Scope(deep=self.scope.deep, sources=self.scope.sources, keys=keys)).run()
        except KeyboardInterrupt:
            self.report.interrupted = True
            return
        self.report.findings = settled(self.report, again, self.repairs)

    # what people and programs see

    def print_json(self) -> None:
        """The report as one JSON object."""
        report = self.report
        findings = [one.as_json() for one in report.findings if one.severity == "fault"]
        notes = [one.as_json() for one in report.findings if one.severity == "note"]
        print_json(
            {
                "ok": report.ok,
                "objects": report.objects,
                "bytes": report.bytes,
                "findings": findings,
                "notes": notes,
                "repaired": sum(one.problem is None for one in self.repairs),
                "unrepaired": [
                    {"object": one.key, "store": one.store, "message": one.problem}
                    for one in self.repairs
                    if one.problem is not None
                ],
                "reread": self.reread,
                "stores": [store.place for store in self.stores],
                "deep": self.scope.deep,
                "complete": not report.left_objects and not report.interrupted,
                "left": {"objects": report.left_objects, "bytes": report.left_bytes},
            }
        )

    def print_text(self) -> None:
        """The report for people: what is wrong, what to do about it, and the sum."""
        from storage.fixity.findings import KINDS

        faults = [one for one in self.report.findings if one.severity == "fault"]
        notes = [one for one in self.report.findings if one.severity == "note"]
        for kind in dict.fromkeys(one.kind for one in [*faults, *notes]):
            these = [one for one in [*faults, *notes] if one.kind == kind]
            _print_kind(kind, these)
            if any(one.is_open for one in these):
                say(f"→ {KINDS[kind].cure}", indent=2)
        for problem in dict.fromkeys(one.problem for one in self.repairs if one.problem):
            say(f"not repaired: {problem}", "red", indent=2)
        self._print_sum(faults)

    def _print_sum(self, faults: Sequence[Finding]) -> None:
        report = self.report
        verified = f"{counted(report.objects, 'object')}, {human_bytes(report.bytes)}"
        silent = sum(one.kind == "unreachable-store" for one in self.report.findings)
        where = f" in {counted(len(self.stores) - silent, 'store')}" if len(self.stores) > 1 else ""
        reread = f", {counted(self.reread, 'article')} read again" if self.reread else ""
        depth = "read in full" if self.scope.deep else "verified"
        say(f"{verified}{where} {depth}{reread}.")
        if report.interrupted:
            say("Stopped. The next run goes on with what was verified longest ago.", "yellow")
        elif report.left_objects:
            left = f"{counted(report.left_objects, 'object')}, {human_bytes(report.left_bytes)}"
            say(f"Left for the next run: {left}.")
        still = sum(one.is_open for one in faults)
        if still:
            say(f"{counted(still, 'finding')} to look at.", "bold red")
        elif faults:
            say(f"Whole again: {counted(len(faults), 'finding')} repaired.", "bold green")
        else:
            is_all = not report.left_objects and not report.interrupted
            say("Whole." if is_all else "Nothing wrong in what was verified.", "bold green")


def _print_kind(kind: str, findings: Sequence[Finding]) -> None:
    from storage.fixity.findings import KINDS

    style = "red" if any(one.is_open for one in findings) else "yellow"
    say(Text.assemble((kind, f"bold {style}"), f"  {KINDS[kind].meaning}"))
    for one in findings[:MOST_SHOWN]:
        mark = "repaired  " if one.repaired else ""
        place = f"  in {one.store}" if one.store else ""
        offset = f" at offset {one.offset}" if one.offset is not None else ""
        say_line(f"  {mark}{one.object}{offset}{place}")
        say(plain(one.message), "dim", indent=4)
    if len(findings) > MOST_SHOWN:
        say(f"and {len(findings) - MOST_SHOWN:,} more: --json has them all", indent=2)


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on a terminal, else None."""
    if not err.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bar("{task.description}", *columns, console=err, transient=True) as bar:
        task: Any = bar.add_task(what, total=None)
        yield _Shown(bar, task)


class _Shown:
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def begin(self, total_bytes: int) -> None:
        self._bar.update(self._task, total=total_bytes)

    def advance(self, count: int) -> None:
        self._bar.advance(self._task, count)
