"""The pairs of applications that --clients measures. Installs what they need into the tree."""

import os
import subprocess
from dataclasses import dataclass, field

from benchmarks.client import Failure
from benchmarks.pages import PEERS
from benchmarks.server import ROOT


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


def installed(options):
    """Installs what the pairs need, and returns the pairs."""
    install_node()
    return [express("Express, node-redis 5", "redis-5"), express("Express, node-redis 6", "redis")]
