"""The pairs of applications that --clients measures. Installs what they need into the tree."""

import shutil
import subprocess
from dataclasses import dataclass, field

from benchmarks.client import Failure
from benchmarks.pages import PEERS
from benchmarks.server import ROOT

PYTHON = ROOT / "target" / "venv-peers"
RUST = ROOT / "target" / "clients-rust"


@dataclass
class Pair:
    """An application with sessions of JRS, and the same with those of a peer: the words of their command lines."""
    name: str
    beside: str
    jrs: list
    peer: list
    floor: float | None
    environment: dict = field(default_factory=dict)


# Two equal sides differ by up to 5 % in the median of one run: the first rows of the table show by how much.
NOT_SLOWER = 0.95
PRODUCTION = {"NODE_ENV": "production"}


def express(name, client):
    words = [["node", "node/page.mjs", side, client, "{redis}", "{port}"] for side in ("jrs", "peer")]
    return Pair(name, "express-session, connect-redis", *words, 1.30, PRODUCTION)


def predecessor():
    """The npm package jwt-redis-session, beside jrs-session in its place."""
    words = [["node", "node/token-page.mjs", side, "{redis}", "{port}"] for side in ("jrs", "peer")]
    return Pair("Express, node-redis 2", "jwt-redis-session", *words, NOT_SLOWER, PRODUCTION)


def noise():
    """express-session beside itself."""
    words = ["node", "node/page.mjs", "peer", "redis-5", "{redis}", "{port}"]
    return Pair("express-session", "itself (noise)", words, words, None, PRODUCTION)


def wsgi(name, beside, program):
    """One worker of gunicorn with threads, because its other kinds of workers close each connection."""
    words = [str(PYTHON / "bin" / "gunicorn"), "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "8",
             "--worker-class", "gthread", "--keep-alive", "75", "--chdir", "python", f"{program}:app"]
    environment = {"REDIS_PORT": "{redis}", "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    return Pair(name, beside, *([["env", f"SIDE={side}", *words] for side in ("jrs", "peer")]), NOT_SLOWER, environment)


def axum(beside, side, profile):
    """One thread, so that the application is the bottleneck and not the load generator."""
    words = [[str(RUST / profile / "jrs-peers"), side, "{redis}", "{port}"] for side in ("jrs", side)]
    return Pair("axum, redis-rs", beside, *words, NOT_SLOWER)


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


def build_rust(quick):
    """Builds the pages in Rust, without optimization if `quick`. Returns the folder of the profile."""
    manifest = PEERS / "rust" / "Cargo.toml"
    run("cargo", "build", "--locked", "--bins", "--manifest-path", str(manifest), "--target-dir", str(RUST),
        *([] if quick else ["--release"]))
    return "debug" if quick else "release"


def installed(quick):
    """Installs what the pairs need, and returns the pairs."""
    install_node()
    install_python()
    profile = build_rust(quick)
    return [noise(), express("Express, node-redis 5", "redis-5"), express("Express, node-redis 6", "redis"),
            predecessor(),
            wsgi("Flask, redis-py", "Flask-Session", "flask_page"),
            wsgi("Django, redis-py", "its cache sessions", "django_page"),
            axum("tower-sessions, its store with redis-rs", "redis-rs", profile),
            axum("tower-sessions, its store with fred", "fred", profile)]
