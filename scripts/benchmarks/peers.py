"""The pairs of applications that --clients measures. Installs what they need into the tree."""

import shutil
import subprocess
from dataclasses import dataclass, field

from benchmarks.client import Failure
from benchmarks.pages import PEERS
from benchmarks.server import ROOT

PYTHON = ROOT / "target" / "venv-peers"


@dataclass
class Pair:
    """An application with sessions of JRS, and the same with those of a peer: the words of their command lines."""
    name: str
    beside: str
    jrs: list
    peer: list
    floor: float
    environment: dict = field(default_factory=dict)


def express(name, client):
    words = [["node", "node/page.mjs", side, client, "{redis}", "{port}"] for side in ("jrs", "peer")]
    return Pair(name, "express-session + connect-redis", *words, 1.30, {"NODE_ENV": "production"})


def wsgi(name, beside, program):
    """One worker of gunicorn with threads, because its other kinds of workers close each connection."""
    words = [str(PYTHON / "bin" / "gunicorn"), "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "8",
             "--worker-class", "gthread", "--keep-alive", "75", "--chdir", "python", f"{program}:app"]
    environment = {"REDIS_PORT": "{redis}", "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    return Pair(name, beside, *([["env", f"SIDE={side}", *words] for side in ("jrs", "peer")]), 1.00, environment)


def run(*words, folder=ROOT):
    """Runs a command of the installation; its output is shown only if it fails."""
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800)
    if done.returncode:
        raise Failure("\n".join([f"{' '.join(words)} failed", *done.stdout.splitlines()[-15:]]))


def is_current(stamp, *sources):
    """Whether a file of an installation is newer than what it was made from."""
    return stamp.exists() and all(stamp.stat().st_mtime >= source.stat().st_mtime for source in sources)


def install_node():
    for folder in (ROOT / "clients" / "node", PEERS / "node"):
        if not is_current(folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"):
            run("npm", "ci", "--no-audit", "--no-fund", folder=folder)
    run("npm", "run", "build", folder=ROOT / "clients" / "node")


def install_python():
    requirements, stamp = PEERS / "python" / "requirements.txt", PYTHON / ".made"
    if not is_current(stamp, requirements):
        shutil.rmtree(PYTHON, ignore_errors=True)
        run("python3", "-m", "venv", str(PYTHON))
        run(str(PYTHON / "bin" / "pip"), "install", "--disable-pip-version-check", "--requirement", str(requirements))
        stamp.touch()


def installed():
    """Installs what the pairs need, and returns the pairs."""
    install_node()
    install_python()
    return [express("Express, node-redis 5", "redis-5"), express("Express, node-redis 6", "redis"),
            wsgi("Flask, redis-py", "Flask-Session", "flask_page"),
            wsgi("Django, redis-py", "its cache sessions", "django_page")]
