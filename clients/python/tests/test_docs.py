"""The examples of the documentation, exactly as they are printed there, except the two ports."""

from __future__ import annotations

import asyncio
import doctest
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import jrs_session
from jrs_session import JRS, Session, _owner_methods, client
from support.server import ROOT, Server, free_port, until

FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def run_doctest(name: str, text: str, names: dict[str, Any], flags: int) -> int:
    """Runs the examples in a text. Returns how many."""
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    test = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    output: list[str] = []
    results = runner.run(test, out=output.append, clear_globs=False)
    names.update(test.globs)
    assert results.failed == 0, "".join(output)
    return results.attempted


@pytest.mark.parametrize("cls", [client.JRS, _owner_methods.OwnerMethods])
def test_docstrings(server: Server, cls: type) -> None:
    names = {"jrs": JRS(redis.Redis(port=server.port)), "timedelta": timedelta}
    count = sum(
        run_doctest(name, method.__doc__, dict(names), doctest.ELLIPSIS)
        for name, method in vars(cls).items()
        if callable(method) and method.__doc__
    )
    assert count > 10


def test_readme_dialogues(server: Server, package: Path) -> None:
    names: dict[str, Any] = {}
    texts = blocks(package / "README.md", "pycon")
    assert len(texts) == 3
    for text in texts:
        run_doctest("README.md", text.replace("6379", str(server.port)), names, FLAGS)
    names["jrs"].create("ann", {})
    names["jrs"].create("bob", {})
    bobs = names["jrs"].list("bob")[0].id
    assert names["log_out_device"]("ann", bobs) is False
    assert names["log_out_device"]("bob", bobs) is True


def test_a_wrong_dialogue_is_noticed() -> None:
    with pytest.raises(AssertionError):
        run_doctest("wrong", ">>> 1 + 1\n3\n", {}, FLAGS)


def test_readme_programs(server: Server, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_asyncio, handlers = blocks(package / "README.md", "python")
    asyncio.set_event_loop(None)
    exec(with_asyncio.replace("6379", str(server.port)), {"__name__": "program"})  # noqa: S102
    assert "owner='user:42'" in capsys.readouterr().out
    names: dict[str, Any] = {"ServiceUnavailable": RuntimeError}
    exec(handlers, names)  # noqa: S102
    jrs = JRS(redis.Redis(port=server.port))
    session = names["session_of"](jrs, jrs.create("ann", {}))
    assert isinstance(session, Session)
    assert names["session_of"](jrs, "hello") is None
    with pytest.raises(RuntimeError):
        names["session_of"](JRS(redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0))), "a.eyJqdGkiOiJ4In0.b")


def test_readme_names_every_method_and_error(package: Path) -> None:
    text = (package / "README.md").read_text()
    methods = {name for name in dir(JRS) if not name.startswith("_")} - {"realm", "cluster"}
    assert {name for name in methods if f"`{name}(" not in text and f" `{name}(" not in text} == set()
    assert {name for name in jrs_session.errors.__all__ if f"`{name}`" not in text} == set()


@pytest.fixture
def application(server: Server, tmp_path: Path) -> Iterator[str]:
    """The address of the application in docs/clients/python.md."""
    (program,) = blocks(ROOT / "docs/clients/python.md", "python")
    port = free_port()
    path = tmp_path / "app.py"
    path.write_text(program.replace("6379", str(server.port)).replace("8080", str(port)))
    source = str(Path(jrs_session.__file__).parents[1])
    words = ["setpriv", "--pdeathsig", "KILL", sys.executable, str(path)]
    process = subprocess.Popen(words, env={"PYTHONPATH": source}, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until("the application replies", lambda: replies(address))
        yield address
    finally:
        process.kill()
        process.wait()


def replies(address: str) -> bool:
    try:
        return call(address, "GET", "/devices", "")[0] == 401
    except urllib.error.URLError:
        return False


def call(address: str, method: str, path: str, token: str, **form: str) -> tuple[int, Any]:
    """The status and the JSON value of a reply."""
    body = urllib.parse.urlencode(form).encode() if method == "POST" else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(address + path, body, {**headers, "User-Agent": "phone"}, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_application(application: str) -> None:
    def login(user: str) -> str:
        status, value = call(application, "POST", "/login", "", user=user)
        assert status == 200
        return str(value["token"])

    tokens, bobs = [login("ann") for _ in range(4)], login("bob")
    assert call(application, "POST", "/cart", tokens[0], item="book") == (200, {"cart": ["book"]})
    assert call(application, "POST", "/cart", tokens[0], item="pen") == (200, {"cart": ["book", "pen"]})
    assert call(application, "POST", "/cart", "hello", item="pen") == (401, {})
    status, devices = call(application, "GET", "/devices", tokens[0])
    assert status == 200
    assert [(device["device"], device["current"]) for device in devices] == [("phone", n == 0) for n in range(4)]
    assert call(application, "POST", "/devices/log-out", bobs, id=devices[1]["id"]) == (404, {})
    assert call(application, "POST", "/devices/log-out", tokens[0], id=devices[1]["id"]) == (200, {})
    assert call(application, "GET", "/devices", tokens[1]) == (401, {})
    assert call(application, "POST", "/logout", tokens[2]) == (200, {})
    assert call(application, "POST", "/logout", tokens[2]) == (401, {})
    assert call(application, "POST", "/password", tokens[0]) == (200, {"sessions": 1})
    assert call(application, "GET", "/devices", tokens[3]) == (401, {})
    assert call(application, "POST", "/logout-everywhere", tokens[0]) == (200, {"sessions": 1})
    assert call(application, "GET", "/devices", tokens[0]) == (401, {})
    assert call(application, "GET", "/devices", bobs)[0] == 200


def test_every_command_has_a_method(server: Server, package: Path) -> None:
    text = (package / "README.md").read_text()
    commands = {str(name).upper() for name in server.send("COMMAND LIST", "FILTERBY", "MODULE", "jrs")}
    assert len(commands) >= 17
    assert {name for name in commands if f"`{name}" not in text} == {"JRS.DEBUG", "JRS.HELP"}
