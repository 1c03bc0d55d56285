"""One line for each change of state, with a priority for the journal and no control character."""

import logging
from collections.abc import Iterator

import pytest

from device.system import log


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, ["halo", "warning: awas", "error: salah", "?]0;x??<3>mine"]),
        ({"JOURNAL_STREAM": "8:1"}, ["<6>halo", "<4>awas", "<3>salah", "<6>?]0;x??<3>mine"]),
    ],
)
def test_each_line_says_how_grave_it_is(
    capfd: pytest.CaptureFixture[str], env: dict[str, str], expected: list[str]
) -> None:
    log.start(env)
    log.line.info("halo")
    log.line.warning("awas")
    log.line.error("salah")
    log.line.info("%s", "\x1b]0;x\x07\n<3>mine")
    log.line.debug("nobody hears this")
    assert capfd.readouterr().err.splitlines() == expected


def test_a_traceback_keeps_its_lines(capfd: pytest.CaptureFixture[str]) -> None:
    log.start({})
    try:
        int("why\x1b[31m")
    except ValueError:
        log.line.exception("what\nhappened")
    told = capfd.readouterr().err.splitlines()
    assert (told[0], told[1], told[-1]) == (
        "error: what?happened",
        "Traceback (most recent call last):",
        r"ValueError: invalid literal for int() with base 10: 'why\x1b[31m'",
    )
