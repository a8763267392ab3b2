"""The Containerfiles. There is no container engine: what they build is not built."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import builds
import pytest

FOLDER = builds.ROOT / "packaging/container"
FILES = sorted(FOLDER.glob("*.Containerfile"))


def hadolint(file):
    program = Path(sys.executable).parent / "hadolint"
    return subprocess.run([program, file], stdout=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_hadolint_finds_nothing(file):
    done = hadolint(file)
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_a_mistake(tmp_path):
    wrong = tmp_path / "Containerfile"
    wrong.write_text("FROM debian\nRUN apt-get install clang\n")
    assert "DL3006" in hadolint(wrong).stdout


def test_the_files_differ_only_in_the_server():
    redis, valkey = (file.read_text() for file in FILES)
    image = re.compile(r"^FROM docker\.io/\S+$", re.MULTILINE)
    assert image.sub("", redis).replace("redis", "valkey").replace("Redis", "Valkey") == image.sub("", valkey)


def test_what_is_copied_is_a_whole_crate(tmp_path):
    """Cargo.toml names no file that the builder has not."""
    text = FILES[0].read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for name in line.split()]
    assert copied == ["Cargo.toml", "Cargo.lock", "src"]
    for name in copied:
        copy = shutil.copytree if (builds.ROOT / name).is_dir() else shutil.copy
        copy(builds.ROOT / name, tmp_path / name)
    subprocess.run(["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], check=True, cwd=tmp_path,
                   stdout=subprocess.DEVNULL, timeout=60)


def test_the_compiler_is_that_of_ci():
    (used,) = set(re.findall(r"FROM docker\.io/library/(rust:\S+)", FILES[0].read_text()))
    assert f"image: {used}" in (builds.ROOT / ".github/workflows/ci.yml").read_text()
