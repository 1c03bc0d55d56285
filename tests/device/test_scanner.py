"""Reading: the readers and the attempts, the budget and the turn kept, rest where nothing stirs, real photographs."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from device import scanner
from device.camera.pictures import luma_of
from device.model import MAX_TEXT
from device.reading.attempts import CLOSE, FIRST, WHOLE, Attempt, Picture, look, look_close
from device.reading.decoders import Code, Corners, Reading, zbar, zxing
from device.scanner import HELD, REST, SAVED, SHARE, Scanner, read_still, view_of_still
from tests.support.codes import Luma, code, view
from tests.support.reading import INTERVAL, texts


class Eye:
    """A scanner, a clock that ticks with its frames, and CPU time that passes only as attempts are told to cost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: Callable[[Attempt], float] = lambda _: 0.0) -> None:
        self.cpu = self.tick = 0.0
        self.taken: list[tuple[float, str]] = []
        self.scanner = Scanner(INTERVAL, lambda: self.cpu)

        def noted(real: Callable[..., Reading]) -> Callable[..., Reading]:
            def looked(attempt: Attempt, *what: Any) -> Reading:
                self.taken.append((self.tick, attempt.name))
                self.cpu += cost(attempt)
                return real(attempt, *what)

            return looked

        monkeypatch.setattr(scanner, "look", noted(look))
        monkeypatch.setattr(scanner, "look_close", noted(look_close))

    def see(self, luma: Luma) -> Reading:
        self.tick += INTERVAL
        return self.scanner.read(luma, self.tick)

    def attempts(self) -> list[str]:
        """Return the attempts that were taken on the newest frame."""
        return [name for tick, name in self.taken if tick == self.tick]


def noise(seed: int) -> Luma:
    """Return a view that is another for each *seed*, and holds nothing."""
    coarse = np.random.default_rng(seed).integers(60, 200, (9, 16), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((320, 180), Image.Resampling.BICUBIC))


