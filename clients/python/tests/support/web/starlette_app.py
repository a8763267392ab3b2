"""The application with Starlette, served by uvicorn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Callable

import uvicorn
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from jrs_session import AsyncJRS, StaleAuth
from jrs_session.starlette import AsyncWebSession, JRSMiddleware
from support.server import until
from support.web.application import Application, shown


def routes(application: Application) -> list[Any]:
    """The routes."""

    async def act(request: Request) -> Response:
        session: AsyncWebSession = request.session  # type: ignore[assignment]
        body: dict[str, Any] = json.loads(await request.body() or b"{}")
        action = request.path_params["action"]
        if action == "ping":
            return JSONResponse({})
        if action == "set":
            session.update(body)
        elif action == "remove":
            session.pop(body["name"])
        elif action == "append":
            session[body["name"]].append(body["value"])
        elif action == "during":
            session.update(body)
            await asyncio.to_thread(application.hook)
        elif action == "login":
            if body.get("late"):
                await asyncio.to_thread(application.hook)
            await session.log_in(body["user"], claims=body.get("claims"))
        elif action == "logout":
            if body.get("late"):
                await asyncio.to_thread(application.hook)
            return JSONResponse(await session.destroy())
        elif action == "rotate":
            await session.rotate(grace=body.get("grace"))
        elif action == "devices":
            return JSONResponse([{"id": one.id, "current": one.current} for one in await session.sessions()])
        elif action == "end_device":
            ended = [await one.destroy() for one in await session.sessions(fields=["/n"]) if one.id == body["id"]]
            return JSONResponse(ended)
        elif action == "everywhere":
            return JSONResponse(await session.destroy_all(keep_current=body.get("keep", False)))
        elif action == "recent":
            try:
                await session.require_recent_auth(body["seconds"])
            except StaleAuth:
                return JSONResponse({}, 401)
        return JSONResponse(shown(session, session.owner, session.id))

    async def stream(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            request.session["streamed"] = True
            yield b"second"

        return StreamingResponse(chunks())

    async def background(request: Request) -> Response:
        async def later() -> None:
            request.session["later"] = True

        return JSONResponse({}, background=BackgroundTask(later))

    async def socket(websocket: WebSocket) -> None:
        session: AsyncWebSession = websocket.session  # type: ignore[assignment]
        await websocket.accept()
        await websocket.send_json(shown(session, session.owner, session.id))
        session["heard"] = await websocket.receive_json()
        await websocket.close()

    return [
        Route("/stream", stream, methods=["POST"]),
        Route("/background", background, methods=["POST"]),
        Route("/{action}", act, methods=["POST"]),
        WebSocketRoute("/socket", socket),
    ]


@contextmanager
def served(make: Callable[[Redis], Any], redis_port: int = 1) -> Iterator[int]:
    """Makes an ASGI application with a client, and serves it in a thread. Yields the port."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        # With Python 3.9, a client belongs to the loop that it is made in.
        async with Redis(port=redis_port, retry=Retry(NoBackoff(), 0), socket_timeout=60) as client:
            server = uvicorn.Server(uvicorn.Config(make(client), port=0, log_level="critical", ws="wsproto"))
            servers.append(server)
            await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        until("uvicorn serves", lambda: not thread.is_alive() or (servers and servers[0].started))
        yield int(servers[0].servers[0].sockets[0].getsockname()[1])
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()


@contextmanager
def starlette(redis_port: int, **options: Any) -> Iterator[Application]:
    """Runs the application."""
    application = Application("starlette")
    options = {"on_reuse": application.reused.append, **options}

    def make(client: Redis) -> Starlette:
        middleware = [Middleware(JRSMiddleware, jrs=AsyncJRS(client), **options)]
        return Starlette(routes=routes(application), middleware=middleware)

    with served(make, redis_port) as port:
        application.port = port
        yield application
