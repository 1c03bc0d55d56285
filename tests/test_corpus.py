"""The fuzzers' corpus: what is kept there is handed in once with every run of the tests."""

from pathlib import Path

import pytest

from fuzz import seeds
from fuzz.targets import CORPUS, TARGETS, Target, taken


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
