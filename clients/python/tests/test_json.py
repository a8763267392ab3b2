"""Python values as JSON, and what JSON cannot hold."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict, UserDict
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from jrs_session import JRS
from jrs_session._json import MAX_DEPTH, encode_object
from support.server import Server


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"a": value}


CIRCULAR: dict[str, Any] = {}
CIRCULAR["a"] = CIRCULAR

KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"a": (1, 2)}, {"a": [1, 2]}),
    ({"a": Color.RED, "b": Level.HIGH}, {"a": "red", "b": 3}),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    ({"big": 10**400, "small": -(2**63)}, {"big": 10**400, "small": -(2**63)}),
    ({"f": 0.1, "g": -0.0, "h": 1e308, "i": 5e-324}, {"f": 0.1, "g": -0.0, "h": 1e308, "i": 5e-324}),
    ({"": "", "\0": "\0", "é€😀": "é€😀", "\u2028": "\x7f"}, {"": "", "\0": "\0", "é€😀": "é€😀", "\u2028": "\x7f"}),
    (nested(MAX_DEPTH), nested(MAX_DEPTH)),
]

REFUSED: list[tuple[Any, type[Exception], str]] = [
    ({"a": [{"b": float("nan")}]}, ValueError, "the value of data at /a/0/b is nan, which JSON does not have"),
    ({"a": float("-inf")}, ValueError, "the value of data at /a is -inf"),
    ({"a": b"x"}, TypeError, "the value of data at /a is a bytes"),
    ({"a": {1, 2}}, TypeError, "at /a is a set"),
    ({"a": datetime.now(timezone.utc)}, TypeError, "at /a is a datetime"),
    ({"a": Decimal("1.5")}, TypeError, "at /a is a Decimal"),
    ({"a": {1: 2}}, TypeError, "the value of data at /a has a name that is a int: JSON names are strings"),
    ({None: 2}, TypeError, "data has a name that is a NoneType"),
    ({"a": "\ud800"}, ValueError, "at /a has half of a surrogate pair"),
    ({"\udfff": 1}, ValueError, "data has a name with half of a surrogate pair"),
    (nested(MAX_DEPTH + 1), ValueError, "data is nested deeper than 128"),
    (CIRCULAR, ValueError, "data is nested deeper than 128"),
    ([1], TypeError, "data must be a mapping, not list"),
    ("{}", TypeError, "data must be a mapping, not str"),
    (None, TypeError, "data must be a mapping, not NoneType"),
]


@pytest.mark.parametrize(("data", "expected"), KEPT)
def test_values_come_back(jrs: JRS, data: dict[str, Any], expected: dict[str, Any]) -> None:
    token = jrs.create("ann", {})
    jrs.update(token, data)
    session = jrs.get(token)
    assert session is not None
    assert session.data == expected
    assert list(session.data) == list(expected)
    assert jrs.merge(token, {"added": 1}) is not None


@pytest.mark.parametrize(("data", "error", "message"), REFUSED)
def test_what_json_cannot_hold(jrs: JRS, server: Server, data: Any, error: type[Exception], message: str) -> None:
    token = jrs.create("ann", {"n": 1})
    server.send("CONFIG", "RESETSTAT")
    calls: list[Callable[[], object]] = [
        lambda: jrs.create("ann", data),
        lambda: jrs.update(token, data),
        lambda: jrs.merge(token, data),
        lambda: jrs.patch(token, [{"op": "add", "path": "/a", "value": {"b": data}}]),
        lambda: jrs.create("ann", {}, claims=data),
    ]
    # A patch may hold any JSON value; no claims are the same as None.
    allowed = {3} if data == [1] or data == "{}" else {3, 4} if data is None else set()
    for number, call in enumerate(calls):
        if number in allowed:
            continue
        with pytest.raises(error) as caught:
            call()
        if number < 2:
            assert message in str(caught.value)
    assert server.calls("jrs.update") == 0
    assert server.calls("jrs.create") == 0


def test_a_mapping_of_another_type() -> None:
    assert encode_object(UserDict(a=1), "data") == b'{"a":1}'


def test_the_text_is_compact_utf_8() -> None:
    assert encode_object({"a": [1, "é"], "b": {}}, "data").decode() == '{"a":[1,"é"],"b":{}}'
    assert json.loads(encode_object({"a\"'\n": "\\"}, "data")) == {"a\"'\n": "\\"}
