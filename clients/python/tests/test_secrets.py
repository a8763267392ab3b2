"""No error shows a token or session data."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from conftest import StartServer
from jrs_session import JRS, CommandError, ConnectionLost, JRSError, Unavailable
from support.clients import Connected
from support.fake import fake_server
from support.server import Server, free_port

SECRET = "correct horse battery"

# A token whose claims name a session. Its signature is the part that must stay secret.
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"

# Each sends a token or data.
CALLS: dict[str, Callable[[JRS, str], Any]] = {
    "create": lambda jrs, _: jrs.create("ann", {"secret": SECRET}, claims={"claim": SECRET}),
    "get": lambda jrs, token: jrs.get(token),
    "update": lambda jrs, token: jrs.update(token, {"secret": SECRET}),
    "merge": lambda jrs, token: jrs.merge(token, {"secret": SECRET}),
    "patch": lambda jrs, token: jrs.patch(token, [{"op": "test", "path": "", "value": SECRET}]),
    "rotate": lambda jrs, token: jrs.rotate(token, claims={"claim": SECRET}, grace=99),
    "mint": lambda jrs, token: jrs.mint(token, claims={"claim": SECRET}),
    "destroy_all": lambda jrs, token: jrs.destroy_all("bob", except_token=token),
    "inspect": lambda jrs, token: jrs.inspect(token),
}

# Servers quote arguments like this, whole or shortened.
QUOTING = [
    "ERR unknown command 'JRS.GET', with args beginning with: '{arguments}' ",
    "ERR cannot read {arguments}",
    "BADDATA cannot read \"{arguments}\" twice: '{arguments}'",
    "",
]


def errors_of(error: BaseException) -> list[BaseException]:
    """An error, its causes and their contexts."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        following = left.pop()
        if following is not None and following not in found:
            found.append(following)
            left += [following.__cause__, following.__context__]
    return found


def check(error: BaseException, *secrets: str) -> None:
    """Fail if an error, its members, its causes or its traceback show a secret."""
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for each in errors_of(error):
        shown += f"{each} {each!r} {each.args} {vars(each)}"
    for secret in (*secrets, SECRET, *TOKEN.split(".")):
        assert secret not in shown


@pytest.mark.parametrize("reply", QUOTING)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_reply_that_quotes_arguments(library: Connected, call: Callable[[JRS, str], Any], reply: str) -> None:
    with fake_server(reply) as server:
        client = library.client(server.port, protocol=2, retry=None)
        with pytest.raises(JRSError) as caught:
            call(library.jrs(client), TOKEN)
    check(caught.value)
    if "read" in reply:
        assert "[redacted]" in str(caught.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refused_command(jrs: JRS, server: Server, call: Callable[[JRS, str], Any]) -> None:
    token = jrs.create("ann", {"secret": SECRET})
    for given in (token[:-9], token + "=", TOKEN, token):
        server.send("SET", f"sess:{jrs.list('ann')[0].id}", SECRET)
        try:
            call(jrs, given)
        except JRSError as error:
            check(error, given, *token.split("."))
    with pytest.raises(CommandError) as caught:
        jrs.count(token)
    check(caught.value, token)


def test_a_lost_connection(library: Connected) -> None:
    client = library.client(free_port(), retry=None)
    with pytest.raises(ConnectionLost) as caught:
        library.jrs(client).create("ann", {"secret": SECRET})
    assert isinstance(caught.value, library.library.ConnectionError)
    assert isinstance(caught.value, Unavailable)
    check(caught.value)


def test_a_timeout(start_server: StartServer, library: Connected) -> None:
    server = start_server()
    jrs = library.jrs(library.client(server.port, retry=None, socket_timeout=0.3))
    token = jrs.create("ann", {"secret": SECRET})
    server.pause()
    with pytest.raises(ConnectionLost) as caught:
        jrs.update(token, {"secret": SECRET})
    server.resume()
    assert isinstance(caught.value, library.library.TimeoutError)
    check(caught.value, *token.split("."))
    assert jrs.get(token) is not None


def test_text_that_has_no_encoding(jrs: JRS) -> None:
    half = SECRET + "\ud800"
    calls: list[Callable[[], Any]] = [
        lambda: jrs.create(half, {}),
        lambda: jrs.create("ann", {"a": half}),
        lambda: jrs.create("ann", {half: 1}),
        lambda: jrs.create("ann", {}, claims={"a": [half]}),
        lambda: jrs.list("ann", fields=[half]),
        lambda: jrs.mint(TOKEN, audience=half),
        lambda: jrs.revoke(half),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="half of a surrogate pair") as caught:
            call()
        check(caught.value)
    for token in (half, f"{TOKEN}\ud800", "a.eyJqdGkiOiJcdWQ4MDAifQ.b"):
        with pytest.raises(JRSError, match="BADTOKEN") as refused:
            jrs.get(token)
        check(refused.value)


def test_a_reply_in_another_encoding(server: Server, library: Connected) -> None:
    jrs = library.jrs(library.client(server.port, decode_responses=True))
    token = jrs.create("ann", {})
    server.send("SET", f"sess:{jrs.list('ann')[0].id}", f'{{"secret":"{SECRET}'.encode() + b'\xff"}')
    with pytest.raises(JRSError, match="BADDATA") as caught:
        jrs.get(token)
    check(caught.value, token)


def test_results(jrs: JRS) -> None:
    token = jrs.create("ann", {"secret": SECRET}, claims={"claim": SECRET})
    shown = repr([jrs.get(token), *jrs.list("ann", data=True, fields=["/secret"]), jrs.inspect(token)])
    assert "ann" in shown
    assert SECRET not in shown
    assert token not in shown
