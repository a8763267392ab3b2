"""A Debian system in a folder, in which packages are installed and the distribution's server runs, without systemd."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import time

from builds import ROOT

# In seconds. No step takes as long, even on a busy machine.
LIMIT = 120


def wait_until(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"after {LIMIT} seconds, still not: {what}"
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class System:
    """A copy of a release that scripts/servers fetched. `name` is the server: redis or valkey."""

    def __init__(self, release, name):
        self.name = name
        self.root = ROOT / f"target/packages/{release}-{name}"
        self.delete()
        self.root.parent.mkdir(parents=True, exist_ok=True)
        fetched = os.environ[f"JRS_{release.upper()}"]
        # scripts/servers gives all files to the user who fetched them; the folders of the server get their owner below.
        left_out = " ".join(f"--exclude=./{path}/*" for path in
                            ("usr/share/locale", "usr/share/doc", "var/cache/apt/archives", "var/lib/apt/lists"))
        copy = (f"mkdir {self.root} && tar -C {fetched} -c --owner=0 --group=0 {left_out} . | tar -C {self.root} -xp"
                f" && mkdir -p {self.root}/var/cache/apt/archives/partial {self.root}/var/lib/apt/lists/partial")
        subprocess.run(["bash", "-o", "pipefail", "-c", copy], check=True, timeout=LIMIT)
        self.run(f"/var/lib/dpkg/info/{name}-tools.postinst", "configure")
        self.run("chown", f"{name}:{name}", self.conf)
        # apt takes its cache as current if dpkg's list has the same size and, in whole seconds, the same time.
        self.file("/etc/apt/apt.conf.d/no-cache").write_text('Dir::Cache { pkgcache ""; srcpkgcache ""; };\n')
        # No package may start or restart a server: the test does.
        self.file("/usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        self.file("/usr/sbin/policy-rc.d").chmod(0o755)

    def delete(self):
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True, timeout=LIMIT)

    @property
    def conf(self):
        return f"/etc/{self.name}/{self.name}.conf"

    def file(self, path):
        return self.root / str(path).lstrip("/")

    def run(self, *command, check=True):
        """Runs a command inside. Returns what it prints."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["chroot", self.root, *command], env=env, stdin=subprocess.DEVNULL, timeout=LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0 or not check, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def shell(self, command, folder="/"):
        return self.run("bash", "-euc", f"cd {folder}\n{command}")

    def install(self, deb):
        shutil.copy(deb, self.file(f"/tmp/{deb.name}"))
        return self.run("dpkg", "--install", f"/tmp/{deb.name}")

    def version(self, package):
        return self.run("dpkg-query", "--show", "--showformat", "${Version}", package)

    def add_lines(self, *lines):
        """Adds lines at the end of the server's configuration."""
        with self.file(self.conf).open("a") as conf:
            conf.write("".join(f"{line}\n" for line in lines))

    def remove_lines(self, pattern):
        """Removes the lines that begin with a pattern."""
        conf = self.file(self.conf)
        kept = [line for line in conf.read_text().splitlines(keepends=True) if not re.match(pattern, line)]
        conf.write_text("".join(kept))


class Server:
    """The server of a system, started as its systemd unit says: its command, user, umask and runtime folder."""

    def __init__(self, system, *arguments):
        self.system = system
        self.port = free_port()
        unit = system.file(f"/lib/systemd/system/{system.name}-server.service").read_text()
        unit = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
        user = unit["User"]
        system.run("install", "-d", "-o", user, "-g", unit["Group"], "-m", unit["RuntimeDirectoryMode"],
                   f"/run/{unit['RuntimeDirectory']}")
        command = shlex.split(unit["ExecStart"].replace("--supervised systemd", "--supervised no"))
        self.umask = int(unit["UMask"], 8)
        self.command = ["chroot", system.root, "setpriv", f"--reuid={user}", f"--regid={unit['Group']}",
                        "--init-groups", "--inh-caps=-all", *command, "--port", str(self.port), *arguments]

    def launch(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, umask=self.umask)

    def start(self):
        self.launch()
        wait_until(lambda: self.ended() or self.cli("PING") == "PONG", "the server replies")
        assert not self.ended(), self.log()

    def ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Stops it as systemd does."""
        self.process.terminate()
        assert self.process.wait(LIMIT) == 0, self.log()

    def cli(self, *command):
        return self.system.run(f"{self.system.name}-cli", "-p", str(self.port), *command, check=False).strip()

    def log(self):
        logs = self.system.file(f"/var/log/{self.system.name}/{self.system.name}-server.log")
        return logs.read_text(errors="replace")

    def mapped_module(self):
        """The line of the module's code in the list of files that the process has mapped."""
        maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()
        return next(line for line in maps.splitlines() if "libjrs.so" in line)


@contextlib.contextmanager
def running(system, *arguments):
    server = Server(system, *arguments)
    try:
        server.start()
        yield server
    finally:
        if not server.ended():
            server.process.kill()
            server.process.wait()
