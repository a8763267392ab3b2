"""The applications in docs/clients, exactly as they are printed there, except the two ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

import jrs_session
from support.server import ROOT, Server, free_port, until
from support.web.browser import Browser, Reply

PAGES = {
    "fastapi": ["-m", "uvicorn", "app:app", "--port", "8080", "--log-level", "error"],
    "flask": ["-m", "flask", "run", "--port", "8080"],
    "django": ["app.py", "runserver", "8080", "--noreload", "--verbosity", "0"],
}


def programs(page: str) -> list[str]:
    """The programs of a page."""
    text = (ROOT / f"docs/clients/{page}.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def environment() -> dict[str, str]:
    source = str(Path(jrs_session.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source, "DJANGO_SUPERUSER_PASSWORD": "right", "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def running(page: str, program: str, redis_port: int, folder: Path) -> Iterator[Browser]:
    port = free_port()
    (folder / "app.py").write_text(program.replace("6379", str(redis_port)).replace("8080", str(port)))
    if page == "django":
        for command in (["migrate", "--verbosity", "0"], ["createsuperuser", "--noinput", "--email", "a@example.org"]):
            for name in ["ann", "bob"] if command[0] == "createsuperuser" else [""]:
                words = [sys.executable, "app.py", *command, *(["--username", name] if name else [])]
                subprocess.run(words, cwd=folder, env=environment(), check=True, capture_output=True)
    words = [word.replace("8080", str(port)) for word in PAGES[page]]
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("the application replies", lambda: process.poll() is not None or replies(port))
        yield Browser(port)
    finally:
        process.kill()
        process.wait()


def replies(port: int) -> bool:
    try:
        return Browser(port).get("/").status > 0
    except ConnectionError:
        return False


class User:
    """A browser that sends the forms of an application."""

    def __init__(self, page: str, port: int) -> None:
        self.page = page
        self.browser = Browser(port)

    def form(self, path: str, **fields: str) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "phone"}
        if self.page == "django":
            headers["X-CSRFToken"] = self.browser.get("/").json["csrf"]
        return self.browser.send("POST", path, urlencode(fields).encode(), headers)

    def log_in(self, user: str) -> None:
        fields = {"user": user, "password": "right"} if self.page == "django" else {"user": user}
        assert self.form("/login", **fields).json == {"user": user}

    def is_signed_in(self) -> bool:
        return self.browser.get("/devices").status == 200


@pytest.mark.parametrize("page", PAGES)
def test_the_application_of_the_page(page: str, server: Server, tmp_path: Path) -> None:
    program = programs(page)[0]
    with running(page, program, server.port, tmp_path) as browser:
        guest, *others = (User(page, browser.port) for _ in range(5))
        assert guest.form("/cart", item="book").json == {"cart": ["book"]}
        planted = guest.browser.copy()
        guest.log_in("ann")
        assert planted.get("/devices").status in (302, 401)
        assert guest.form("/cart", item="pen").json == {"cart": ["book", "pen"]}
        for other in others[:3]:
            other.log_in("ann")
        bob = others[3]
        bob.log_in("bob")
        devices = guest.browser.get("/devices").json
        assert [(one["device"], one["current"]) for one in devices] == [("phone", n == 0) for n in range(4)]
        assert bob.form("/devices/log-out", id=devices[1]["id"]).status == 404
        assert guest.form("/devices/log-out", id=devices[1]["id"]).status == 200
        assert not others[0].is_signed_in()
        assert others[1].form("/logout").status == 200
        assert not others[1].is_signed_in()
        assert guest.form("/password").json == {"sessions": 1}
        assert not others[2].is_signed_in()
        assert guest.form("/logout-everywhere").json == {"sessions": 1}
        assert not guest.is_signed_in()
        assert guest.form("/password").status == 401
        assert bob.is_signed_in()


def test_the_application_with_starlette(server: Server, tmp_path: Path) -> None:
    with running("fastapi", programs("fastapi")[1], server.port, tmp_path) as browser:
        assert [browser.get("/").json for _ in range(2)] == [{"visits": 1}, {"visits": 2}]


@pytest.mark.parametrize("page", PAGES)
def test_the_example_is_the_application_of_the_page(page: str, package: Path) -> None:
    example = (package / "examples" / page / "app.py").read_text()
    assert example == programs(page)[0]
