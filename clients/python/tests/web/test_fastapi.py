"""The dependencies of FastAPI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse
from redis.asyncio import Redis

from jrs_session import AsyncJRS, Cookie
from jrs_session.fastapi import (
    AsyncWebSession,
    CurrentSession,
    JRSMiddleware,
    SessionSecurity,
    SignedIn,
    require_recent_auth,
)
from support.server import Server
from support.tokens import OWN_KEY, old_login
from support.web.browser import Browser
from support.web.frameworks import StartServer
from support.web.starlette_app import served
from web.test_starlette import WebSocket as Client

SHORT = SessionSecurity(cookie=Cookie("sid"))
BEARER = SessionSecurity(cookie=False, signed_in=True)


def application(client: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(JRSMiddleware, jrs=AsyncJRS(client))

    @app.post("/login")
    async def login(session: CurrentSession, user: str) -> dict[str, str]:
        await session.log_in(user)
        return {"user": user}

    @app.get("/me")
    async def me(session: SignedIn) -> dict[str, Any]:
        return {"owner": session.owner, "n": session.get("n")}

    @app.post("/visit")
    def visit(session: CurrentSession) -> int:
        """A function without async: the session is saved all the same."""
        session["n"] = session.get("n", 0) + 1
        count: int = session["n"]
        return count

    @app.post("/email", dependencies=[Depends(require_recent_auth(300))])
    async def email(request: Request) -> dict[str, str]:
        return {"owner": request.session.owner}  # type: ignore[attr-defined]

    @app.websocket("/feed")
    async def feed(websocket: WebSocket, session: SignedIn) -> None:
        await websocket.accept()
        await websocket.send_json(session.owner)
        await websocket.close()

    @app.get("/sid")
    async def sid(session: Annotated[AsyncWebSession, Depends(SHORT)]) -> None: ...

    @app.get("/bearer")
    async def bearer(session: Annotated[AsyncWebSession, Depends(BEARER)]) -> None: ...

    return app


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    with served(application, server.port) as port:
        yield Browser(port)


def test_the_session_is_a_dependency(browser: Browser, server: Server) -> None:
    assert browser.post("/visit").json == 1
    assert browser.post("/visit").json == 2
    server.send("CONFIG", "RESETSTAT")
    assert browser.post("/login?user=ann").status == 200
    assert browser.get("/me").json == {"owner": "ann", "n": 2}
    assert server.calls("JRS.GET") == 2


def test_without_an_owner_the_status_is_401(browser: Browser) -> None:
    for _ in range(2):
        reply = browser.get("/me")
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == ["Bearer"]
        browser.post("/visit")  # the second time with an anonymous session


def test_a_recent_login_is_required(start_server: StartServer) -> None:
    server = start_server(**OWN_KEY)
    with served(application, server.port) as port:
        check_recent_login(Browser(port), server)


def check_recent_login(browser: Browser, server: Server) -> None:
    assert browser.post("/email").headers["www-authenticate"] == ["Bearer"]
    browser.post("/visit")
    assert browser.post("/email").headers["www-authenticate"] == ["Bearer"]
    browser.post("/login?user=ann")
    assert browser.post("/email").json == {"owner": "ann"}
    browser.cookies["__Host-session"] = old_login(server, "ann", {}, 3600)
    reply = browser.post("/email")
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == [
        'Bearer error="insufficient_user_authentication", '
        'error_description="More recent authentication is required", max_age="300"'
    ]
    assert browser.get("/me").status == 200
    browser.post("/login?user=ann")
    assert browser.post("/email").status == 200


def test_a_websocket_without_an_owner_is_refused(browser: Browser) -> None:
    from wsproto.events import AcceptConnection, RejectConnection

    refused = Client(browser, "/feed")
    assert isinstance(refused.accepted, RejectConnection)
    assert refused.accepted.status_code == 403
    refused.close()
    browser.post("/login?user=ann")
    connection = Client(browser, "/feed")
    assert isinstance(connection.accepted, AcceptConnection)
    assert connection.receive_json() == "ann"
    connection.close()


def test_the_documentation_shows_the_lock(browser: Browser) -> None:
    api = browser.get("/openapi.json").json
    for path, method in (("/me", "get"), ("/visit", "post")):
        assert api["paths"][path][method]["security"] == [{"session": []}]
    assert api["paths"]["/sid"]["get"]["security"] == [{"session-sid": []}]
    assert api["paths"]["/bearer"]["get"]["security"] == [{"session-bearer": []}]
    schemes = api["components"]["securitySchemes"]
    assert schemes["session"] == {"type": "apiKey", "in": "cookie", "name": "__Host-session"}
    assert schemes["session-sid"] == {"type": "apiKey", "in": "cookie", "name": "sid"}
    assert schemes["session-bearer"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert not any("parameters" in operation for operation in (api["paths"]["/me"]["get"],))


@pytest.mark.parametrize("seconds", [0, -1, 31_536_001, 1.5, True, "300"])
def test_wrong_seconds_are_errors(seconds: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 31536000"):
        require_recent_auth(seconds)


def test_a_missing_middleware_is_named() -> None:
    def make(client: Redis) -> FastAPI:
        app = FastAPI()

        @app.get("/me")
        async def me(session: SignedIn) -> None: ...

        @app.exception_handler(RuntimeError)
        async def shown(request: Request, error: Exception) -> Any:
            return PlainTextResponse(str(error), 500)

        return app

    with served(make) as port:
        assert "app.add_middleware(JRSMiddleware, jrs=jrs)" in Browser(port).get("/me").text
