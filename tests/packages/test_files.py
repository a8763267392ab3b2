"""The files of a release: what is in them, and what they need."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile

import builds
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

sys.path.append(str(builds.ROOT / "scripts"))
from packager import build
from packager.source import Failure

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)|<img [^>]*src=\"(?!https?:)([^\"]+)")


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
    return done.stdout


def only(folder, pattern):
    (file,) = folder.glob(pattern)
    return file


def test_the_checksums_are_those_of_all_files(dist):
    checked = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist)
    assert sorted(line.removesuffix(": OK") for line in checked.splitlines()) == sorted(
        file.name for file in dist.iterdir() if file.name != "SHA256SUMS")


def test_lintian_finds_nothing(dist):
    packages = list(dist.glob("*.deb"))
    assert len(packages) == 2
    found = run("lintian", "--fail-on", "error,warning", "--tag-display-limit", "0", *packages)
    assert not re.search("^[EW]: ", found, re.MULTILINE), found


def test_the_symbols_are_beside_the_module(dist):
    module = dist / "libjrs.so"
    sections = run("readelf", "-SW", module)
    assert ".symtab" not in sections
    assert ".debug_" not in sections
    assert build.build_id(module) == build.build_id(dist / "libjrs.so.debug")
    # addr2line follows the link as debuggers do.
    address = next(line.split()[0] for line in run("nm", "-D", module).splitlines() if "RedisModule_OnLoad" in line)
    assert re.search(r"/jrs/src/\S+:\d+|/cargo/registry/\S+:\d+", run("addr2line", "-e", module, address))


def test_no_file_names_a_folder_of_the_build(dist, tmp_path):
    run("objcopy", "--decompress-debug-sections", dist / "libjrs.so.debug", tmp_path / "debug")
    for file in (dist / "libjrs.so", tmp_path / "debug"):
        content = file.read_bytes()
        assert b"/cargo/registry/src/" in content
        for folder in (builds.ROOT, pathlib.Path.home() / ".cargo", pathlib.Path.home() / ".rustup"):
            assert f"{folder}/".encode() not in content, f"{folder} in {file.name}"


def test_a_module_that_needs_a_newer_system_is_refused(dist, monkeypatch):
    needs = build.Needs(dist / "libjrs.so")
    needs.check()
    needs.libraries.add("libssl.so.3")
    with pytest.raises(Failure, match=r"libssl\.so\.3"):
        needs.check()
    needs = build.Needs(dist / "libjrs.so")
    monkeypatch.setattr(build, "NEWEST_GLIBC", "2.9")
    with pytest.raises(Failure, match=r"2\.34.*2\.9"):
        needs.check()


def test_the_bill_of_materials_has_all_that_is_linked(dist, tmp_path):
    text = only(dist, "*.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    digest = hashlib.sha256((dist / "libjrs.so").read_bytes()).hexdigest()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    listed = {f"{component['name']}-{component['version']}" for component in bill["components"]}
    # The folders of the crates, as the debug symbols name them.
    run("objcopy", "--decompress-debug-sections", dist / "libjrs.so.debug", tmp_path / "debug")
    linked = set(re.findall(rb"/cargo/registry/src/[^/\0]+/([a-zA-Z0-9_.+-]+)", (tmp_path / "debug").read_bytes()))
    linked = {name.decode() for name in linked}
    assert len(linked) > 20
    assert linked <= listed
    assert not [name for name in listed if re.match(r"(bindgen|proptest|syn|serde_derive)-", name)]
    notices = archive(dist)["third-party-notices.txt"].decode()
    for component in bill["components"]:
        if component["name"] != "rust-std":
            assert f"\n{component['name']} {component['version']}: " in notices
            assert component["hashes"][0]["alg"] == "SHA-256"


def test_the_description_of_the_build(dist):
    described = json.loads(only(dist, "*.build.json").read_text())
    assert described["libjrs.so"]["sha256"] == hashlib.sha256((dist / "libjrs.so").read_bytes()).hexdigest()
    assert re.fullmatch("[0-9a-f]{40}", described["commit"])
    assert described["rustc"][0].startswith("rustc ")


def archive(dist):
    """The files of the tarball, without the name of its folder."""
    file = only(dist, "*.tar.gz")
    top = file.name.removesuffix(".tar.gz")
    with tarfile.open(file) as opened:
        assert all(member.name.split("/")[0] == top for member in opened)
        assert all((member.uid, member.gid) == (0, 0) for member in opened)
        files = [member for member in opened if member.isfile()]
        assert [member.name for member in files if member.mode & 0o111] == [f"{top}/libjrs.so"]
        return {member.name.removeprefix(f"{top}/"): opened.extractfile(member).read() for member in files}


def test_the_tarball_is_complete_and_its_links_work(dist):
    files = archive(dist)
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "jrs.conf", "docs/install.md", "docs/settings.md"):
        assert name in files
    assert files["libjrs.so"] == (dist / "libjrs.so").read_bytes()
    count = 0
    for name in (name for name in files if name.endswith(".md")):
        text = re.sub(r"^ *```.*?^ *```$", "", files[name].decode(), flags=re.MULTILINE | re.DOTALL)
        for match in LINK.finditer(text):
            target = (pathlib.Path("/") / name).parent / (match[1] or match[2])
            target = str(pathlib.Path(target).resolve().relative_to("/"))
            assert any(f"{file}/".startswith(f"{target}/") for file in files), f"{name} links to {target}"
            count += 1
    assert count > 100


def test_the_notes_of_a_release_have_links_to_the_repository():
    notes = run(sys.executable, builds.ROOT / "scripts/package", "--notes")
    version = run(builds.ROOT / "scripts/version").strip()
    section = (builds.ROOT / "CHANGELOG.md").read_text().split(f"\n## [{version}]")[1].split("\n## ")[0]
    # Nothing but the targets of links differs.
    assert re.sub(r"\]\([^)]*\)", "", notes) == re.sub(r"\]\([^)]*\)", "", section.split("\n", 1)[1].strip() + "\n")
    assert not LINK.search(notes)
    base = f"https://github.com/jrs-sessions/jrs/blob/v{version}/"
    targets = re.findall(rf"\]\({re.escape(base)}([^)#]+)", notes)
    assert len(targets) == len(LINK.findall(section))
    for target in targets:
        assert (builds.ROOT / target).exists(), target
