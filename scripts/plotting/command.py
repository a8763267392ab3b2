"""scripts/bench --tables and --plot: write what is made from the results file, or check that it is current."""

import importlib
import os
import pathlib
import subprocess
import sys

from plotting import documents
from plotting import results as results_file
from plotting.pictures import PICTURES
from plotting.results import ROOT

REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")
VENV = ROOT / "target" / "venv"


def tables(is_check):
    """The tables and captions of the documents. Returns the exit code."""
    return finish(documents.stale(results_file.read(results_file.RESULTS)), is_check)


def plot(is_check, file=None, folder=None):
    """The pictures, and the tables and captions. With a folder: only the pictures of another results file, into it."""
    use_matplotlib()
    results = results_file.read(file or results_file.RESULTS)
    folder = pathlib.Path(folder or ROOT / documents.FOLDER)
    changes = {} if file else documents.stale(results)
    for name, picture in PICTURES.items():
        target = folder / f"{name}.svg"
        drawn = draw(name, picture, results)
        if drawn is None:
            print(f"{name}.svg: left out, the results file has no {picture.sources[0]}")
        current = target.read_bytes() if target.exists() else None
        if drawn != current:
            changes[target] = drawn
    return finish(changes, is_check)


def draw(name, picture, results):
    """The picture as bytes, or None if what it shows was not measured."""
    from plotting import style  # needs matplotlib

    if not picture.has_results(results):
        return None
    return style.svg(getattr(importlib.import_module(f"plotting.{picture.module}"), name)(results))


def finish(changes, is_check):
    """Writes the files, or names those that are not current."""
    for file, content in changes.items():
        name = os.path.relpath(file)
        if is_check:
            print(f"{name} is not what scripts/bench --plot makes of docs/results.json; run it, edit no result by hand")
        elif content is None:
            file.unlink()
            print(f"removed {name}")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            print(f"wrote {name}")
    return 1 if is_check and changes else 0


def use_matplotlib():
    """Goes on with the Python of target/venv, where the pinned matplotlib is installed."""
    python = VENV / "bin" / "python"
    if not is_pinned(sys.executable):
        if not is_pinned(python):
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
            subprocess.run(
                [
                    python,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--requirement",
                    REQUIREMENTS,
                ],
                check=True,
            )
        os.execv(python, [python, *sys.argv])


def is_pinned(python):
    """Whether this Python has matplotlib in the version of requirements.txt."""
    script = (
        "import sys; from importlib.metadata import version;"
        " sys.exit(f'matplotlib=={version(\"matplotlib\")}' not in open(sys.argv[1]).read().split())"
    )
    return (
        os.path.exists(python)
        and subprocess.run([python, "-c", script, REQUIREMENTS], capture_output=True).returncode == 0
    )
