"""The Debian packages: one for Redis, one for Valkey. The texts are packaging/debian/*.in."""

import dataclasses
import email.utils
import hashlib
import os
import shutil

from .archive import documents
from .files import gzipped, write
from .source import ROOT, output

TEMPLATES = ROOT / "packaging/debian"
# The version of the package's own files for one version of JRS.
REVISION = 1
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclasses.dataclass
class Server:
    """A server, as Debian packages it. Its user, and its folders below /etc and /var/lib, have the same name."""

    name: str
    title: str
    # The oldest version that docs/operations.md says is supported.
    depends: str

    @property
    def package(self):
        # Debian names modules so: redis-redisearch.
        return f"{self.name}-jrs"

    def words(self):
        return {
            "PACKAGE": self.package, "SERVER_NAME": self.title, "DEPENDS": self.depends,
            "USER": self.name, "SERVICE": f"{self.name}-server", "TOOLS": f"{self.name}-tools",
            "CONF": f"/etc/{self.name}/{self.name}.conf",
            "SNIPPET": f"/etc/{self.name}/conf.d/jrs.conf",
            # Not below /etc/redis: "apt purge redis-tools" deletes that folder.
            "KEYS": f"/etc/{self.name}-jrs",
            # Below /usr/lib: the systemd units allow code nowhere else.
            "MODULE": f"/usr/lib/{self.name}/modules/libjrs.so",
            "DOC": f"/usr/share/doc/{self.package}",
        }


SERVERS = [
    Server("redis", "Redis", "redis-server (>= 5:7.0.15)"),
    Server("valkey", "Valkey", "valkey-server (>= 8.1)"),
]


def package(server, source, compiler, module, glibc, notices, folder):
    """Writes the package of a server into a folder. `module` is libjrs.so, `notices` the text of the licenses."""
    root = ROOT / "target/package" / server.package
    shutil.rmtree(root, ignore_errors=True)
    arch = ARCHITECTURES[compiler.arch]
    version = f"{source.version}-{REVISION}"
    terms = (ROOT / "LICENSE").read_text()
    words = server.words() | {
        "VERSION": version, "UPSTREAM": source.version, "ARCH": arch, "GLIBC": glibc, "HOMEPAGE": source.repository,
        "DATE_RFC2822": email.utils.formatdate(source.epoch),
        "COPYRIGHT": next(line for line in terms.splitlines() if line.startswith("Copyright")).split(maxsplit=2)[2],
        "LICENSE": "\n".join(f" {line or '.'}" for line in terms[terms.index("Permission"):].splitlines()),
    }

    def text(template):
        content = (TEMPLATES / f"{template}.in").read_text()
        for word, value in words.items():
            content = content.replace(f"@{word}@", value)
        return content

    def put(path, content):
        write(root / path.lstrip("/"), content)

    put(words["MODULE"], module.read_bytes())
    put(words["SNIPPET"], text("jrs.conf"))
    (root / words["KEYS"].lstrip("/")).mkdir()
    doc = words["DOC"]
    for path, content in documents(source).items():
        if path == "CHANGELOG.md":
            put(f"{doc}/changelog.gz", gzipped(content))
        elif path != "LICENSE":  # it is in the file copyright
            put(f"{doc}/{path}", content)
    put(f"{doc}/changelog.Debian.gz", gzipped(text("changelog")))
    put(f"{doc}/copyright", text("copyright"))
    put(f"{doc}/README.Debian", text("README.Debian"))
    put(f"/usr/share/lintian/overrides/{server.package}", text("lintian-overrides"))
    put(f"{doc}/third-party-notices.gz", gzipped(notices))

    files = sorted(file for file in root.rglob("*") if file.is_file())
    sums = "".join(f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(root)}\n" for file in files)
    words["SIZE"] = str(sum(-(-file.stat().st_size // 1024) for file in files))
    put("DEBIAN/control", text("control"))
    put("DEBIAN/md5sums", sums)
    put("DEBIAN/conffiles", words["SNIPPET"] + "\n")
    for script in ("postinst", "prerm", "postrm"):
        put(f"DEBIAN/{script}", text(script))
        (root / "DEBIAN" / script).chmod(0o755)
    for path in [root, *root.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    deb = folder / f"{server.package}_{version}_{arch}.deb"
    # Compressed by one thread: the bytes must not depend on the number of cores.
    output("dpkg-deb", "--root-owner-group", "--uniform-compression", "-Zxz", "--threads-max=1", "--build", root, deb,
           env=os.environ | {"SOURCE_DATE_EPOCH": str(source.epoch)}, stderr=None)
    deb.chmod(0o644)
    return deb
