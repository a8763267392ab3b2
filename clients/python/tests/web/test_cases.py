"""What holds with every framework, over HTTP and with a real server."""

from __future__ import annotations

import pytest

from support.server import Server
from support.web.application import Application
from support.web.frameworks import Start, StartServer

READS = ("JRS.GET", "JRS.PEEK")
WRITES = ("JRS.CREATE", "JRS.UPDATE", "JRS.TOUCH", "JRS.ROTATE", "JRS.DESTROY", "JRS.DESTROYALL", "JRS.REVOKE")


def calls(server: Server) -> dict[str, int]:
    """The commands that were called since the last look, without those of the tests."""
    counts = {name: server.calls(name) for name in (*READS, *WRITES)}
    server.send("CONFIG", "RESETSTAT")
    return {name: count for name, count in counts.items() if count}


def test_fields_are_stored_and_read(app: Application) -> None:
    browser = app.browser()
    assert browser.post("/show").json == {"fields": {}, "owner": "", "id": None}
    reply = browser.post("/set", cart=["book"], n=1)
    cookie = reply.cookie(app.cookie)
    assert cookie is not None
    assert (cookie["path"], cookie["samesite"].lower()) == ("/", "lax")
    assert {"secure", "httponly"} <= cookie.keys()
    assert int(cookie["max-age"]) == (14 * 86400 if app.framework == "django" else 86400)
    assert "Cookie" in ", ".join(reply.headers["vary"])
    shown = browser.post("/show").json
    assert shown["fields"] == {"cart": ["book"], "n": 1}
    assert shown["owner"] == ""
    assert isinstance(shown["id"], str)


def test_a_visitor_without_fields_gets_no_session(app: Application, server: Server) -> None:
    reply = app.browser().post("/show")
    assert "set-cookie" not in reply.headers
    assert calls(server) == {}
    assert server.send("DBSIZE") == 0


def test_one_read_a_request_and_no_write_if_nothing_has_changed(app: Application, server: Server) -> None:
    browser = app.browser()
    browser.post("/set", cart=["book"], n=1)
    calls(server)
    browser.post("/show")
    assert calls(server) == {"JRS.GET": 1}
    browser.post("/set", n=1, cart=["book"])  # the same values again
    assert calls(server) == {"JRS.GET": 1}
    reply = browser.post("/set", n=2)
    assert calls(server) == {"JRS.GET": 1, "JRS.UPDATE": 1}
    assert app.framework == "django" or "set-cookie" not in reply.headers


def test_a_request_that_does_not_use_its_session_reads_it_at_most_once(app: Application, server: Server) -> None:
    browser = app.browser()
    browser.post("/set", n=1)
    calls(server)
    browser.post("/ping")
    assert calls(server) == ({} if app.framework == "django" else {"JRS.GET": 1})


