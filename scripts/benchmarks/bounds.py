"""Bounds: values that must not be lower, or higher."""

from dataclasses import dataclass


@dataclass
class Floor:
    """The lowest acceptable value; `other` is what another build of the module reached in the same run."""
    what: str
    value: float
    bound: float
    other: float | None = None
    name = "floor"

    def holds(self):
        return self.value >= self.bound

    def __str__(self):
        other = "" if self.other is None else f" (the other build: {self.other:.3f})"
        return (f"- {'PASS' if self.holds() else 'MISS'} {self.what}: {self.value:.3f}, {self.name} {self.bound:.2f}"
                f"{other}")


@dataclass
class Ceiling(Floor):
    """The highest acceptable value."""
    name = "at most"

    def holds(self):
        return self.value <= self.bound
