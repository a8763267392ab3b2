"""Renders the pages in clients/login-pages. They are Jinja templates, which the application for Node.js has, too."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader

from jrs_session.fastapi import AsyncListedSession

PAGES = Path(__file__).parents[3] / "login-pages"
STYLE = PAGES / "style.css"

_templates = Jinja2Templates(
    env=Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
)


def render(request: Request, page: str, status: int = 200, **values: Any) -> Response:
    """Renders a page with these values, and with those that every page shows."""
    session = request.scope.get("session")
    shown = {} if session is None else {"user": session.owner, "theme": session.get("theme")}
    context = {"done": request.query_params.get("done"), **shown, **values}
    return _templates.TemplateResponse(request, page, context, status_code=status)


def device_of(session: AsyncListedSession) -> dict[str, Any]:
    """What the page of the devices shows of a session."""
    created = session.created.astimezone()
    return {
        "id": session.id,
        "name": session.fields.get("/device", "A browser"),
        "created": f"{created.day} {created:%b %Y, %H:%M}",
        "left": None if session.ttl is None else _duration(session.ttl),
        "current": session.current,
    }


def _duration(seconds: int) -> str:
    """Seconds in words, in the largest unit that gives at least 1."""
    minutes = -(-seconds // 60)
    units = ((24 * 60, "day"), (60, "hour"))
    size, unit = next((one for one in units if minutes >= one[0]), (1, "minute"))
    count = round(minutes / size)
    return f"{count} {unit}" + ("" if count == 1 else "s")
