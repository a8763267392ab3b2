"""The package as it is published."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import jrs_session
from support.server import ROOT

OLD_PYTHON = sys.version_info < (3, 10)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT / "clients/python", check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    assert path.name == f"jrs_session-{jrs_session.__version__}-py3-none-any.whl"
    return zipfile.ZipFile(path)


@pytest.mark.skipif(OLD_PYTHON, reason="the build tool needs a newer Python")
def test_the_wheel(wheel: zipfile.ZipFile, package: Path) -> None:
    names = wheel.namelist()
    sources = {str(path.relative_to(package / "src")) for path in (package / "src").rglob("*.py")}
    assert sources | {"jrs_session/py.typed"} == {name for name in names if name.startswith("jrs_session/")}
    (metadata,) = (name for name in names if name.endswith("/METADATA"))
    headers = email.message_from_bytes(wheel.read(metadata))
    assert headers["Requires-Python"] == ">=3.9"
    assert headers["License-Expression"] == "MIT"
    assert any(name.endswith("/LICENSE") for name in names)
    extras = ("redis", "valkey", "starlette", "fastapi", "flask", "django")
    assert set(headers.get_all("Provides-Extra") or []) == set(extras)
    for required in headers.get_all("Requires-Dist") or []:
        assert re.search(r"; extra == ", required), f"{required} must be optional"


def test_it_imports_no_library(package: Path) -> None:
    program = (
        "import sys; import jrs_session; "
        "found = {name.partition('.')[0] for name in sys.modules}; "
        "print(sorted(found & {'redis', 'valkey', 'starlette', 'fastapi', 'flask', 'django'}))"
    )
    words = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(words, env={"PYTHONPATH": str(package / "src")}, check=True, capture_output=True, text=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("missing", ["redis", "valkey"])
def test_it_works_with_one_library(missing: str, package: Path) -> None:
    other = {"redis": "valkey.Valkey", "valkey": "redis.Redis"}[missing]
    program = f"""
import sys
sys.modules["{missing}"] = None
import {other.partition(".")[0]}
from jrs_session import JRS, BadToken, ConnectionLost
jrs = JRS({other}(port=1, retry=None))
for token, expected in (("hello", BadToken), ("a.eyJqdGkiOiJ4In0.b", ConnectionLost)):
    try:
        jrs.get(token)
    except expected as error:
        print(type(error).__mro__[2].__name__)
"""
    words = [sys.executable, "-c", program]
    result = subprocess.run(words, env={"PYTHONPATH": str(package / "src")}, check=True, capture_output=True, text=True)
    assert result.stdout == "TokenRefused\nUnavailable\n"
