"""The crates that libjrs.so consists of."""

import dataclasses
import json
import pathlib
import re
import tomllib

from .source import ROOT, Failure, output

# How the files with the terms of a crate are named.
LICENSE_FILE = re.compile(r"(?i)(licen[sc]e|copying|copyright|notice|unlicense)([-._].*)?")


@dataclasses.dataclass
class Crate:
    name: str
    version: str
    license: str
    description: str
    repository: str
    checksum: str  # SHA-256 of what crates.io has; empty: the module itself
    folder: pathlib.Path
    needs: set  # names and versions

    @property
    def key(self):
        return self.name, self.version

    @property
    def purl(self):
        return f"pkg:cargo/{self.name}@{self.version}"

    def license_files(self):
        files = (file for file in self.folder.rglob("*") if LICENSE_FILE.fullmatch(file.name) and file.is_file())
        return sorted(file for file in files if file.suffix not in (".rs", ".go", ".py", ".c", ".h", ".pl"))


def linked(target):
    """The module's crate, and all crates that are linked into it: not those of the build, of macros and of tests."""
    metadata = json.loads(output("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum", "") for package in lock}
    # cargo metadata also has the features that only tests need, cargo tree does not.
    tree = output("cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target,
                  "--prefix", "depth", "--format", " {p}")
    found, path = {}, []
    for line in tree.splitlines():
        match = re.match(r"(\d+) (\S+) v(\S+)", line)
        if not match:
            raise Failure(f"cargo tree printed a line in an unknown format: {line}")
        key = match[2], match[3]
        path[int(match[1]):] = [key]
        if key not in found:
            package = packages[key]
            found[key] = Crate(*key, package["license"] or "", " ".join((package["description"] or "").split()),
                               package["repository"] or "", checksums[key],
                               pathlib.Path(package["manifest_path"]).parent, set())
        if len(path) > 1:
            found[path[-2]].needs.add(key)
    first, *others = found.values()
    return first, sorted(others, key=lambda crate: crate.key)
