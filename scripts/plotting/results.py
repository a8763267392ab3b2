"""The results file: what scripts/bench has measured, by table."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "docs" / "results.json"


def read(file):
    """The tables by name. Each has `measured` (when, where and how), `rows`, and perhaps `limits`."""
    return json.loads(file.read_text())


def write(file, results):
    """Writes a row on each line, so that a change of a row is a change of a line."""
    tables = []
    for name in results:
        parts = []
        for part, value in results[name].items():
            if isinstance(value, list):
                lines = ",".join(f"\n      {json.dumps(row, ensure_ascii=False)}" for row in value)
                parts.append(f'    "{part}": [{lines}\n    ]' if value else f'    "{part}": []')
            else:
                lines = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n    ")
                parts.append(f'    "{part}": {lines}')
        tables.append(f'  "{name}": {{\n' + ",\n".join(parts) + "\n  }")
    file.write_text("{\n" + ",\n".join(tables) + "\n}\n")


def update(file, measured):
    """Replaces the tables that were measured, and keeps the others."""
    results = read(file) if file.exists() else {}
    write(file, results | measured)


def caption(measured):
    """When, where and how a table was measured, in one sentence."""
    load = f", load average {measured['load']} before the run" if "load" in measured else ""
    rounds = f"{measured['rounds']} round{'s' if measured['rounds'] > 1 else ''}"
    note = f" {measured['note']}" if "note" in measured else ""
    return (
        f"Measured on {measured['date']} with version {measured['version']} (commit {measured['commit']}):"
        f" {measured['machine']}, {measured['server']}{load}; {rounds} (`{measured['run']}`).{note}"
    )
