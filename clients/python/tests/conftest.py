"""Fixtures for all tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from jrs_session import JRS
from support.clients import VARIANTS, Connected, connected
from support.server import Server


class StartServer(Protocol):
    """Starts a server that is stopped after the test. The arguments are those of `Server`."""

    def __call__(self, settings: Mapping[str, object] | None = None, **options: Any) -> Server: ...


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """An event loop for each test: with Python 3.9, a client of `asyncio` cannot be made without one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as stack:

        def start(settings: Mapping[str, object] | None = None, **options: Any) -> Server:
            server = Server(tmp_path_factory.mktemp("server"), settings, **options)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("shared"))
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """A server with the default settings and without data. Tests must not change its settings."""
    shared_server.send("FLUSHALL")
    shared_server.send("CONFIG", "RESETSTAT")
    return shared_server


@pytest.fixture(params=VARIANTS)
def library(request: pytest.FixtureRequest) -> Iterator[Connected]:
    """Each client library, with and without `asyncio`."""
    with connected(request.param) as connection:
        yield connection


@pytest.fixture
def jrs(server: Server, library: Connected) -> JRS:
    """The package on each client library."""
    return library.jrs(library.client(server.port))


@pytest.fixture
def package() -> Path:
    """The folder of the package."""
    return Path(__file__).resolve().parents[1]
