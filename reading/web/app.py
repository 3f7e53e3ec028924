"""The reading room as a web application: which pages there are, and what is said when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from reading.web import articles, downloads, exportpages, figurepages, front, ledgerpage, login, sourcepages
from reading.web.door import Access, Door
from reading.web.finding import find
from reading.web.pace import Pace
from reading.web.room import Room
from reading.web.texts import rendered
from reading.web.twins import TROUBLES, Page, add_page, page_html
from storage.errors import NewsarkError, StorageError, UnknownSource, WrongUse

PAGES = (
    Page("/", front.front, "front.html", "Front", "front"),
    Page("/search", find, "search.html", "Search", "search"),
    Page("/ledger", ledgerpage.ledger_page, "ledger.html", "Ledger", "ledger"),
    Page("/sources", sourcepages.source_list, "sources.html", "Sources", "sources"),
    Page("/sources/{source_id}", sourcepages.one_source, "source.html", "Source", "sources"),
    Page("/figures", figurepages.figures, "figures.html", "Figures", "figures"),
    Page("/exports", exportpages.export_list, "exports.html", "Exports", "exports"),
    Page("/exports/{export_id}", exportpages.one_export, "export.html", "Export", "exports"),
    Page("/help", login.help_facts, "help.html", "Help", "help"),
    Page("/articles/{record_id}/compare", articles.compare, "compare.html", "What changed"),
    Page("/articles/{record_id}/replay", articles.replayed, "replay.html", "As it was"),
    Page("/articles/{record_id}", articles.article, "article.html", "Article"),
)
CHECK = Page("/articles/{record_id}/check", articles.check, "check.html", "Checked")
FILES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("/ledger.atom", ledgerpage.ledger_atom, "application/atom+xml"),
    ("/ledger.csv", ledgerpage.ledger_csv, "text/csv"),
    ("/figures/{plot}.svg", figurepages.figure, "image/svg+xml"),
    ("/exports/{export_id}/files/{name}", exportpages.export_file, "application/octet-stream"),
    *((f"/articles/{{record_id}}/{name}", view, kind) for name, (view, kind) in downloads.DOWNLOADS.items()),
)
"""What is no page: where it is, what gives it, its media type."""
LEADING: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "/find", articles.find_url),
    ("POST", "/exports/{export_id}/stop", exportpages.stop_export),
    ("POST", "/exports/{export_id}/remove", exportpages.remove_export),
)
"""What leads to a page."""
DOING: tuple[tuple[str, Callable[..., Any], int], ...] = (
    ("/exports.json", exportpages.build_export, 202),
    (f"{CHECK.path}.json", articles.check, 200),
)
"""What programs ask to be done, with the status of the answer."""
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
Exposition = Callable[[str], tuple[str, bytes]]
_STATIC = {one.name: one for one in (files("reading.web") / "static").iterdir()}


def make_app(room: Room, access: Access, pace: Pace, metrics: Exposition | None = None) -> FastAPI:
    """The application over an open room; the door stands before everything.

    `metrics` gives media type and text of the metrics for what an Accept header asks for; without it there are none.
    """
    app = FastAPI(
        title="Newsark reading room",
        version=version("newsark"),
        description="Search, read, compare and download what an archive keeps; every page has a twin in JSON.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.room, app.state.pace, app.state.access = room, pace, access
    _add_routes(app)
    if metrics is not None:
        _add_metrics(app, metrics)
    _add_handlers(app)
    app.add_middleware(Door, access=access, frame_of=lambda request: _frame(room, request))
    return app


def _frame(room: Room, request: Request) -> str | None:
    return room.replay.origin(request) if room.replay else None


def _add_routes(app: FastAPI) -> None:
    app.get("/static/{name}", include_in_schema=False)(_static)
    app.get("/login", include_in_schema=False)(login.login_page)
    app.post("/login", include_in_schema=False)(login.log_in)
    app.post("/exports", include_in_schema=False)(exportpages.build_and_show)
    app.post(CHECK.path, include_in_schema=False)(_checked)
    for path, view, kind in FILES:
        told: dict[int | str, dict[str, Any]] = {200: {"content": {kind: {}}, "description": view.__doc__}, **TROUBLES}
        app.add_api_route(path, view, responses=told, response_class=Response, tags=[_tag(path)])
    for method, path, view in LEADING:
        common: dict[str, Any] = {"methods": [method], "tags": [_tag(path)], "responses": TROUBLES}
        app.add_api_route(path, view, status_code=303, response_class=RedirectResponse, **common)
    for path, view, status in DOING:
        app.add_api_route(path, view, methods=["POST"], status_code=status, responses=TROUBLES, tags=[_tag(path)])
    for page in PAGES:
        add_page(app, page)


def _add_metrics(app: FastAPI, metrics: Exposition) -> None:
    @app.get("/metrics", include_in_schema=False)
    def scraped(request: Request) -> Response:
        media_type, text = metrics(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media_type})


def _tag(path: str) -> str:
    return path.split("/")[1].partition(".")[0]


def _checked(request: Request, facts: Annotated[articles.Checked, Depends(articles.check)]) -> HTMLResponse:
    """The same as a page, or as a part of one for htmx."""
    return HTMLResponse(page_html(request, CHECK, facts))


def _static(name: str) -> Response:
    file = _STATIC.get(name)
    kind = next((kind for suffix, kind in TYPES.items() if name.endswith(suffix)), None)
    if kind is None or file is None:
        raise HTTPException(404, "there is no such file")
    return Response(file.read_bytes(), media_type=kind, headers={"Cache-Control": "max-age=3600"})


def _add_handlers(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    def refused(request: Request, problem: HTTPException) -> Response:
        told = problem.detail if problem.detail != HTTPStatus(problem.status_code).phrase else "there is no such page"
        return _trouble(request, problem.status_code, told, problem.headers)

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, problem: RequestValidationError) -> Response:
        first = problem.errors()[0]
        where = str(first["loc"][1]) if len(first["loc"]) > 1 else "the request"
        return _trouble(request, 422, f"{where}: {first['msg']}")

    @app.exception_handler(NewsarkError)
    def failed(request: Request, problem: NewsarkError) -> Response:
        return _trouble(request, _status_of(problem), str(problem))

    @app.exception_handler(SQLAlchemyError)
    def catalogue_away(request: Request, problem: SQLAlchemyError) -> Response:
        reason = str(getattr(problem, "orig", None) or problem).splitlines()[0]
        return _trouble(request, 503, f"the catalogue cannot be read now: {reason}")

    @app.exception_handler(OSError)
    def disk_away(request: Request, problem: OSError) -> Response:
        return _trouble(request, 503, f"a file cannot be read or written now: {problem.strerror or problem}")


def _status_of(problem: NewsarkError) -> int:
    if isinstance(problem, UnknownSource):
        return 404
    if isinstance(problem, WrongUse):
        return 400
    return 503 if isinstance(problem, StorageError) else 500


def _trouble(request: Request, status: int, error: str, headers: Any = None) -> Response:
    """What went wrong, as a page for people and as JSON for programs."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.endswith(".json")
    if not wants_page:
        return JSONResponse({"status": status, "error": error}, status, headers)
    values = {"room": request.app.state.room, "request": request, "title": "Not here", "nav": "", "twin": None}
    return HTMLResponse(rendered("trouble.html", status=status, error=error, **values), status, headers)
