import builds
import pytest


@pytest.fixture(scope="session")
def dist():
    """The folder with what tests/packages/run has built."""
    assert (builds.DIST / "SHA256SUMS").is_file(), "run tests/packages/run"
    return builds.DIST
