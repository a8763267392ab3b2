"""The Debian packages, from the installation to the purge, with the server and configuration of Debian."""

import json
import re
import shutil
import subprocess

import builds
import pytest
from load import Load
from system import LIMIT, Server, System, running

CASES = [("bookworm", "redis"), ("trixie", "redis"), ("trixie", "valkey")]
KEY = {"kty": "oct", "alg": "HS256", "kid": "of-the-test", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}


def next_revision(deb, folder):
    """The same package with a higher version."""
    unpacked, packed = folder / "unpacked", folder / f"next_{deb.name}"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, unpacked], check=True, timeout=LIMIT)
    control = unpacked / "DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)-1$", r"\1-2", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--build", unpacked, packed], check=True, timeout=LIMIT)
    return packed


def documented(name):
    """The commands of docs/install.md: how to check the files, to install the package for this server, to roll back."""
    page = (builds.ROOT / "docs/install.md").read_text()
    check, section = page.split("## Debian package\n")
    blocks = [re.search("```console\\n(.*?)```", text, re.DOTALL)[1] for text in (check, section)]
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines.append(re.search(r"\*\*Roll back\*\*: `(.*?)`", section)[1])
    return [line.replace("redis", name) for line in lines]


@pytest.mark.parametrize(("release", "name"), CASES)
def test_install_upgrade_remove_purge(dist, tmp_path, release, name):
    system = System(release, name)
    package, keys = f"{name}-jrs", f"/etc/{name}-jrs"
    module, snippet = f"/usr/lib/{name}/modules/libjrs.so", f"/etc/{name}/conf.d/jrs.conf"
    (deb,) = dist.glob(f"{package}_*.deb")

    check, install, activate, restart, create, roll_back = documented(name)

    # Installed, but not active.
    downloads = system.file("/srv/downloads")
    downloads.mkdir()
    for file in (deb, dist / "SHA256SUMS"):
        shutil.copy(file, downloads)
    assert system.shell(check, "/srv/downloads") == f"{deb.name}: OK\n"
    output = system.shell(install, "/srv/downloads")
    assert f"loadmodule {module}" in output
    assert f"systemctl restart {name}-server" in output
    assert system.run("stat", "-c", "%U:%G %a", keys).strip() == f"{name}:{name} 750"
    assert system.run("dpkg", "--verify", package) == ""
    with running(system) as server:
        assert "unknown command" in server.cli("JRS.COUNT", "user:42")

    # Active with the line of docs/install.md, which the snippet and README.Debian show, too.
    system.shell(activate)
    assert restart == f"systemctl restart {name}-server"
    readme = system.file(f"/usr/share/doc/{package}/README.Debian").read_text()
    lines = [f"loadmodule {module}", f"include {snippet}"]
    for line in lines:
        assert f"    {line}\n" in readme
        assert f"#     {line}\n" in system.file(snippet).read_text()
    assert system.file(system.conf).read_text().endswith(f"\n{lines[0]}\n")
    with running(system) as server:
        assert "." in system.shell(create.replace(f"{name}-cli", f"{name}-cli -p {server.port}"))
        assert system.file(f"/var/lib/{name}/jrs-keys.json").exists()

    # With settings, and a key file in the package's folder.
    system.add_lines(lines[1])
    key_file = f"{keys}/session-keys.json"
    system.file(key_file).write_text(json.dumps(KEY))
    system.run("chown", f"root:{name}", key_file)
    system.run("chmod", "0640", key_file)
    settings = system.file(snippet)
    settings.write_text(settings.read_text().replace(f"#jrs.keys-file {key_file}", f"jrs.keys-file {key_file}"))
    with running(system, "--appendonly", "yes") as server:
        token = server.cli("JRS.CREATE", "user:42", '{"cart":["book"]}')
        assert '{"cart":["book"]}' in server.cli("JRS.GET", token)
        assert "of-the-test" in server.cli("INFO", "jrs")
        assert "chmod 600 or 640" not in server.log()
        upgrade_under_load(system, server, next_revision(deb, tmp_path), package)
        assert '{"cart":["book"]}' in server.cli("JRS.GET", token)
        assert f"jrs.keys-file {key_file}" in settings.read_text().splitlines()

        # Rolled back.
        created_before = server.cli("JRS.CREATE", "user:43", "{}")
        old = roll_back.replace(f"{package}_OLD.deb", deb.name).replace("apt-get install", "apt-get install --yes")
        output = system.shell(old, "/srv/downloads")
        assert f"systemctl restart {name}-server" in output
        assert system.version(package).endswith("-1")
        server.stop()
        server.start()
        assert "(deleted)" not in server.mapped_module()
        assert '{"cart":["book"]}' in server.cli("JRS.GET", token)
        assert "user:43" in server.cli("JRS.GET", created_before)
        assert f"jrs.keys-file {key_file}" in settings.read_text().splitlines()

        # What CONFIG REWRITE writes does not keep the server from starting.
        assert server.cli("CONFIG", "SET", "jrs.max-age", "7200") == "OK"
        assert server.cli("CONFIG", "REWRITE") == "OK"
        server.stop()
        server.start()
        assert server.cli("CONFIG", "GET", "jrs.max-age").splitlines() == ["jrs.max-age", "7200"]

        # Removed in the wrong order: the package warns, and the server runs until its next start.
        output = system.run("dpkg", "--remove", package)
        assert "its next start fails" in output
        assert f"    {system.conf}\n" in output
        assert not system.file(module).exists()
        assert '{"cart":["book"]}' in server.cli("JRS.GET", token)
        server.stop()
    failed = Server(system)
    failed.launch()
    assert failed.process.wait(60) != 0
    assert f"Can't load module from {module}" in failed.log()

    # Without the lines, the sessions are plain keys.
    system.remove_lines(r"loadmodule .*libjrs\.so|include .*/jrs\.conf|jrs\.")
    with running(system, "--appendonly", "yes") as server:
        assert "unknown command" in server.cli("JRS.COUNT", "user:42")
        (key,) = server.cli("KEYS", "sess:{user:42}:*").splitlines()
        assert server.cli("GET", key) == '{"cart":["book"]}'

    # Purged: the key stays, and the package says where.
    generated = f"/var/lib/{name}/jrs-keys.json"
    output = system.run("dpkg", "--purge", package)
    for path in (key_file, generated):
        assert f"    {path}\n" in output
        assert system.file(path).exists()
    assert f"purge {name}-tools" in output
    assert not settings.exists()
    assert not re.search(package, system.run("dpkg-query", "--show", "--showformat", "${Package} ${Status}\n"))

    # Installed again, for an administrator who has chosen another owner for the folder.
    system.run("dpkg-statoverride", "--update", "--add", "root", name, "0710", keys)
    system.install(deb)
    assert system.run("stat", "-c", "%U:%G %a", keys).strip() == f"root:{name} 710"
    system.delete()


def upgrade_under_load(system, server, deb, package):
    """Upgrades and restarts while clients create and read sessions. No acknowledged session may be lost."""
    with Load(server.port) as load:
        load.wait_for_more()
        before = server.mapped_module()
        output = system.install(deb)
        assert f"systemctl restart {system.name}-server" in output
        assert system.version(package).endswith("-2")
        # The server still has the old file, which has no name any more.
        load.wait_for_more()
        assert server.mapped_module() == f"{before} (deleted)"
        server.stop()
        server.start()
        load.wait_for_more()
        assert "(deleted)" not in server.mapped_module()
    assert not load.problems
    assert len(load.tokens) > 600
    assert load.lost() == []
