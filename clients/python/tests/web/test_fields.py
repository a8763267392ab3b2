"""Which fields have changed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from jrs_session._fields import REMOVED, Fields, patch_of

STORED = {"n": 1, "t": "x", "list": [1, {"a": 1}], "object": {"a": {"b": [1]}}, "none": None}


def fields() -> Fields:
    return Fields(json.loads(json.dumps(STORED)))


def test_reading_changes_nothing() -> None:
    session = fields()
    assert dict(session) == STORED
    assert session.get("missing") is None
    assert "n" in session
    assert len(session) == len(STORED)
    assert session.changes() == {}
    assert not session.has_changes


@pytest.mark.parametrize(
    ("stored", "value"), [(1, True), (1, 1.0), (0, False), ([1], [True]), (None, 0), ("1", 1), ({"a": 1}, {"a": 1.0})]
)
def test_equal_values_of_other_types_are_changes(stored: Any, value: Any) -> None:
    session = Fields({"f": stored})
    session["f"] = value
    assert session.changes() == {"f": value}


def test_changes_inside_of_values() -> None:
    session = fields()
    session["list"][1]["a"] = 2
    session["object"]["a"]["b"].append(2)
    assert session.changes() == {"list": [1, {"a": 2}], "object": {"a": {"b": [1, 2]}}}
    session["list"][1]["a"] = 1
    assert session.changes() == {"object": {"a": {"b": [1, 2]}}}


def test_a_field_that_was_removed_and_set_again_is_unchanged() -> None:
    session = fields()
    del session["n"]
    assert session.changes() == {"n": REMOVED}
    session["n"] = 1
    session["new"] = 1
    del session["new"]
    assert session.changes() == {}
    with pytest.raises(KeyError):
        del session["missing"]


def test_names_must_be_texts() -> None:
    with pytest.raises(TypeError, match="must be a str, not int"):
        fields()[1] = 1  # type: ignore[index]


def test_names_inside_of_values_become_texts_as_json_has_them() -> None:
    session = fields()
    session["cart"] = {7: 2}
    assert session.changes() == {"cart": {"7": 2}}


def test_a_field_changed_while_others_are_saved_stays_a_change() -> None:
    session = fields()
    session["n"] = 2
    changes = session.changes()
    session["n"] = 3
    session["t"] = "y"
    session.mark_saved(changes)
    assert session.changes() == {"n": 3, "t": "y"}
    session.mark_saved(session.changes())
    assert session.changes() == {}


def test_a_merge_keeps_unsaved_changes() -> None:
    session = fields()
    session["object"]["a"]["b"] = 2
    session.merge_saved({"object": {"c": 1}, "list": None, "n": 5, "new": {"x": {"y": None}}})
    assert dict(session) == {"n": 5, "t": "x", "object": {"a": {"b": 2}, "c": 1}, "none": None, "new": {"x": {}}}
    assert session.changes() == {"object": {"a": {"b": 2}, "c": 1}}


def test_only_the_changes_of_this_request_survive_a_session_that_has_ended() -> None:
    session = fields()
    session["n"] = 2
    session["list"].append(2)
    assert session["object"] == STORED["object"]
    session.keep_changes_only()
    assert dict(session) == {"n": 2, "list": [1, {"a": 1}, 2]}
    assert session.changes() == dict(session)


def test_the_repr_shows_no_data() -> None:
    assert repr(Fields({"secret": "s3"})) == "<Fields>"


def apply(data: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """A JSON Patch of top-level members."""
    result = dict(data)
    for operation in operations:
        name = operation["path"][1:].replace("~1", "/").replace("~0", "~")
        if operation["op"] == "add":
            result[name] = operation["value"]
        else:
            del result[name]
    return result


def test_the_patch_of_random_changes_gives_the_fields() -> None:
    dice = random.Random(14)  # noqa: S311  not for secrets
    names = ["a", "b/c", "~", "~1", "", "ü"]

    def value() -> Any:
        return dice.choice([1, True, None, "x", [], [1, {"x": [2]}], {}, {"k": {"l": 1}}])

    for _ in range(2000):
        stored = {name: value() for name in names if dice.random() < 0.6}
        session = Fields(json.loads(json.dumps(stored)))
        for _ in range(dice.randrange(6)):
            name = dice.choice(names)
            action = dice.randrange(4)
            if action == 0:
                session[name] = value()
            elif action == 1:
                session.pop(name, None)
            elif isinstance(session.get(name), list):
                session[name].append(value())
            elif isinstance(session.get(name), dict):
                session[name][dice.choice("xk")] = value()
        expected = dict(session)
        patched = apply(stored, patch_of(session.changes()))
        assert json.dumps(patched, sort_keys=True) == json.dumps(expected, sort_keys=True)
        assert session.to_json() == expected


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"at": [object()]}, TypeError),
        ({(1, 2): 3}, TypeError),
        pytest.param(10**5000, ValueError, id="an integer that Python does not print"),
    ],
)
def test_a_value_that_json_does_not_have_names_its_field(value: Any, error: type[Exception]) -> None:
    session = fields()
    session["cart"] = value
    with pytest.raises(error, match="the field 'cart' of the session cannot be stored: "):
        session.changes()
    with pytest.raises(error, match="'cart'"):
        session.to_json()
