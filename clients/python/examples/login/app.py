"""An application with a login. Users see the devices on which they are logged in, and can log them out. To change the
e-mail address, they must have entered their password in the last minutes."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from device import describe_device
from jrs_session import AsyncJRS, StaleAuth
from jrs_session.fastapi import AsyncListedSession, AsyncWebSession, Cookie, CurrentSession, JRSMiddleware
from rendering import STYLE, device_of, render
from users import change_email, email_of, is_password

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter()


def create_app(jrs: AsyncJRS, *, https: bool = False, recent: int = 300) -> Starlette:
    """Creates the application.

    Args:
        jrs: The client.
        https: Whether browsers use HTTPS. The cookie then is `Secure` and has the name `__Host-session`.
        recent: How many seconds after a login the e-mail address can be changed without the password.
    """
    app = FastAPI(openapi_url=None)
    app.state.recent = recent
    app.include_router(router)
    app.add_exception_handler(NotLoggedIn, show_login)
    app.add_exception_handler(StaleAuth, ask_for_password)
    # Sets, renews and clears the cookie. Before a response is sent, fields that have changed are saved.
    app.add_middleware(JRSMiddleware, jrs=jrs, cookie=Cookie(secure=https))
    app.middleware("http")(protect)
    # The style sheet needs no session.
    return Starlette(routes=[Route("/style.css", style), Mount("/", app)])


class NotLoggedIn(Exception):
    """The request needs a user."""


async def logged_in(session: CurrentSession) -> AsyncWebSession:
    """The session of a user."""
    if not session.owner:
        raise NotLoggedIn
    return session


User = Annotated[AsyncWebSession, Depends(logged_in)]
Text = Annotated[str, Form()]


async def recently_logged_in(session: User, request: Request) -> AsyncWebSession:
    """The session of a user who has entered the password lately. The server decides this, by its own clock."""
    await session.require_recent_auth(request.app.state.recent)
    return session


RecentUser = Annotated[AsyncWebSession, Depends(recently_logged_in)]


@router.get("/")
async def start(request: Request, session: CurrentSession) -> Response:
    if not session.owner:
        # Without a session although the browser sends one: it was destroyed, or it has expired.
        ended = session.id is None and sends_session(request)
        if ended:
            await session.destroy()  # clears the cookie, so that the page says it once
        return render(request, "login.html", ended=ended)
    devices = [device_of(device) for device in await devices_of(session)]
    # The newest first.
    return render(request, "devices.html", email=email_of(session.owner), devices=devices[::-1])


@router.post("/login")
async def log_in(request: Request, session: CurrentSession, name: Text = "", password: Text = "") -> Response:
    if not await run_in_threadpool(is_password, name, password):
        return render(request, "login.html", 401, name=name, wrong=True)
    await session.log_in(name)
    session["device"] = describe_device(request.headers.get("user-agent", ""))
    return redirect("/")


# A visitor gets a session when there is something to store, logged in or not.
@router.post("/theme")
async def choose_theme(session: CurrentSession, theme: Text = "") -> Response:
    session["theme"] = "dark" if theme == "dark" else "light"
    return redirect("/")


@router.post("/logout")
async def log_out(session: CurrentSession) -> Response:
    await session.destroy()
    return redirect("/?done=here")


# `id` is the name of the field in the form.
@router.post("/logout/device")
async def log_out_device(session: User, id: Text = "") -> Response:  # noqa: A002
    # Searches the sessions of this user only, so that a user cannot destroy a session of another user.
    for device in await devices_of(session):
        if device.id == id:
            await device.destroy()
    return redirect("/?done=device")


@router.post("/logout/everywhere")
async def log_out_everywhere(session: User) -> Response:
    await session.destroy_all()
    return redirect("/?done=everywhere")


@router.get("/email")
async def email_page(request: Request, session: RecentUser) -> Response:
    return render(request, "email.html", email=email_of(session.owner))


@router.post("/email")
async def save_email(request: Request, session: RecentUser, email: Text = "") -> Response:
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
        return render(request, "email.html", 400, email=email, wrong=True)
    change_email(session.owner, email)
    return redirect("/?done=email")


@router.post("/confirm")
async def confirm(request: Request, session: User, email: Text = "", password: Text = "") -> Response:
    # It must be the password of the user of this session.
    if not await run_in_threadpool(is_password, session.owner, password):
        return render(request, "confirm.html", 401, email=email, wrong=True)
    await session.rotate(reauth=True)
    return await save_email(request, session, email) if email else redirect("/email")


async def devices_of(session: AsyncWebSession) -> list[AsyncListedSession]:
    """The sessions of the user. Of the data, only the name of the device is read."""
    return await session.sessions(fields=["/device"])


def sends_session(request: Request) -> bool:
    return bool({"session", "__Host-session"} & request.cookies.keys())


async def style(_request: Request) -> Response:
    return FileResponse(STYLE)


def redirect(path: str) -> Response:
    return RedirectResponse(path, 303)


async def show_login(_request: Request, _error: Exception) -> Response:
    return redirect("/")


async def ask_for_password(request: Request, _error: Exception) -> Response:
    """Answers a request that needs a more recent login. The page keeps what the form has sent."""
    form = await request.form()
    return render(request, "confirm.html", 401, email=form.get("email", ""))


async def protect(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Sets headers that restrict what pages may do, and refuses forms that pages of other sites send."""
    origin = request.headers.get("sec-fetch-site", "same-origin")
    if request.method == "POST" and origin != "same-origin":
        response = render(request, "failure.html", 403, foreign=True)
    else:
        try:
            response = await call_next(request)
        except Exception:
            logging.exception("The request failed")
            response = render(request, "failure.html", 500)
    response.headers.update(HEADERS)
    return response
