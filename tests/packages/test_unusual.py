"""The Debian packages in unusual situations, and what their scripts print in them."""

import pytest
from system import Server, System

MODULE, SNIPPET = "/usr/lib/{}/modules/libjrs.so", "/etc/{}/conf.d/jrs.conf"


@pytest.fixture
def system(dist):
    """A system with both servers, without a package of JRS."""
    system = System("trixie", "redis")
    system.run("/var/lib/dpkg/info/valkey-tools.postinst", "configure")
    yield system
    system.delete()


def package(dist, name):
    (deb,) = dist.glob(f"{name}-jrs_*.deb")
    return deb


def fails_to_start(system):
    server = Server(system)
    server.launch()
    return server.process.wait(60) != 0


def test_both_packages_on_a_system_where_the_key_folder_is_a_link(dist, system):
    folder = system.file("/srv/secrets")
    folder.mkdir(mode=0o700)
    system.file("/etc/redis-jrs").symlink_to("/srv/secrets")
    for name in ("redis", "valkey"):
        system.install(package(dist, name))
    system.run("dpkg-reconfigure", "redis-jrs", "valkey-jrs")

    assert system.run("stat", "-c", "%U:%G %a", "/srv/secrets").strip() == "root:root 700"
    assert system.run("stat", "-c", "%U:%G %a", "/etc/valkey-jrs").strip() == "valkey:valkey 750"
    for name in ("redis", "valkey"):
        assert system.run("dpkg", "--verify", f"{name}-jrs") == ""

    (folder / "session-keys.json").write_text("a key")
    said = system.run("dpkg", "--purge", "redis-jrs", "valkey-jrs")
    # dpkg deletes the link before the purge could name the keys.
    assert "redis-jrs: dpkg deletes the link /etc/redis-jrs. It does not delete the keys in /srv/secrets.\n" in said
    assert (folder / "session-keys.json").exists()
    assert "valkey-jrs: purge" not in said


def test_the_package_says_only_what_is_true_of_the_configuration(dist, system):
    deb, module, snippet = package(dist, "redis"), MODULE.format("redis"), SNIPPET.format("redis")
    warning, not_active = "its next start fails", "not active"

    # Without a line that needs JRS, the removal has nothing to warn of.
    assert not_active in system.install(deb)
    system.file("/etc/redis/conf.d/other.conf").write_text("maxmemory 1gb\n")
    system.add_lines("include /etc/redis/conf.d/*.conf")
    assert warning not in system.run("dpkg", "--remove", "redis-jrs")
    server = Server(system)
    server.start()
    server.stop()

    # The settings of an included file need JRS, also if another file loads the module.
    system.file("/etc/redis/conf.d/other.conf").write_text(f"LoadModule '{module}'\n")
    assert not_active not in system.install(deb)
    system.file(snippet).write_text("jrs.max-age 7200\n")
    server = Server(system)
    server.start()
    server.stop()
    said = system.run("dpkg", "--remove", "redis-jrs")
    assert warning in said
    assert f"    {snippet}\n" in said
    assert "    /etc/redis/conf.d/other.conf\n" in said
    assert f"    {system.conf}\n" not in said
    assert fails_to_start(system)

    # A purge deletes a file that another includes.
    system.remove_lines("include")
    system.add_lines(f"include {snippet}")
    said = system.run("dpkg", "--purge", "redis-jrs")
    assert f"next start of the server fails, because {snippet} is deleted" in said
    assert f"    {system.conf}\n" in said
    assert fails_to_start(system)


def test_a_purge_finds_the_keys_wherever_they_are(dist, system):
    system.install(package(dist, "redis"))
    keys = ["/etc/redis-jrs/.hidden.pem", "/etc/redis-jrs/of/tenant.pem", "/srv/the data/jrs-keys.json",
            "/var/lib/redis/jrs-keys.json.retired"]
    for key in keys:
        system.file(key).parent.mkdir(exist_ok=True)
        system.file(key).write_text("a key")
    system.add_lines('dir "/srv/the data"')
    said = system.run("dpkg", "--purge", "redis-jrs")
    assert [line.strip() for line in said.splitlines() if line.startswith("    /")] == keys
    assert all(system.file(key).exists() for key in keys)

    # There is nothing to say a second time if they are gone.
    for key in keys:
        system.file(key).unlink()
    system.install(package(dist, "redis"))
    assert "keys" not in system.run("dpkg", "--purge", "redis-jrs")
