"""The middleware of Starlette: its options, and the headers of the response."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from jrs_session import JRS, AsyncJRS, Cookie
from jrs_session.starlette import AsyncWebSession, JRSMiddleware
from support.server import Server
from support.web.browser import Browser
from support.web.starlette_app import served

NAME = "__Host-session"


@pytest.fixture
def build(server: Server) -> Iterator[Any]:
    """Serves an application with these routes and middlewares."""
    with ExitStack() as stack:

        def start(routes: list[Any], *options: dict[str, Any]) -> Browser:
            def make(client: Redis) -> Starlette:
                middleware = [Middleware(JRSMiddleware, jrs=AsyncJRS(client), **each) for each in options]
                return Starlette(routes=routes, middleware=middleware)

            return Browser(stack.enter_context(served(make, server.port)))

        yield start


async def show(request: Request) -> Response:
    return JSONResponse({"owner": request.session.owner, **request.session})  # type: ignore[attr-defined]


def test_a_cookie_that_the_application_sets_is_kept(build: Any) -> None:
    async def own(request: Request) -> Response:
        request.session["n"] = 1
        response = RedirectResponse("/")
        response.set_cookie(NAME, "own", secure=True)
        return response

    browser = build([Route("/own", own)], {})
    reply = browser.get("/own")
    assert [line.partition(";")[0] for line in reply.headers["set-cookie"]] == [f"{NAME}=own"]


def test_other_headers_of_the_response_stay(build: Any) -> None:
    async def varied(request: Request) -> Response:
        request.session["n"] = 1
        response = JSONResponse({}, headers={"Vary": "Accept, cookie"})
        response.set_cookie("other", "1")
        return response

    reply = build([Route("/", varied)], {}).get("/")
    assert reply.headers["vary"] == ["Accept, cookie"]
    assert len(reply.headers["set-cookie"]) == 2


def test_a_second_middleware_keeps_the_session_of_the_first(build: Any, server: Server) -> None:
    async def set_field(request: Request) -> Response:
        request.session["n"] = 1
        return JSONResponse({})

    browser = build([Route("/set", set_field), Route("/inner/", show)], {}, {"auto_save": False})
    browser.get("/set")
    server.send("CONFIG", "RESETSTAT")
    assert browser.get("/inner/").json == {"owner": "", "n": 1}
    assert server.calls("JRS.GET") == 1


def test_a_mounted_application_may_have_a_session_of_its_own(build: Any, server: Server) -> None:
    async def log_in(request: Request) -> Response:
        await request.session.log_in(request.path_params["user"])  # type: ignore[attr-defined]
        return JSONResponse({})

    routes = [Route("/login/{user}", log_in), Route("/", show)]

    def make(client: Redis) -> Starlette:
        def sessions(name: str) -> list[Middleware]:
            return [Middleware(JRSMiddleware, jrs=AsyncJRS(client), cookie=Cookie(name))]

        admin = Mount("/admin", routes=routes, middleware=sessions("admin"))
        return Starlette(routes=[admin, *routes], middleware=sessions("shop"))

    with served(make, server.port) as port:
        browser = Browser(port)
        browser.get("/login/ann")
        assert browser.get("/admin/").json == {"owner": ""}
        browser.get("/admin/login/root")
        assert (browser.get("/admin/").json, browser.get("/").json) == ({"owner": "root"}, {"owner": "ann"})
        assert browser.cookies.keys() == {"shop", "admin"}


def test_without_auto_save_the_application_saves(build: Any) -> None:
    async def unsaved(request: Request) -> Response:
        request.session["unsaved"] = 1
        return JSONResponse({})

    async def saved(request: Request) -> Response:
        request.session["saved"] = 1
        await request.session.save()  # type: ignore[attr-defined]
        return JSONResponse({})

    browser = build([Route("/unsaved", unsaved), Route("/saved", saved), Route("/", show)], {"auto_save": False})
    assert "set-cookie" not in browser.get("/unsaved").headers
    assert browser.get("/saved").cookie(NAME) is not None
    browser.get("/unsaved")
    assert browser.get("/").json == {"owner": "", "saved": 1}


async def token_of(request: Request) -> Response:
    session: AsyncWebSession = request.session  # type: ignore[assignment]
    session["n"] = 1
    return JSONResponse({"token": await session.log_in("ann")})


def test_bearer_tokens(build: Any, server: Server) -> None:
    browser = build([Route("/login", token_of), Route("/", show)], {"cookie": False, "bearer": True})
    reply = browser.get("/login")
    assert "set-cookie" not in reply.headers
    token = reply.json["token"]
    assert browser.get("/", Authorization=f"bearer {token}").json == {"owner": "ann", "n": 1}
    assert browser.get("/", Authorization=f"Basic {token}").json == {"owner": ""}
    assert browser.get("/", Cookie=f"{NAME}={token}").json == {"owner": ""}
    assert browser.get(f"/?accessToken={token}").json == {"owner": ""}
    browser.get("/login", Authorization=f"Bearer {token}")
    assert server.send("JRS.COUNT", "ann") == 1


def test_a_bearer_token_comes_before_the_cookie_and_does_not_change_it(build: Any, jrs: JRS) -> None:
    browser = build([Route("/login", token_of), Route("/", show)], {"bearer": True})
    browser.get("/login")
    bob = jrs.create("bob", {})
    reply = browser.get("/", Authorization=f"Bearer {bob}")
    assert reply.json == {"owner": "bob"}
    assert "set-cookie" not in reply.headers
    assert "set-cookie" not in browser.get("/", Authorization="Bearer dead").headers
    assert browser.get("/").json["owner"] == "ann"


def test_a_header_does_not_bring_a_token_unless_asked_for(build: Any, jrs: JRS) -> None:
    browser = build([Route("/", show)], {})
    bob = jrs.create("bob", {})
    assert browser.get(f"/?accessToken={bob}", Authorization=f"Bearer {bob}").json == {"owner": ""}


def test_an_awaitable_on_reuse_is_awaited_and_its_error_fails_the_request(build: Any, jrs: JRS, server: Server) -> None:
    async def on_reuse(event: Any) -> None:
        raise RuntimeError(event.owner)

    server.send("CONFIG", "SET", "jrs.reuse-detection", "yes")
    try:
        old = jrs.create("ann", {})
        jrs.rotate(old)
        browser = build([Route("/", show)], {"on_reuse": on_reuse})
        assert browser.get("/", Cookie=f"{NAME}={old}").status == 500
    finally:
        server.send("CONFIG", "SET", "jrs.reuse-detection", "no")


def test_a_failed_save_fails_the_request(build: Any) -> None:
    async def too_big(request: Request) -> Response:
        request.session["n"] = "x" * 2_000_000
        return JSONResponse({})

    async def no_json(request: Request) -> Response:
        request.session["n"] = {1, 2}
        return JSONResponse({})

    browser = build([Route("/big", too_big), Route("/set", no_json)], {})
    assert browser.get("/big").status == 500
    assert browser.get("/set").status == 500


def test_wrong_options_are_errors() -> None:
    async def main() -> None:
        app = Starlette()
        with pytest.raises(TypeError, match="AsyncJRS"):
            JRSMiddleware(app, JRS(SyncRedis()))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="cookie must be"):
            JRSMiddleware(app, AsyncJRS(Redis()), cookie="sid")  # type: ignore[arg-type]

    asyncio.run(main())
