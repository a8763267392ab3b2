"""Fixtures for the tests of the frameworks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from flask import Flask
from redis import Redis

from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface
from support.server import Server
from support.web import django_app
from support.web.application import Application
from support.web.frameworks import FRAMEWORKS, Start


@pytest.fixture(scope="session", autouse=True)
def _configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    django_app.configure(str(tmp_path_factory.mktemp("django")))


@pytest.fixture(params=FRAMEWORKS)
def start(request: pytest.FixtureRequest) -> Start:
    """Each framework: `with start(redis_port, …options) as app`."""
    return FRAMEWORKS[request.param]


@pytest.fixture
def app(start: Start, server: Server) -> Iterator[Application]:
    """The application with each framework and the default options."""
    with start(server.port) as application:
        yield application


@pytest.fixture
def configured(server: Server) -> Iterator[Server]:
    """The server that the settings of Django name, for sessions without HTTP."""
    with Redis(port=server.port) as client, override_settings(JRS={"CLIENT": client}):
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A client of redis-py."""
    with Redis(port=server.port) as client:
        yield client


@pytest.fixture
def shop(client: Any) -> Flask:
    """An application of Flask with the default options and without routes."""
    shop = Flask("shop")
    shop.session_interface = JRSSessionInterface(JRS(client))
    return shop
