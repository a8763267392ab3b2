"""The Kubernetes manifest: its schema, and its server with a Secret as the kubelet makes it. There is no cluster."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import builds
import kubernetes_validate
import pytest
import yaml
from system import free_port, wait_until

import redis

MANIFEST = builds.ROOT / "packaging/kubernetes/redis.yaml"
# Of the versions whose schemas the package has: an older one, and the newest.
VERSIONS = ["1.30", "1.37"]


@pytest.fixture(scope="module")
def objects():
    return {document["kind"]: document for document in yaml.safe_load_all(MANIFEST.read_text())}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifest_fits_the_schema(objects, version):
    for document in objects.values():
        kubernetes_validate.validate(document, version, strict=True)
    objects["StatefulSet"]["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(objects["StatefulSet"], version, strict=True)
    del objects["StatefulSet"]["spec"]["replica"]


def test_volumes_and_paths_fit_together(objects):
    pod = objects["StatefulSet"]["spec"]["template"]["spec"]
    (init,), (server,) = pod["initContainers"], pod["containers"]
    volumes = {volume["name"] for volume in pod["volumes"]} | {"data"}
    mounts = {mount["mountPath"]: mount["name"] for mount in server["volumeMounts"]}
    assert set(mounts.values()) == volumes
    assert init["command"][0] == "cp"
    module = init["command"][1]
    assert f"COPY --from=builder --chmod=755 /jrs/target/release/libjrs.so {module}\n" in (
        builds.ROOT / "packaging/container/redis.Containerfile").read_text()
    assert init["command"][2] == re.search("^loadmodule (.*)$", conf(objects), re.MULTILINE)[1]
    (secret,) = (volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets")
    assert secret["defaultMode"] == 0o440
    for setting in ("aclfile", "jrs.keys-file"):
        path = re.search(f"^{re.escape(setting)} (.*)/[^/]*$", conf(objects), re.MULTILINE)[1]
        assert mounts[path] == "secrets"


def conf(objects):
    return objects["ConfigMap"]["data"]["redis.conf"]


def put_secret(folder, number, user_group, files):
    """Changes the files of a Secret volume as the kubelet does: a new folder, and one rename of a symbolic link."""
    version = folder / f"..{number}"
    version.mkdir()
    for name, content in files.items():
        (version / name).write_text(content)
        (version / name).chmod(0o440)
        os.chown(version / name, 0, user_group)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..new").symlink_to(version.name)
    (folder / "..new").rename(folder / "..data")


def key(kid):
    return json.dumps({"kty": "oct", "alg": "HS256", "kid": kid, "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"})


@pytest.fixture
def root():
    with tempfile.TemporaryDirectory(prefix="jrs-pod-") as folder:
        yield pathlib.Path(folder)


def test_the_server_reads_a_secret_and_its_change(objects, dist, root):
    context = objects["StatefulSet"]["spec"]["template"]["spec"]["securityContext"]
    root.chmod(0o755)  # the server is not root
    folders = {path: root / path.strip("/").replace("/", "-") for path in ("/data", "/modules", "/etc/redis-secrets")}
    for folder in folders.values():
        folder.mkdir()
    os.chown(folders["/data"], 0, context["fsGroup"])
    folders["/data"].chmod(0o2775)
    shutil.copy(dist / "libjrs.so", folders["/modules"])  # with its mode, as cp does
    secrets = folders["/etc/redis-secrets"]
    users = "user default on nopass ~* &* +@all\n"
    put_secret(secrets, 1, context["fsGroup"], {"session-keys.json": key("first"), "users.acl": users})

    text = conf(objects)
    for path, folder in folders.items():
        text = text.replace(f" {path}", f" {folder}")
    text = text.replace("keys-reload-interval 10", "keys-reload-interval 1")
    file, log, port = root / "redis.conf", root / "log", free_port()
    file.write_text(text)
    command = ["setpriv", f"--reuid={context['runAsUser']}", f"--regid={context['runAsGroup']}",
               f"--groups={context['fsGroup']}", "--inh-caps=-all", "redis-server", file,
               "--bind", "127.0.0.1", "--port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        client = redis.Redis(port=port, protocol=3, decode_responses=True)

        def active(kid):
            assert server.poll() is None, log.read_text()
            try:
                return kid in str(client.info("jrs")["jrs_realm_default"])
            except redis.ConnectionError:
                return False

        wait_until(lambda: active("first"), "the first key is active")
        token = client.execute_command("JRS.CREATE", "user:42", "{}")
        put_secret(secrets, 2, context["fsGroup"], {"session-keys.json": key("second"), "users.acl": users})
        wait_until(lambda: active("second"), "the second key is active")
        assert client.execute_command("JRS.CREATE", "user:42", "{}")
        assert client.execute_command("JRS.INSPECT", token)
        assert "chmod 600 or 640" not in log.read_text()
    finally:
        server.kill()
        server.wait()
