"""Pages and their JSON twins: one view gives the facts, which a template shows and `.json` gives as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from reading.web.facts import Facts, Trouble
from reading.web.texts import rendered

_TROUBLE: dict[str, Any] = {"application/json": {"schema": Trouble.model_json_schema()}, "text/html": {}}
TROUBLES: dict[int | str, dict[str, Any]] = {
    status: {"content": _TROUBLE, "description": description}
    for status, description in (
        (400, "What was asked for cannot be answered as asked; the error says why."),
        (401, "The room asks for a token."),
        (403, "The request came from another place than the room's own pages."),
        (404, "There is no such thing here."),
        (422, "A value is none that is understood."),
        (429, "Too many for now; Retry-After says when to ask again."),
        (503, "A store or the catalogue cannot be reached now."),
    )
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page: where it is, what gives its facts, what shows them, and where it stands in the navigation."""

    path: str
    view: Callable[..., Facts]
    template: str
    title: str
    nav: str = ""


def twin_of(path: str) -> str:
    """The address of a page's facts."""
    return "/index.json" if path == "/" else f"{path}.json"


def add_page(app: FastAPI, page: Page) -> None:
    """Serve a page and its twin."""

    made = Depends(page.view)

    def shown(request: Request, facts: Facts = made) -> HTMLResponse:
        return HTMLResponse(page_html(request, page, facts), 400 if facts.trouble else 200)

    def told(facts: Facts = made) -> Facts:
        if facts.trouble:
            raise HTTPException(400, facts.trouble)
        return facts

    name = page.template.removesuffix(".html")
    about = (page.view.__doc__ or "").strip()
    common: dict[str, Any] = {"description": about, "responses": TROUBLES, "tags": [page.nav or "articles"]}
    model = get_type_hints(page.view)["return"]
    app.add_api_route(
        twin_of(page.path), told, response_model=model, name=f"{name}_facts", summary=f"{page.title}, as JSON", **common
    )
    app.add_api_route(page.path, shown, name=name, summary=page.title, response_class=HTMLResponse, **common)


def page_html(request: Request, page: Page, facts: Facts) -> str:
    """The page with those facts."""
    path = request.url.path
    twin = twin_of(path) + (f"?{request.url.query}" if request.url.query else "")
    room = request.app.state.room
    values = {"page": facts, "room": room, "request": request, "title": page.title, "nav": page.nav, "twin": twin}
    return rendered(page.template, **values)
