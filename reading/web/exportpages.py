"""The exports' pages: ask for one, watch it being built, download its files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, Form, HTTPException
from fastapi.responses import FileResponse, RedirectResponse

from reading.exports.articles import Articles
from reading.exports.kind import Kind
from reading.exports.kinds import KINDS
from reading.exports.run import Export, export_directory
from reading.exports.selection import Selection
from reading.exports.target import DirectoryTarget
from reading.exports.wacz import export_wacz, export_warc
from reading.query import parse
from reading.suppressing import suppressions_of
from reading.web.exportjobs import DONE, ENDED, MOST_KEPT, ExportJob
from reading.web.facts import Facts
from reading.web.finding import PUBLISHED, Asked, asked, selection_of
from reading.web.pace import Exporting
from reading.web.room import Room, TheRoom
from storage.durable import whole_file

WHATS = ("articles", "observations", "ledger")
FORMS = ("jsonl.gz", "csv", "parquet", "wacz", "warc")
PAGES = {"wacz": "articles.wacz", "warc": "articles.warc.gz"}
"""Forms that hold pages as they were captured, in one file."""

HELD = "held back"
HELD_BACK = "it was made before something was suppressed, and may have it; ask for it anew"


class FileLine(Facts):
    """A file of an export."""

    name: str
    bytes: int


class ExportLine(Facts):
    """An export: `state` is waiting, running, done, failed, stopped or held back; `share` how much is done, 0 to 1."""

    id: str
    form: str
    query: dict[str, Any]
    asked_at: str
    state: str
    rows: int
    share: float | None
    problem: str | None
    files: list[FileLine]
    ended: bool

    @classmethod
    def of(cls, job: ExportJob) -> ExportLine:
        """The line of a job."""
        return cls(
            id=job.id,
            form=job.form,
            query=job.query,
            asked_at=job.asked_at,
            state=job.state,
            rows=job.rows,
            share=min(1.0, job.rows / job.total) if job.total else None,
            problem=job.problem,
            files=[FileLine(name=name, bytes=size) for name, size in zip(job.files, job.sizes, strict=True)],
            ended=job.state in ENDED,
        )


class ExportList(Facts):
    """The exports that are kept here, the newest first, and what a new one may be."""

    forms: tuple[str, ...]
    most: int
    asked: Asked
    sources: dict[str, str]
    exports: list[ExportLine]


def export_list(room: TheRoom, wanted: Annotated[Asked, Depends(asked)]) -> ExportList:
    """The exports that are kept here; what the address asks for stands in the form for a new one."""
    return ExportList(
        forms=FORMS,
        most=MOST_KEPT,
        asked=wanted,
        sources=room.source_names(),
        exports=[line_of(room, job) for job in room.jobs.all()],
    )


def line_of(room: Room, job: ExportJob) -> ExportLine:
    """The line of a job; one that was asked for before something was suppressed is held back, for it may have it."""
    line = ExportLine.of(job)
    began = [one.at for one in suppressions_of(room.archive)]
    if line.state != DONE or not began or datetime.fromisoformat(job.asked_at) > max(began):
        return line
    return line.model_copy(update={"state": HELD, "problem": HELD_BACK, "files": []})


def export_asked(
    q: Annotated[str, Form(max_length=1000)] = "",
    source: Annotated[list[str] | None, Form()] = None,
    language: Annotated[str, Form(max_length=200, description="Languages, apart by spaces.")] = "",
    state: Annotated[str, Form()] = "",
    published: Annotated[str, Form(pattern=PUBLISHED)] = "",
    since: Annotated[str, Form(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
    until: Annotated[str, Form(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
    versions: Annotated[Literal["latest", "all"], Form()] = "latest",
) -> Asked:
    """What the form asks for."""
    return asked(q, source, language.split(), state, published, since, until, versions)  # type: ignore[arg-type]  # the form hands on what Asked then judges


def build_export(
    room: TheRoom,
    wanted: Annotated[Asked, Depends(export_asked)],
    form: Annotated[Literal[FORMS], Form()],  # type: ignore[valid-type]  # the words stand in one place
    _: Exporting,
    what: Annotated[Literal[WHATS], Form()] = "articles",  # type: ignore[valid-type]  # the words stand in one place
) -> ExportLine:
    """Ask for an export; its id leads to its progress and its files."""
    kind = _kind(room, wanted, what)
    if isinstance(kind, Articles):
        _check_query(kind.selection)
    elif form in PAGES:
        raise HTTPException(400, f"{form} has pages of articles; {what} come as jsonl.gz, csv or parquet")
    unknown = set(wanted.source) - set(room.source_names())
    if unknown:
        raise HTTPException(404, f"no source is called {min(unknown)!r}; /sources lists them")
    total = room.with_catalogue(kind.steps)
    build = (
        partial(_write_pages, room, kind.selection, form)
        if isinstance(kind, Articles) and form in PAGES
        else partial(_write_rows, room, kind, form)
    )
    asked_for = wanted.as_query() if what == "articles" else {"what": what, **wanted.as_query()}
    return ExportLine.of(room.jobs.add(form, asked_for, total, build))


def _kind(room: Room, wanted: Asked, what: str) -> Kind:
    """What is exported, with its query. Raises HTTPException 400 for a filter that it does not have."""
    selection = selection_of(wanted)
    if what == "articles":
        return Articles(selection)
    others = set(wanted.as_query()) - {"source", "since", "until"}
    if others:
        raise HTTPException(400, f"{' and '.join(sorted(others))} can be asked of articles only, not of {what}")
    moments = {"since": selection.captured_since, "until": selection.captured_until}
    query: dict[str, Any] = {name: moment.isoformat() for name, moment in moments.items() if moment}
    if wanted.source:
        query["sources"] = list(wanted.source)
    if what == "ledger":
        query["confirmations"] = {kind: str(one) for kind, one in room.confirmations.items()}
    return KINDS[what].from_json(query)


def _check_query(selection: Selection) -> None:
    """Raise BadQuery for what is no query: now, and not by an export that fails."""
    if selection.query:
        parse(selection.query)


def build_and_show(line: Annotated[ExportLine, Depends(build_export)]) -> RedirectResponse:
    """Ask for an export, and lead to its page."""
    return RedirectResponse(f"/exports/{line.id}", 303)


def _write_rows(room: Room, kind: Kind, form: str, target: Path, on_step: Callable[[], None]) -> int:
    return export_directory(room.archive, room.name, Export(kind, form), DirectoryTarget(target), on_step).rows


def _write_pages(room: Room, selection: Selection, form: str, target: Path, on_step: Callable[[], None]) -> int:
    path = target / PAGES[form]
    with whole_file(path) as file:
        if form == "wacz":
            pages, missing = export_wacz(room.archive, room.name, selection, file, on_step)
        else:
            pages, missing = export_warc(room.archive, selection, file, path.name, on_step)
        if missing:
            (target / "left-out.txt").write_text("\n".join(missing) + "\n", encoding="utf-8")
    return pages


def one_export(room: TheRoom, export_id: str) -> ExportLine:
    """How far an export is, and its files when it is done."""
    job = room.jobs.get(export_id)
    if job is None:
        raise HTTPException(404, f"there is no export {export_id!r}; it may have been removed")
    return line_of(room, job)


def export_file(room: TheRoom, export_id: str, name: str) -> FileResponse:
    """A file of an export that is done."""
    if one_export(room, export_id).state == HELD:
        raise HTTPException(404, HELD_BACK)
    path = room.jobs.file(export_id, name)
    if path is None or not path.is_file():
        raise HTTPException(404, "there is no such file; the export's page lists those there are")
    return FileResponse(path, media_type="application/octet-stream", filename=name)


def stop_export(room: TheRoom, export_id: str) -> RedirectResponse:
    """Stop an export that is not done."""
    one_export(room, export_id)
    room.jobs.stop(export_id)
    return RedirectResponse(f"/exports/{export_id}", 303)


def remove_export(room: TheRoom, export_id: str) -> RedirectResponse:
    """Remove an export that ended, with its files."""
    one_export(room, export_id)
    if not room.jobs.remove(export_id):
        raise HTTPException(400, "it is not done yet; stop it first")
    return RedirectResponse("/exports", 303)
