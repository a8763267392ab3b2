"""What a stream of Flask does with the session."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, session, stream_with_context
from flask.typing import ResponseReturnValue
from redis import Redis

from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface, current_session
from support.server import Server


def test_a_stream_must_save_what_it_changes(server: Server) -> None:
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(Redis(port=server.port)))

    @app.get("/stream")
    def stream() -> ResponseReturnValue:
        session["before"] = 1

        def chunks() -> Iterator[str]:
            yield "first"
            session["during"] = 2
            current_session().save()
            session["unsaved"] = 3
            yield "second"

        return Response(stream_with_context(chunks()))

    @app.get("/")
    def show() -> ResponseReturnValue:
        return dict(session)

    browser = app.test_client()
    assert browser.get("/stream").text == "firstsecond"
    assert browser.get("/").json == {"before": 1, "during": 2}
