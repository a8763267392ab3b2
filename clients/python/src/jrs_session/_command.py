"""A command to send, and what an operation is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")

Word = Union[str, bytes]


@dataclass(frozen=True)
class Command:
    """The words of a command. In a cluster its first argument is a key and finds the node, unless `nodes` is given."""

    words: tuple[Word, ...]
    nodes: Literal["any", "all"] | None = None

    def secrets(self) -> list[str]:
        """The arguments that an error must not repeat: all that are long enough to be a token or data."""
        texts = (word if isinstance(word, str) else word.decode("utf-8", "replace") for word in self.words[1:])
        return [text for text in texts if len(text) >= 8 and not text.isupper()]

    def __repr__(self) -> str:
        return f"Command({self.words[0]!r})"


# An operation yields the commands to send, gets their replies (or their errors, raised at the `yield`), and returns its
# result. `JRS` and `AsyncJRS` run the same operations; only one of them awaits.
Operation = Generator[Command, Any, T]
