"""The application with Flask, served by werkzeug."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.serving import make_server

from jrs_session import JRS, StaleAuth
from jrs_session.flask import JRSSessionInterface, current_session
from support.web.application import Application, shown


def routes(app: Flask, application: Application) -> None:
    """Adds the routes."""

    @app.post("/ping")
    def ping() -> ResponseReturnValue:
        return {}

    @app.post("/<action>")
    def act(action: str) -> ResponseReturnValue:
        session = current_session()
        body: dict[str, Any] = request.get_json()
        if action == "set":
            session.update(body)
        elif action == "remove":
            session.pop(body["name"])
        elif action == "append":
            session[body["name"]].append(body["value"])
        elif action == "during":
            session.update(body)
            application.hook()
        elif action == "login":
            if body.get("late"):
                application.hook()
            session.log_in(body["user"], claims=body.get("claims"))
        elif action == "logout":
            if body.get("late"):
                application.hook()
            return jsonify(session.destroy())
        elif action == "rotate":
            session.rotate(grace=body.get("grace"))
        elif action == "devices":
            return jsonify([{"id": one.id, "current": one.current} for one in session.sessions()])
        elif action == "end_device":
            return jsonify([one.destroy() for one in session.sessions(fields=["/n"]) if one.id == body["id"]])
        elif action == "everywhere":
            return jsonify(session.destroy_all(keep_current=body.get("keep", False)))
        elif action == "recent":
            try:
                session.require_recent_auth(body["seconds"])
            except StaleAuth:
                return {}, 401
        return jsonify(shown(session, session.owner, session.id))


@contextmanager
def served(app: Any) -> Iterator[int]:
    """Serves a WSGI application in a thread. Yields the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.log = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def flask(redis_port: int, **options: Any) -> Iterator[Application]:
    """Runs the application."""
    application = Application("flask")
    client = Redis(port=redis_port, retry=Retry(NoBackoff(), 0), socket_timeout=60)
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(client), **{"on_reuse": application.reused.append, **options})
    routes(app, application)
    with served(app) as port:
        application.port = port
        yield application
    client.close()
