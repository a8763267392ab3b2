"""The tarball, installed as docs/install.md says, with the machine's redis-server."""

import re
import shutil
import subprocess

import builds
from system import LIMIT, free_port, wait_until

import redis


def documented():
    """The commands of docs/install.md."""
    section = (builds.ROOT / "docs/install.md").read_text().split("## Tarball\n")[1]
    block = re.search("```console\\n(.*?)```", section, re.DOTALL)[1]
    return re.sub(r"^\$ ", "", block, flags=re.MULTILINE)


def test_a_server_with_the_module_and_the_sample_configuration(dist, tmp_path):
    def below(text):
        """The text with a folder of the test in place of the system's."""
        return text.replace(" /usr/lib/", f" {tmp_path}/usr/lib/")

    (tarball,) = dist.glob("*.tar.gz")
    shutil.copy(tarball, tmp_path)
    subprocess.run(["bash", "-euc", below(documented())], check=True, cwd=tmp_path, timeout=LIMIT)
    (sample,) = tmp_path.glob("jrs-*/jrs.conf")
    conf, log, port = tmp_path / "redis.conf", tmp_path / "log", free_port()
    conf.write_text(f"bind 127.0.0.1\nport {port}\ndir {tmp_path}\nlogfile {log}\n{below(sample.read_text())}")
    server = subprocess.Popen(["redis-server", conf], stdin=subprocess.DEVNULL)
    client = redis.Redis(port=port, protocol=3, decode_responses=True)

    def replies():
        assert server.poll() is None, log.read_text()
        try:
            return client.ping()
        except redis.ConnectionError:
            return False

    try:
        wait_until(replies, "the server replies")
        token = client.execute_command("JRS.CREATE", "user:42", '{"cart":["book"]}')
        assert client.execute_command("JRS.GET", token)["data"] == '{"cart":["book"]}'
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert (tmp_path / "jrs-keys.json").exists()
    finally:
        server.kill()
        server.wait()
