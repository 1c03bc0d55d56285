"""What every test may lean on."""

import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.world import ALL_SEEDS, PATIENCE

if find_spec("hypothesis"):  # the root of `make rig-camera` has only what a camera's tests need
    from hypothesis import settings

    # A busy machine is nobody's fault, so no example has a deadline. What is drawn at random is drawn a few times by
    # `make test`, and often by `make seeds`.
    settings.register_profile("few", deadline=None, max_examples=25)
    settings.register_profile("all", deadline=None, max_examples=300)
    settings.load_profile("all" if ALL_SEEDS else "few")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_test() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(PATIENCE)
    assert [thread.name for thread in left if thread.is_alive()] == []


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of test data that nobody here made; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared test data is not beside this checkout")
    return SHARED
