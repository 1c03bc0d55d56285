"""The fuzzers' corpus: what is kept there is handed in once with every run of the tests."""

from pathlib import Path

import numpy as np
import pytest
import segno

from device.reading.decoders import zxing
from fuzz import seeds, showing, symbols
from fuzz.targets import CORPUS, TARGETS, Target, taken
from tests.support.world import ALL_SEEDS, REPOSITORY


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_input_of_the_corpus_keeps_the_promises(target: Target) -> None:
    files = sorted((CORPUS / target.name).iterdir())
    assert 1 <= len(files) <= 60
    for file in files:
        assert len(file.read_bytes()) <= target.longest
        taken(target, file.read_bytes())


def test_the_seeds_are_written_again_byte_for_byte(tmp_path: Path) -> None:
    seeds.write(tmp_path)
    kept, made = (
        {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (CORPUS, tmp_path)
    )
    assert made.items() <= kept.items()


@pytest.mark.seeds
@pytest.mark.parametrize("first", [0, 60] if ALL_SEEDS else [0])
@pytest.mark.parametrize("kind", ["symbol", "picture"])
def test_hostile_codes_before_the_whole_chain_end_nothing(kind: str, first: int) -> None:
    """The seeded beginning of what ``python -m fuzz show`` takes by the thousand."""
    told = showing.outcomes(kind, 1, first, 60)
    assert told.shown == 60
    assert told.read > 0
    assert told.contained == {}  # an exception would end nothing; that there is none is better


def test_a_symbol_drawn_by_hand_is_the_one_that_an_encoder_makes() -> None:
    made = segno.make("halo dunia", mode="byte", version=1, error="l", mask=3, boost_error=False, micro=False)
    theirs = np.array([list(row) for row in made.matrix]) == 1
    assert (symbols.modules(symbols.octet(b"halo dunia"), 1, "l", 3) == theirs).all()
    streams = (symbols.numeric("0123456789"), symbols.alphanumeric("HALO 12"), symbols.kanji((0x0D9F,)))
    assert [zxing(symbols.shown(stream)).codes[0].text for stream in streams] == ["0123456789", "HALO 12", "点"]


def test_the_same_seed_and_number_make_the_same_showing() -> None:
    for kind in showing.KINDS:
        once, again = dict(showing.showings(kind, 7, 3, 2)), dict(showing.showings(kind, 7, 4, 1))
        assert np.array_equal(once[4], again[4])
        assert not np.array_equal(once[3], once[4])


def test_a_process_that_ends_in_a_showing_is_named_with_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hands = "import ctypes, zxingcpp\nzxingcpp.read_barcodes = lambda *_, **__: ctypes.string_at(0)\n"
    (tmp_path / "sitecustomize.py").write_text(hands)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{REPOSITORY}")
    assert showing.run("symbol", 1, 1) == 1
    said = capfd.readouterr().out
    assert "fuzz: symbol 0 of seed 1 ended a process with -11" in said
    assert "Next: .venv/bin/python -m fuzz.showing symbol 1 0 1" in said
    monkeypatch.undo()
    assert showing.run("symbol", 1, 2) == 0
    assert "symbol: 2 shown, seed 1; a code was read on" in capfd.readouterr().out
