"""What an owner can be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from jrs_session import JRS
from jrs_session._web_options import Options
from jrs_session.web import WebSession
from support.server import Server


@pytest.fixture
def session(server: Server) -> WebSession:
    return WebSession(JRS(Redis(port=server.port)), Options(cookie=None))


def test_an_id_may_be_a_number(session: WebSession) -> None:
    session.log_in(42)
    assert session.owner == "42"


@pytest.mark.parametrize("owner", [None, True, 4.2, b"ann", UUID(int=1)])
def test_users_without_an_id_do_not_share_an_owner(session: WebSession, server: Server, owner: Any) -> None:
    for use in (session.log_in, session.create):
        with pytest.raises(TypeError, match="the owner must be a str or an int"):
            use(owner)
    session.log_in("ann")
    if owner is not None:
        with pytest.raises(TypeError, match="the owner must be a str or an int"):
            session.rotate(owner=owner)
    assert server.send("DBSIZE") == 1
