"""The fields of a session, and which of them have changed since they were read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

REMOVED = object()
"""In the changes of a session: the field was removed."""


class Fields(MutableMapping[str, Any]):
    """A mapping that knows which of its fields have changed, also inside of lists and objects.

    Reading a number or a text costs no more than in a dict. A list or an object can be changed in place, so its JSON
    text is kept when it is read for the first time.
    """

    def __init__(self, stored: dict[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = {} if stored is None else stored
        self._before: dict[str, str | None] = {}
        """The stored JSON text of each field that may have changed; `None` if the field is not stored."""
        self.accessed = False
        """Whether the application has used a field. A response to such a request depends on the cookie."""

    def __getitem__(self, name: str) -> Any:
        self.accessed = True
        value = self._values[name]
        if isinstance(value, (dict, list)) and name not in self._before:
            self._before[name] = _text(value)
            self._values[name] = value = self._decode(value)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a field must be a str, not {type(name).__name__}")
        self._keep_stored(name)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self.accessed = True
        if name not in self._values:
            raise KeyError(name)
        self._keep_stored(name)
        del self._values[name]

    def __contains__(self, name: object) -> bool:
        self.accessed = True
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        self.accessed = True
        return iter(self._values)

    def __len__(self) -> int:
        self.accessed = True
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # no data: a log must not show it

    def changes(self) -> dict[str, Any]:
        """The changed fields, as JSON can hold them; `REMOVED` for those that were removed."""
        changes: dict[str, Any] = {}
        for name, before in self._before.items():
            if name in self._values:
                text = self._encoded(name)
                if text != before:
                    changes[name] = json.loads(text)
            elif before is not None:
                changes[name] = REMOVED
        return changes

    @property
    def has_changes(self) -> bool:
        """Whether a field has changed since the session was read or saved."""
        return bool(self._before) and bool(self.changes())

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON can hold them."""
        return {
            name: json.loads(self._encoded(name)) if name in self._before else value
            for name, value in self._values.items()
        }

    def replace_stored(self, stored: dict[str, Any]) -> None:
        """Takes the stored data, and drops all fields that were here."""
        self._values = stored
        self._before = {}

    def mark_saved(self, saved: dict[str, Any]) -> None:
        """Call after these fields were stored. A field that has changed in the meantime still counts as changed."""
        for name in self._before.keys() & saved.keys():
            self._before[name] = None if saved[name] is REMOVED else _text(saved[name])

    def merge_saved(self, patch: Mapping[str, Any]) -> None:
        """Call after the server has merged a patch (RFC 7396). Unsaved changes stay unsaved."""
        for name, value in patch.items():
            if value is None:
                self._values.pop(name, None)
                self._before[name] = None
                continue
            current = self._values.get(name)
            stored = current
            if name in self._before:
                current = self._encode(current)
                before = self._before[name]
                stored = None if before is None else json.loads(before)
            self._before[name] = _text(_merged(stored, value))
            self._values[name] = self._decode(_merged(current, value))

    def keep_changes_only(self) -> None:
        """Drops the fields of a session that does not exist any more, except those that were changed."""
        changed = self.changes()
        self._values = {name: value for name, value in self._values.items() if name in changed}
        self._before = dict.fromkeys(self._values)

    def _keep_stored(self, name: str) -> None:
        if name not in self._before:
            self._before[name] = _text(self._values[name]) if name in self._values else None

    def _encoded(self, name: str) -> str:
        try:
            return _text(self._encode(self._values[name]))
        except (TypeError, ValueError) as error:
            raise type(error)(f"the field {name!r} of the session cannot be stored: {error}") from None

    def _decode(self, value: Any) -> Any:
        """The value that the application sees. A framework with more types than JSON has overrides it."""
        return value

    def _encode(self, value: Any) -> Any:
        """The reverse of :meth:`_decode`: a value that JSON can hold."""
        return value


def patch_of(changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes as a JSON Patch (RFC 6902) that succeeds whatever another request has changed meanwhile."""
    operations: list[dict[str, Any]] = []
    for name, value in changes.items():
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        if value is REMOVED:
            # "remove" alone fails if another request has removed the field.
            operations.append({"op": "add", "path": path, "value": None})
            operations.append({"op": "remove", "path": path})
        else:
            operations.append({"op": "add", "path": path, "value": value})
    return operations


def _merged(target: Any, patch: Any) -> Any:
    """Applies a JSON Merge Patch (RFC 7396), and leaves both arguments as they are."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