def unread(seed: int = 1) -> Luma:
    """Return a code that is found, and too damaged to be read by any attempt."""
    luma = code("RUSAK" * 12, 6, error="l", boost_error=False).copy()
    chance = np.random.default_rng(seed)
    inner = luma[80:-80, 80:-80]
    inner[:] = np.kron(chance.integers(0, 2, (inner.shape[0] // 6 + 1, inner.shape[1] // 6 + 1)) * 200 + 20,
                       np.ones((6, 6)))[: inner.shape[0], : inner.shape[1]]  # fmt: skip
    return view(luma)


def test_a_code_is_read_by_either_reader_in_its_place() -> None:
    frame = view(code("HALO"))
    for seen in (zxing(frame), zbar(frame)):
        assert texts(seen) == ["HALO"]
        place = seen.codes[0].place
        assert place.side == pytest.approx(21 * 5, abs=4)
        assert place.centre == pytest.approx((frame.shape[1] / 2, frame.shape[0] / 2), abs=4)


@pytest.mark.parametrize("attempt", [FIRST, *WHOLE], ids=lambda attempt: attempt.name)
def test_each_attempt_on_the_whole_picture_finds_an_easy_code_in_its_place(attempt: Attempt) -> None:
    module = 4 if "local" in attempt.name else 8  # a threshold of small neighbourhoods is for small modules
    frame = view(code("MUDAH", module), code("DUA", module))
    seen = look(attempt, Picture(frame))
    assert sorted(texts(seen)) == ["DUA", "MUDAH"]
    easy = next(one for one in seen.codes if one.text == "MUDAH")
    assert easy.place.side == pytest.approx(21 * module, rel=0.06)
    assert easy.place.centre == pytest.approx((30 + 29 * module / 2, frame.shape[0] / 2), abs=6)


@pytest.mark.parametrize("attempt", CLOSE, ids=lambda attempt: attempt.name)
def test_each_close_attempt_reads_what_stands_in_a_place_and_nothing_beside_it(attempt: Attempt) -> None:
    frame = view(code("MUDAH", 8), code("DUA", 8))
    place = next(one.place for one in zxing(frame).codes if one.text == "DUA")
    assert look_close(attempt, Picture(frame), place) == Reading((Code("DUA", place),))


def test_a_place_outside_the_picture_is_looked_at_without_complaint() -> None:
    frame = view(code("HALO"))
    for at in (-500.0, 5000.0):
        place = Corners(((at, at), (at + 50, at), (at + 50, at + 50), (at, at + 50)))
        assert [look_close(attempt, Picture(frame), place) for attempt in CLOSE] == [Reading()] * len(CLOSE)


def test_an_inverted_code_is_read() -> None:
    assert texts(Scanner(INTERVAL).read(~view(code("MALAM")), 0)) == ["MALAM"]


def test_a_micro_qr_is_not_read_for_one_finder_of_a_blurred_code_looks_like_one() -> None:
    micro = np.array(list(segno.make_micro("3413").matrix_iter(scale=8, border=4)), dtype=np.uint8)
    frame = view(np.where(micro > 0, 20, 235).astype(np.uint8))
    assert read_still(frame) == []
    assert zxing(frame).codes == ()


def test_what_zbar_would_have_to_guess_it_does_not_say() -> None:
    frame = view(code("Selamat ¼ ¾ é", encoding="utf-8"))
    assert zbar(frame) == Reading()
    assert read_still(frame) == ["Selamat ¼ ¾ é"]


def test_several_codes_in_one_view_are_all_read_once_where_they_are_largest() -> None:
    frame = view(code("SATU"), code("DUA"), code("SATU", 8))
    seen = Scanner(INTERVAL).read(frame, 0)
    assert sorted(texts(seen)) == ["DUA", "SATU"]
    assert next(one for one in seen.codes if one.text == "SATU").place.side == pytest.approx(21 * 8, abs=4)


def test_attempts_are_resumed_on_the_next_frame_where_they_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(monkeypatch, lambda attempt: 0.0 if attempt is FIRST else SHARE * INTERVAL)
    for seed in range(3 * len(WHOLE)):
        eye.see(noise(seed))
        assert len(eye.attempts()) <= 2
    cheap = [attempt.name for attempt in WHOLE if not attempt.dear]
    others = [name for _, name in eye.taken if name != FIRST.name]
    assert others == (cheap * 4)[: len(others)]
    assert len(others) >= 2 * len(cheap)


def test_dear_attempts_and_close_ones_are_taken_only_where_a_code_is_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(monkeypatch)
    eye.see(noise(1))
    assert eye.attempts() == [attempt.name for attempt in (FIRST, *WHOLE) if not attempt.dear]
    eye = Eye(monkeypatch)
    assert eye.see(unread()).suspects
    assert set(eye.attempts()) >= {attempt.name for attempt in CLOSE} | {
        attempt.name for attempt in WHOLE if attempt.dear
    }


@given(costs=st.lists(st.floats(0, 3 * INTERVAL), min_size=len(WHOLE) + len(CLOSE), max_size=len(WHOLE) + len(CLOSE)))
def test_the_budget_is_kept_whatever_the_attempts_cost(costs: list[float]) -> None:
    cost = dict(zip((*WHOLE, *CLOSE), costs, strict=True))
    purse = scanner._Budget(INTERVAL)
    rounds = scanner._Rounds()
    total, frames = 0.0, 120
    known: set[Attempt] = set()
    surprises = 0.0
    for _ in range(frames):
        rounds.begin()
        purse.earn()
        spent = 0.0
        while (attempt := rounds.next(suspected=True, read=False)) is not None:
            if not purse.affords(attempt):
                if purse.never_affords(attempt):
                    rounds.passed()
                    continue
                break
            if attempt in known and cost[attempt] <= SAVED * INTERVAL:
                spent += cost[attempt]
            else:
                surprises += cost[attempt]
            known.add(attempt)
            purse.pay(attempt, cost[attempt])
            rounds.passed()
        total += spent
        assert spent <= SAVED * INTERVAL + 1e-9
    assert total <= SHARE * INTERVAL * frames + 1e-9 + surprises


def test_no_attempt_that_fits_is_left_out_for_ever() -> None:
    cost = {attempt: (0.1 + 0.8 * n / 20) * INTERVAL for n, attempt in enumerate((*WHOLE, *CLOSE))}
    purse, rounds, taken = scanner._Budget(INTERVAL), scanner._Rounds(), set()
    for _ in range(100):
        rounds.begin()
        purse.earn()
        while (attempt := rounds.next(suspected=True, read=False)) is not None and purse.affords(attempt):
            taken.add(attempt)
            purse.pay(attempt, cost[attempt])
            rounds.passed()
    assert taken == set(cost)


def test_an_attempt_that_is_too_dear_for_this_machine_is_tried_again_when_that_may_have_been_a_busy_moment() -> None:
    purse = scanner._Budget(INTERVAL)
    purse.earn()
    assert purse.affords(WHOLE[0])
    purse.pay(WHOLE[0], 2 * INTERVAL)
    tries = 0
    while purse.never_affords(WHOLE[0]):
        tries += 1
    assert 10 < tries < 30


def test_a_view_that_does_not_change_is_searched_by_every_attempt_and_then_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    eye = Eye(monkeypatch, lambda attempt: 0.0 if attempt is FIRST else 0.5 * SHARE * INTERVAL)
    frame = noise(5)
    for _ in range(40):
        assert eye.see(frame) == Reading()
    each = [attempt.name for attempt in WHOLE if not attempt.dear]
    assert sorted(name for _, name in eye.taken if name != FIRST.name) == sorted(each)
    firsts = [tick for tick, name in eye.taken if name == FIRST.name]
    searched = [tick for tick in firsts if tick <= len(each) * INTERVAL]
    assert len(searched) >= len(each) // 2
    assert all(b - a >= REST for a, b in pairwise([searched[-1], *firsts[len(searched) :]]))
    assert len(firsts) - len(searched) == 2
    eye.see(noise(6))
    assert FIRST.name in eye.attempts()
    assert eye.scanner.stirred


def test_a_code_held_still_is_seen_on_every_frame_and_read_on_some(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(monkeypatch)
    frame = view(code("DIAM"))
    assert [texts(eye.see(frame)) for _ in range(30)] == [["DIAM"]] * 30
    assert 30 * INTERVAL / (HELD + INTERVAL) - 2 <= len(eye.taken) <= 30 * INTERVAL / HELD + 2
    eye.see(noise(1))
    assert eye.see(noise(1)) == Reading()


def test_a_larger_code_that_is_not_read_yet_is_looked_at_closely_beside_one_that_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    eye = Eye(monkeypatch)
    far, near = code("POSTER", 3), unread()
    frame = np.full((max(near.shape[0], 300), near.shape[1] + 200), 200, np.uint8)
    frame[: near.shape[0], : near.shape[1]] = near
    frame[20 : 20 + far.shape[0], near.shape[1] + 20 : near.shape[1] + 20 + far.shape[1]] = far
    seen = eye.see(frame)
    assert texts(seen) == ["POSTER"]
    assert [place.side > 150 for place in seen.suspects] == [True]
    assert set(eye.attempts()) == {FIRST.name, *(attempt.name for attempt in CLOSE)}


def test_what_is_found_only_later_is_looked_at_closely_on_the_same_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(monkeypatch)
    place = Corners(((100.0, 60.0), (200.0, 60.0), (200.0, 160.0), (100.0, 160.0)))
    told = {WHOLE[1].name: Reading((), (place,)), CLOSE[1].name: Reading((Code("AKHIRNYA", place),))}
    monkeypatch.setattr(scanner, "look", lambda attempt, *_: told.get(attempt.name, Reading()))
    monkeypatch.setattr(scanner, "look_close", lambda attempt, *_: told.get(attempt.name, Reading()))
    assert eye.see(noise(1)) == Reading((Code("AKHIRNYA", place),))


def test_a_text_that_two_attempts_read_is_one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = Eye(monkeypatch)
    small = Corners(((0.0, 0.0), (50.0, 0.0), (50.0, 50.0), (0.0, 50.0)))
    large = small.moved(0, 3)
    monkeypatch.setattr(scanner, "look", lambda *_: Reading((Code("SAMA", small),), (large,)))
    monkeypatch.setattr(scanner, "look_close", lambda *_: Reading((Code("SAMA", large), Code("LAIN", large))))
    assert texts(eye.see(noise(1))) == ["SAMA", "LAIN"]


def test_where_nothing_is_nothing_is_read(shared: Path) -> None:
    pictures = sorted(path for path in (shared / "no-code").iterdir() if path.suffix in {".png", ".webp", ".jpg"})
    assert len(pictures) > 80
    assert [path.name for path in pictures if read_still(luma_of(path))] == []


def _plain(text: str) -> str:
    """Return *text* as the data's own list writes it: without carriage returns and ends of white space."""
    return text.replace("\r\n", "\n").strip()


TWICE = {"zxing-qrcode-2-13.png", "zxingcpp-qrcode-2-13.webp"}
"""One picture with two lists: it says "photography", as one list has it, and the other has "photograph"."""


def test_what_is_read_from_photographs_is_what_stands_there(shared: Path) -> None:
    entries = json.loads((shared / "photos" / "manifest.json").read_text(encoding="utf-8"))
    either = {text for entry in entries if entry["file"] in TWICE for text in entry["texts"]}
    read, wrong = 0, []
    for entry in entries:
        seen = read_still(luma_of(shared / "photos" / entry["file"]))
        expected = {_plain(text) for text in (either if entry["file"] in TWICE else entry["texts"])}
        read += bool(seen)
        if seen and not {_plain(text) for text in seen} & expected:
            wrong.append(entry["file"])
    assert read >= 0.93 * len(entries)
    assert wrong == []


def test_the_chain_reads_what_its_first_attempt_misses(shared: Path) -> None:
    entries = json.loads((shared / "photos" / "manifest.json").read_text(encoding="utf-8"))
    missed = [luma for entry in entries if not zxing(luma := luma_of(shared / "photos" / entry["file"])).codes]
    still = [luma for luma in missed if (seen := view_of_still(luma)).codes and seen.codes]
    assert len(still) >= 8
    for luma in still:
        eye = Scanner(10.0)  # a budget for every attempt at once
        streamed = [texts(eye.read(luma, tick)) for tick in range(3)]
        assert any(streamed)


@pytest.mark.parametrize(
    "text",
    ["\x1b[31mmerah\x1b[0m", "a" * 2953, "\x00\x00\x00", "1" * 7089],
    ids=["escapes", "longest bytes", "zeros", "longest digits"],
)
def test_the_strangest_codes_are_read_or_passed_over_within_bounds(text: str) -> None:
    seen = read_still(view(code(text, 3, error="l", boost_error=False)))
    assert all(one in (text, text.rstrip("\0")) for one in seen)
    assert all(len(one) <= MAX_TEXT for one in seen)


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (8, 2000), (2000, 8), (24, 24), (31, 47), (121, 161)])
def test_a_frame_of_any_shape_is_looked_at(shape: tuple[int, int]) -> None:
    luma = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    assert read_still(luma) == []
    assert Scanner(INTERVAL).read(luma, 0.0) == Reading()


def test_a_picture_of_many_megapixels_is_read_in_its_place_and_within_bounds() -> None:
    frame = np.full((3000, 4000), 200, np.uint8)
    near, far = code("BESAR", 30), code("KECIL", 4)
    frame[500 : 500 + near.shape[0], 700 : 700 + near.shape[1]] = near
    seen = view_of_still(frame)
    assert texts(seen) == ["BESAR"]
    assert seen.codes[0].place.centre == pytest.approx((700 + near.shape[1] / 2, 500 + near.shape[0] / 2), abs=20)
    frame[:] = 200
    frame[2000 : 2000 + far.shape[0], 3000 : 3000 + far.shape[1]] = far
    assert read_still(frame) == ["KECIL"]


def test_noise_is_no_code() -> None:
    chance = np.random.default_rng(7)
    eye = Scanner(INTERVAL)
    frames = [chance.integers(0, 256, (240, 320), dtype=np.uint8) for _ in range(16)]
    assert [texts(eye.read(frame, n * INTERVAL)) for n, frame in enumerate(frames)] == [[]] * 16
