"""Strict JSON: what is written can be read by every parser, and means the same to all of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

# The server refuses data that is nested deeper.
MAX_DEPTH = 128


def encode_object(value: Mapping[str, Any], name: str) -> bytes:
    """A JSON object as UTF-8.

    Raises:
        TypeError, ValueError: a value has no JSON form. The text names its place, and does not repeat it.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    return _encode(value if isinstance(value, dict) else dict(value), name)


def encode_array(value: object, name: str) -> bytes:
    """A JSON array as UTF-8. Raises as `encode_object`."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence, not {type(value).__name__}")
    return _encode(list(value), name)


def decode_object(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: the text is not one.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _encode(value: object, name: str) -> bytes:
    _check(value, name, "", MAX_DEPTH)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _check(value: object, name: str, path: str, depth: int) -> None:
    """Refuses what `json.dumps` would refuse without a place, or change silently, such as names that are numbers."""
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, str):
        if not _is_unicode(value):
            raise ValueError(f"{_at(name, path)} has half of a surrogate pair, which is not a character")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{_at(name, path)} is {value}, which JSON does not have")
    elif isinstance(value, (dict, list, tuple)):
        if depth == 0:
            raise ValueError(f"{name} is nested deeper than {MAX_DEPTH}")
        _check_members(value, name, path, depth - 1)
    else:
        raise TypeError(f"{_at(name, path)} is a {type(value).__name__}, which JSON does not have")


def _check_members(
    value: dict[Any, object] | list[object] | tuple[object, ...], name: str, path: str, depth: int
) -> None:
    if not isinstance(value, dict):
        for at, item in enumerate(value):
            _check(item, name, f"{path}/{at}", depth)
        return
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{_at(name, path)} has a name that is a {type(key).__name__}: JSON names are strings")
        if not _is_unicode(key):
            raise ValueError(f"{_at(name, path)} has a name with half of a surrogate pair")
        _check(item, name, f"{path}/{key}", depth)


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _at(name: str, path: str) -> str:
    return f"the value of {name} at {path}" if path else name