def test_changes_inside_of_a_field_are_saved(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", cart=["book"])
    browser.post("/append", name="cart", value={"pen": [1]})
    assert browser.post("/show").json["fields"] == {"cart": ["book", {"pen": [1]}]}


def test_names_of_fields_may_have_any_characters(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", **{"a/b": 1, "~1": 2, "": 3, "ü": 4})
    browser.post("/set", **{"a/b": 5, "~1": 6, "": 7, "ü": None})
    assert browser.post("/show").json["fields"] == {"a/b": 5, "~1": 6, "": 7, "ü": None}
    browser.post("/remove", name="~1")
    assert browser.post("/show").json["fields"] == {"a/b": 5, "": 7, "ü": None}


def test_parallel_requests_that_change_different_fields_both_win(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", a=0, b=0, gone=0)

    def meanwhile() -> None:
        other = browser.copy()
        assert other.post("/set", b=2).status == 200
        assert other.post("/remove", name="gone").status == 200

    app.hook = meanwhile
    assert browser.post("/during", a=1, c=[1]).status == 200
    assert browser.post("/show").json["fields"] == {"a": 1, "b": 2, "c": [1]}


def test_two_requests_may_remove_the_same_field(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", a=0, b=0)
    copy = browser.copy()
    assert copy.post("/remove", name="a").status == 200
    app.hook = lambda: copy.post("/remove", name="b")
    browser.post("/during", c=1)
    assert browser.post("/show").json["fields"] == {"c": 1}


def test_a_session_destroyed_during_a_request_is_not_resurrected(app: Application, server: Server) -> None:
    browser, _ = app.signed_in("ann")
    app.hook = lambda: browser.copy().post("/logout")
    reply = browser.post("/during", a=1)
    assert reply.status == (400 if app.framework == "django" else 200)  # SessionInterrupted
    assert server.send("DBSIZE") == 0
    assert "set-cookie" not in reply.headers
    assert browser.post("/show").json["id"] is None


def test_a_late_response_keeps_the_cookie_of_a_parallel_login(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", n=1)
    late = browser.copy()
    app.hook = lambda: browser.post("/login", user="ann")
    assert "set-cookie" not in late.post("/during", n=2).headers
    assert browser.post("/show").json["owner"] != ""


def test_a_request_with_an_old_token_keeps_the_cookie_of_a_login(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", n=1)
    late = browser.copy()
    browser.post("/login", user="ann")
    reply = late.post("/show")
    assert reply.json == {"fields": {}, "owner": "", "id": None}
    assert "Cookie" in ", ".join(reply.headers["vary"])
    # Django deletes the cookie of every empty session.
    assert ("set-cookie" in reply.headers) == (app.framework == "django")


@pytest.mark.parametrize("token", ["abc", "a.b.c.d", "x" * 100, "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.AAAA"])
def test_a_bad_token_is_no_session(app: Application, token: str) -> None:
    browser = app.browser()
    browser.cookies[app.cookie] = token
    reply = browser.post("/show")
    assert reply.json["id"] is None
    assert ("set-cookie" in reply.headers) == (app.framework == "django")


def test_a_logout_clears_the_cookie_of_a_session_that_has_ended(app: Application) -> None:
    browser, _ = app.signed_in("ann")
    copy = browser.copy()
    assert browser.post("/logout").status == 200
    assert browser.cookies == {}
    reply = copy.post("/logout")
    assert "Cookie" in ", ".join(reply.headers["vary"])
    assert copy.cookies == {}
    assert "set-cookie" not in copy.post("/logout").headers


def test_a_planted_token_is_useless_after_the_login(app: Application) -> None:
    attacker = app.browser()
    attacker.post("/set", cart=["book"])
    victim = attacker.copy()
    assert victim.post("/login", user="ann").status == 200
    assert attacker.post("/show").json == {"fields": {}, "owner": "", "id": None}
    shown = victim.post("/show").json
    assert shown["fields"] == {"cart": ["book"]}
    assert shown["owner"] != ""


def test_a_login_does_not_keep_the_data_of_another_user(app: Application, server: Server) -> None:
    browser, ann = app.signed_in("ann")
    browser.post("/set", secret="of ann")
    before = browser.copy()
    assert browser.post("/login", user="bob").status == 200
    shown = browser.post("/show").json
    assert shown["fields"] == {}
    assert shown["owner"] not in ("", ann)
    assert before.post("/show").json["id"] is None
    assert server.send("JRS.COUNT", ann) == 0


def test_a_login_of_the_same_user_is_a_recent_one(app: Application, server: Server) -> None:
    browser, ann = app.signed_in("ann")
    browser.post("/set", cart=["book"])
    before = browser.copy()
    calls(server)
    assert browser.post("/login", user="ann").status == 200
    assert calls(server)["JRS.ROTATE"] == 1
    assert before.post("/show").json["id"] is None
    assert browser.post("/show").json["fields"] == {"cart": ["book"]}
    assert server.send("JRS.COUNT", ann) == 1
    assert browser.post("/recent", seconds=300).status == 200


def test_my_devices_and_log_out_one_of_them(app: Application) -> None:
    laptop, ann = app.signed_in("ann")
    phone, _ = app.signed_in("ann")
    app.signed_in("bob")
    devices = laptop.post("/devices").json
    assert [device["current"] for device in devices] == [True, False]
    assert phone.post("/show").json["id"] == devices[1]["id"]
    assert laptop.post("/end_device", id=devices[1]["id"]).json == [True]
    assert phone.post("/show").json["owner"] == ""
    assert laptop.post("/show").json["owner"] == ann
    assert [device["current"] for device in laptop.post("/devices").json] == [True]
    assert laptop.post("/end_device", id=devices[0]["id"]).json == [True]
    assert laptop.cookies == {}


def test_log_out_everywhere(app: Application) -> None:
    browsers = [app.signed_in("ann")[0] for _ in range(3)]
    bob, _ = app.signed_in("bob")
    assert browsers[0].post("/everywhere", keep=True).json == 2
    assert [browser.post("/show").json["owner"] != "" for browser in browsers] == [True, False, False]
    assert browsers[0].post("/everywhere").json == 1
    assert browsers[0].cookies == {}
    assert bob.post("/show").json["owner"] != ""


def test_a_rotated_session_has_a_new_cookie(app: Application) -> None:
    browser, ann = app.signed_in("ann")
    browser.post("/set", n=1)
    before = browser.copy()
    first = browser.post("/show").json["id"]
    assert browser.post("/rotate").cookie(app.cookie) is not None
    shown = browser.post("/show").json
    assert (shown["fields"], shown["owner"]) == ({"n": 1}, ann)
    assert shown["id"] != first
    assert before.post("/show").json["id"] is None


def test_a_token_that_does_not_fit_into_the_cookie(start: Start, server: Server) -> None:
    changed = {"SESSION_COOKIE_NAME": "s" * 4000} if start.__name__ == "django" else {}
    with start(server.port, **changed) as app:
        assert app.browser().post("/login", user="ann", claims={"big": "x" * 4000}).status == 500
    assert server.send("DBSIZE") == 0


def test_while_redis_is_unavailable_requests_fail(start: Start, start_server: StartServer) -> None:
    server = start_server()
    with start(server.port) as app:
        browser = app.browser()
        browser.post("/set", n=1)
        server.stop()
        assert browser.post("/show").status == 500


def test_fail_open(start: Start, start_server: StartServer) -> None:
    server = start_server()
    with start(server.port, fail_open=True) as app:
        browser = app.browser()
        browser.post("/set", n=1)
        cookies = dict(browser.cookies)
        server.stop()
        reply = browser.post("/show")
        assert (reply.status, reply.json) == (200, {"fields": {}, "owner": "", "id": None})
        assert browser.cookies == cookies
        assert browser.post("/set", n=2).status == 500


def test_a_reused_token(start: Start, start_server: StartServer) -> None:
    server = start_server({"jrs.reuse-detection": "yes"})
    with start(server.port) as app:
        browser, ann = app.signed_in("ann")
        thief = browser.copy()
        browser.post("/rotate")
        reply = thief.post("/show")
        assert reply.json["id"] is None
        assert thief.cookies == {}
        assert [event.owner for event in app.reused] == [ann]
        assert browser.post("/show").json["id"] is None
