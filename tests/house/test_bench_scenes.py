"""The benches' own scenes: seeded, read where they are easy, empty where they say so, and people who come and go."""

from itertools import islice

import numpy as np
import pytest
import zxingcpp

from bench import approach, hard
from bench.optics import CameraMonitor, point_spread
from bench.reading import QR, Seen, Tally, _waits, is_altered, watch

HASTY = 1
"""A seed whose hasty person is read in the middle."""
LOOKALIKES = ("page", "datamatrix", "aztec", "bars", "squares", "board", "blinds")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the small pictures only: they are soon made."""
    monkeypatch.setattr(hard, "SIZES", ((640, 480),) * len(hard.SIZES))


@pytest.fixture(scope="module")
def filmed() -> tuple[str, list[approach.Look]]:
    """Return one showing's text and all its frames."""
    hasty = approach.KINDS.index("hasty")
    showing = next(islice(approach.showings(hasty + 1, HASTY), hasty, None))
    return showing.text, list(showing.frames)


def texts_in(luma: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> set[str]:
    found = zxingcpp.read_barcodes(luma, formats=QR, text_mode=zxingcpp.TextMode.Plain)
    return {symbol.text for symbol in found}


@pytest.mark.usefixtures("_small")
def test_the_same_seed_takes_the_same_photographs_and_a_longer_run_begins_with_the_shorter() -> None:
    once, again = list(hard.photographs(3, 5)), list(islice(hard.photographs(30, 5), 3))
    other = next(hard.photographs(1, 6))
    assert [(one.kind, one.texts) for one in once] == [(one.kind, one.texts) for one in again]
    assert all(np.array_equal(a.luma, b.luma) for a, b in zip(once, again, strict=True))
    assert other.texts != once[0].texts


@pytest.mark.usefixtures("_small")
def test_every_kind_has_its_turn_and_every_picture_its_bounds() -> None:
    taken = list(hard.photographs(len(hard.KINDS), 2))
    assert [one.kind for one in taken] == list(hard.KINDS)
    assert {one.luma.dtype for one in taken} == {np.dtype(np.uint8)}
    assert {one.luma.shape for one in taken} == {(480, 640)}
    assert all(one.texts and one.text == one.texts[0] for one in taken)
    assert len(next(one for one in taken if one.kind == "lots").texts) >= 4


@pytest.mark.usefixtures("_small")
def test_what_is_easy_is_read_and_what_is_empty_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("nominal", "rotations")
    monkeypatch.setattr(hard, "KINDS", {name: hard.KINDS[name] for name in names})
    assert all(set(one.texts) & texts_in(one.luma) for one in hard.photographs(6, 1))
    assert [(one.kind, texts_in(one.luma)) for one in hard.empties(7, 1)] == [(kind, set()) for kind in LOOKALIKES]


def test_a_lens_keeps_all_the_light_and_spreads_it_as_far_as_it_says() -> None:
    spread = point_spread(CameraMonitor(disc=3.0, drift=(4.0, 0.0)), 8)
    at = np.arange(-8, 9)
    shares = [spread.sum(axis=0), spread.sum(axis=1)]
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    # A disc adds r^2 / 4 to the variance, a straight drift d^2 / 12, the element itself 1 / 12.
    variances = [float((share * at**2).sum() - (share * at).sum() ** 2) for share in shares]
    assert variances == [
        pytest.approx(9 / 4 + 16 / 12 + 0.25 + 1 / 12, rel=0.1),
        pytest.approx(9 / 4 + 0.25 + 1 / 12, rel=0.1),
    ]


def test_no_photograph_is_longer_than_a_decoder_is_measured_with() -> None:
    assert max(max(size) for size in hard.SIZES) == 1280
    assert sum(hard.SIZE_SHARES) == pytest.approx(1)


def test_a_showing_begins_and_ends_with_nobody_and_is_read_between(filmed: tuple[str, list[approach.Look]]) -> None:
    text, looks = filmed
    assert {(look.luma.shape, look.luma.dtype.name) for look in looks} == {((720, 1280), "uint8")}
    assert [round(look.tick * approach.RATE) for look in looks] == list(range(len(looks)))
    first, middle, last = looks[0].luma, looks[len(looks) // 2].luma, looks[-1].luma
    apart = [float(abs(first.astype(int) - other).mean()) for other in (last, middle)]
    assert apart[0] < 12 < apart[1]
    assert [texts_in(luma) for luma in (first, middle, last)] == [set(), {text}, set()]
    assert [looks[n].shown for n in (0, len(looks) // 2, -1)] == [False, True, False]


def test_the_hand_leaves_before_nobody_is_there_again(filmed: tuple[str, list[approach.Look]]) -> None:
    shown = [look.shown for look in filmed[1]]
    first, last = shown.index(True), len(shown) - shown[::-1].index(True)
    empty, gone = (float(abs(filmed[1][n].luma.astype(int) - filmed[1][0].luma).mean()) for n in (first - 1, last - 1))
    assert gone < empty + 3


def test_the_same_seed_films_the_same_showing() -> None:
    once, again = (next(approach.showings(1, 4)) for _ in range(2))
    assert once.text == again.text
    frames = zip(islice(once.frames, 20), islice(again.frames, 20), strict=True)
    assert all(np.array_equal(a.luma, b.luma) for a, b in frames)


@pytest.mark.parametrize("rough", [2.0, 6.0])
def test_nothing_is_as_noisy_as_it_says(rough: float) -> None:
    one, other = islice(approach.nothing(1, 2, rough), 2)
    apart = (one.luma.astype(int) - other.luma) / np.sqrt(2)
    assert 0.6 * rough < float(apart.std()) < 1.5 * rough


def test_the_hand_comes_along_the_path_of_least_jerk() -> None:
    assert [approach._eased(share) for share in (-1, 0, 0.5, 1, 2)] == [0, 0, 0.5, 1, 1]


def test_the_circle_of_confusion_is_nothing_in_focus_and_grows_both_ways() -> None:
    assert approach._disc(170) == 0
    assert (round(approach._disc(120), 1), round(approach._disc(600), 1)) == (3.1, 5.4)


def test_a_text_with_changed_characters_is_altered_and_another_text_is_wrong() -> None:
    tally = Tally()
    tally.note(["PASS-1"], ("PASS-1",), 1.0)
    tally.note(["PASS"], ("PASS-1",), 1.0)
    tally.note(["naﾃｯve"], ("naïve",), 1.0)
    tally.note(["4006381333931"], (), 1.0)
    assert (tally.read, tally.altered, tally.wrong) == (1, 2, 1)
    assert not is_altered("", "PASS-1")


@pytest.mark.parametrize("whole", [True, False])
def test_a_second_text_is_wrong_only_where_all_texts_are_known(whole: bool) -> None:
    tally = Tally(whole=whole)
    tally.note(["PASS-1", "4006381333931"], ("PASS-1",), 1.0)
    tally.note(["4006381333931"], ("PASS-1",), 1.0)
    assert (tally.read, tally.wrong) == (1, 2 if whole else 1)


def test_a_readable_showing_never_read_is_the_longest_wait() -> None:
    seen = [Seen("a", 10, 11), Seen("a", 10, 10), Seen("a", None, None), Seen("a", 12, None)]
    assert _waits(seen) == {"showings": 4, "readable": 3, "read": 2, "p50": 1.0, "p95": None}


def test_a_showing_is_watched_frame_by_frame(filmed: tuple[str, list[approach.Look]]) -> None:
    text, looks = filmed
    held = looks[len(looks) // 2]
    showing = approach.Showing(text, "held", iter([looks[0], held, held]))
    tallies = {name: Tally() for name in ("pyzbar", "pyzbar QR", "zxing QR", "ours")}
    assert [one.readable for one in watch(iter([showing]), tallies)] == [1]
    assert {name: len(tally.took) for name, tally in tallies.items()} == {
        "pyzbar": 1, "pyzbar QR": 1, "zxing QR": 1, "ours": 3,
    }  # fmt: skip
