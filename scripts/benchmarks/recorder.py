"""Keeps what a run has measured, for the results file."""

import datetime
import pathlib
import subprocess
import tomllib

from benchmarks.server import ROOT


class Recorder:
    """The rows and limits of the groups of this run, by table."""

    def __init__(self, words):
        self.tables, self.measured = {}, {}
        # Without the folders of this machine, and what does not change the results.
        kept = [pathlib.Path(word).name for word in words if word not in ("--results", "--no-build", "--check")]
        self.run = " ".join(["scripts/bench", *(word for word in kept if not word.endswith(".json"))])

    def describe(self, **facts):
        """The machine and the rounds of the group that follows."""
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.measured = {
            "date": datetime.date.today().isoformat(),
            "commit": commit(),
            "version": manifest["package"]["version"],
            **facts,
            "run": self.run,
        }

    def row(self, table, **row):
        """A row of a table. Figures keep four digits after the point."""
        kept = {name: tidy(value) for name, value in row.items()}
        self.table(table)["rows"].append(kept)

    def limits(self, table, bounds):
        """The floors of a group, and what must not be exceeded."""
        if bounds:
            self.table(table)["limits"] = [
                {"kind": bound.name, "what": bound.what, "bound": bound.bound, "value": tidy(bound.value)}
                for bound in bounds
            ]

    def table(self, name):
        return self.tables.setdefault(name, {"measured": self.measured, "rows": []})


def tidy(value):
    return round(value, 4) if isinstance(value, float) else value


def commit():
    """The commit of the tree, with a plus sign if a file of it has changed."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=60).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")
