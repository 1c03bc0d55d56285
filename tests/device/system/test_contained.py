"""What a stranger's code makes a library raise: it stays in its attempt, counted and said once, without its words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from device import scanner
from device.__main__ import main
from device.camera.fill_light import FillLight
from device.camera.monitor import view as lens_view
from device.health import Health
from device.model import Belief, Frame, Kind, Outcome, Reason, Verdict
from device.reading import attempts, decoders
from device.reading.attempts import (
    BY_ZBAR,
    CLOSE,
    FIRST,
    WHOLE,
    Chain,
    Picture,
    ReaderGuard,
    Unmarked,
    look,
    look_close,
)
from device.reading.decoders import ZBAR, ZXING, Code, Corners, Reading, zbar, zxing
from device.reading.target import TargetSelector
from device.scanner import Scanner, read_still
from device.system.contained import MAX_KINDS, OTHERS, Contained
from device.trust.bundle import Trust
from device.verdict import judge
from device.verdict.judge import Basis, Judged, Rules, judge_shown
from device.verdict.policy import Setting
from device.verdict.sightings import Sightings
from fuzz.symbols import LATE_FNC1, LATE_FNC1_IN_PARTS, octet, shown, structured
from tests.support.codes import Luma, code, view
from tests.support.credentials import AT
from tests.support.point import save
from tests.support.reading import INTERVAL, texts
from tests.support.wired_station import HEALTH_SCHEMA, STAFF_PASS, WiredStation

SECRET = "TEKS-RAHASIA"
NOWHERE = Path("/nowhere")


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[WiredStation]:
    with ExitStack() as stack:
        yield WiredStation(tmp_path, stack)


def raising(error: type[Exception]) -> Callable[..., Reading]:
    def read(_luma: object, *_: object, **__: object) -> Reading:
        raise error(SECRET)

    return read


def ward() -> ReaderGuard:
    return ReaderGuard(Contained(), Unmarked())


@pytest.mark.parametrize("stream", [LATE_FNC1_IN_PARTS, LATE_FNC1, structured(3, 1, 0), octet(b"A", count=200)])
def test_a_symbol_of_contradictory_segments_ends_nothing_and_nothing_is_raised_for_it(stream: tuple[int, ...]) -> None:
    eye = Scanner(10.0)
    luma = shown(stream)
    for tick in range(4):
        eye.read(np.roll(luma, tick, axis=1), tick)
    read_still(luma)
    assert eye.contained == {}
    assert zbar(shown(LATE_FNC1_IN_PARTS)) == Reading()


def test_a_part_of_a_message_hides_nobody_s_code_from_zbar() -> None:
    for stream in (LATE_FNC1_IN_PARTS, structured(3, 1, 0), structured(1, 1, 0) + octet(b"AKHIR")):
        assert zbar(shown(stream)) == Reading()
        assert texts(zbar(view(shown(stream), code("HALO")))) == ["HALO"]


@pytest.mark.parametrize("error", [ValueError, IndexError, MemoryError, RecursionError, UnicodeDecodeError])
def test_any_exception_of_an_attempt_is_nothing_read_counted_and_said_once_without_what_it_says(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(error):  # type: ignore[misc, valid-type]  # a class of each of these, that any arguments make
        def __init__(self, *_: object) -> None:
            Exception.__init__(self, SECRET)

    frame, place = view(code("HALO")), Corners(((0.0, 0.0), (90.0, 0.0), (90.0, 90.0), (0.0, 90.0)))
    for attempt in (FIRST, *WHOLE, *CLOSE):
        around, broken = ward(), attempt._replace(reader=raising(Odd))
        caplog.clear()
        for _ in range(3):
            assert look(broken, Picture(frame), around).codes == ()
            assert look_close(broken, Picture(frame), place, around) == Reading()
        assert around.contained.counts == {f"{attempt.name}: Odd": 6}
        (said,) = caplog.records
        assert said.levelno == logging.WARNING
        assert f"{attempt.name}: Odd was raised (test_contained.py:" in said.getMessage()
        assert SECRET not in caplog.text


def test_what_ends_the_program_on_purpose_is_not_contained() -> None:
    for error in (KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(error):
            look(FIRST._replace(reader=raising(error)), Picture(view(code("HALO"))), ward())  # type: ignore[arg-type]  # not an Exception, which is the point


def test_it_is_marked_who_is_at_work_and_that_nobody_is_when_a_look_is_over_or_raised() -> None:
    class Noted(Unmarked):
        def __init__(self) -> None:
            self.said: list[str] = []

        def enter(self, library: str) -> None:
            self.said.append(library)

        def leave(self) -> None:
            self.said.append("nobody")

    def at_work(luma: Luma) -> Reading:
        mark.said.append("looks")
        return raising(IndexError)(luma)

    frame, place, mark = view(code("HALO")), Corners(((0.0, 0.0), (90.0, 0.0), (90.0, 90.0), (0.0, 90.0))), Noted()
    around = ReaderGuard(Contained(), mark)
    look(FIRST, Picture(frame), around)
    look_close(CLOSE[3], Picture(frame), place, around)
    look(FIRST._replace(reader=at_work), Picture(frame), around)
    assert mark.said == [ZXING, "nobody", ZBAR, "nobody", ZXING, "looks", "nobody"]
    eye = Scanner(INTERVAL, mark=mark)
    mark.said.clear()
    eye.read(frame, 0.0)
    assert mark.said == [ZXING, "nobody"]


def test_the_kinds_that_are_told_apart_are_bounded() -> None:
    contained = Contained()
    for number in range(3 * MAX_KINDS):
        with contained.at("here"):
            raise type(f"E{number}", (Exception,), {})
    assert len(contained.counts) == MAX_KINDS + 1
    assert contained.counts[OTHERS] == 2 * MAX_KINDS


def test_beside_a_code_at_which_the_first_reader_raises_the_other_reader_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoders.zxingcpp, "read_barcodes", raising(IndexError))
    frame = view(code("HALO", 8))
    eye = Scanner(10.0)
    assert [texts(eye.read(np.roll(frame, tick, axis=1), tick)) for tick in range(3)] == [["HALO"]] * 3
    assert eye.contained["as it is: IndexError"] == 3
    assert read_still(frame) == ["HALO"]


def test_a_reader_that_always_raises_never_ends_the_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders.zxingcpp, "read_barcodes", raising(IndexError))
    monkeypatch.setattr(decoders.pyzbar, "decode", raising(ValueError))
    eye, frame = Scanner(INTERVAL), view(code("HALO"))
    for tick in range(30):
        assert eye.read(np.roll(frame, tick, axis=1), tick * INTERVAL).codes == ()
    assert {kind.rpartition(": ")[2] for kind in eye.contained} == {"IndexError", "ValueError"}
    assert scanner.view_of_still(frame).codes == ()


# --- with a reader left out ---


def test_without_a_reader_none_of_its_attempts_look() -> None:
    for left_out in ((), (ZBAR,), (ZXING,)):
        chain = Chain.without(left_out)
        attempts_of = (chain.first, *chain.whole, *chain.close)
        assert {attempt.library for attempt in attempts_of} == {ZXING, ZBAR} - set(left_out)
    assert Chain.without(()) == attempts.CHAIN
    assert [attempt.library for attempt in (FIRST, *WHOLE, *CLOSE)].count(ZBAR) == 2


@pytest.mark.parametrize("attempt", [BY_ZBAR.first, *BY_ZBAR.whole], ids=lambda attempt: attempt.name)
def test_each_attempt_of_zbar_alone_finds_an_easy_code_in_its_place(attempt: attempts.Attempt) -> None:
    frame = view(code("MUDAH", 8), code("DUA", 8))
    frame = ~frame if "inverted" in attempt.name else frame
    seen = look(attempt, Picture(frame), ward())
    assert sorted(texts(seen)) == ["DUA", "MUDAH"]
    easy = next(one for one in seen.codes if one.text == "MUDAH")
    assert easy.place.side == pytest.approx(21 * 8, rel=0.06)
    assert easy.place.centre == pytest.approx((30 + 29 * 8 / 2, frame.shape[0] / 2), abs=6)


def test_zbar_alone_reads_dark_on_light_and_light_on_dark_and_zxing_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoders.zxingcpp, "read_barcodes", raising(AssertionError))
    eye = Scanner(10.0)
    eye.leave_out({ZXING})
    assert texts(eye.read(view(code("SIANG")), 0)) == ["SIANG"]
    assert texts(eye.read(~view(code("MALAM")), 1)) == ["MALAM"]
    empty = np.full((300, 400), 200, np.uint8)
    assert [eye.read(np.roll(empty, tick), 2 + tick) for tick in range(3)] == [Reading()] * 3
    eye.leave_out(())
    with pytest.raises(AssertionError):
        zxing(empty)
    eye.read(view(code("SIANG")), 9)
    assert "as it is: AssertionError" in eye.contained


def test_a_reader_that_is_taken_back_looks_at_a_view_that_has_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = decoders.pyzbar.decode
    monkeypatch.setattr(decoders.pyzbar, "decode", lambda *_, **__: [])
    eye, frame = Scanner(10.0), view(code("HALO"))
    eye.leave_out({ZXING})
    assert eye.read(frame, 0.0) == Reading()
    monkeypatch.setattr(decoders.pyzbar, "decode", real)
    eye.leave_out(())
    assert texts(eye.read(frame, 0.01)) == ["HALO"]


# --- any text, any picture ---


def test_a_text_that_makes_the_judge_raise_is_refused_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(judge, "believe", raising(KeyError))
    rules, contained = Rules(Trust(), (), Setting("x", "x", "in")), Contained()
    for text, kind in (("HC1:X", Kind.HCERT), ("halo", Kind.TEXT), ("\ud800", Kind.TEXT)):
        assert judge_shown(text, rules, AT, contained) == Judged(
            Belief(kind, Reason.MALFORMED), Verdict(Outcome.REFUSE, Reason.MALFORMED)
        )
    assert contained.counts == {"judge: KeyError": 3}
    assert len(caplog.records) == 1
    assert SECRET not in caplog.text


def test_in_the_loop_such_a_person_gets_a_light_and_a_record_and_the_next_one_is_admitted(
    wall: WiredStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = judge.believe

    def believe(text: str, *more: Any) -> Belief:
        return raising(KeyError)(text) if text == "HC1:RUSAK" else real(text, *more)  # type: ignore[return-value]  # it raises

    monkeypatch.setattr(judge, "believe", believe)
    empty = np.full((60, 80), 200, np.uint8)
    wall.serve(view(code("HC1:RUSAK")), *[empty] * 15, view(code(STAFF_PASS, 4)), *[empty] * 75)
    assert wall.verdicts() == [("refuse", "malformed", False), ("admit", "staff", False)]
    health = wall.courier._notice.health
    assert health is not None
    assert health["contained"] == {"judge: KeyError": 1}
    assert Draft202012Validator(HEALTH_SCHEMA).is_valid(health)


def test_what_our_own_record_raises_is_not_contained(wall: WiredStation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall.outbox, "append", raising(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        wall.serve(view(code(STAFF_PASS, 4)))


@pytest.mark.parametrize("words", [["scan", "{0}"], ["judge"]])
def test_the_commands_answer_for_a_text_that_makes_the_judge_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr(judge, "believe", raising(KeyError))
    save(tmp_path / "x.png", "HC1:RUSAK")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"HC1:RUSAK\n")))
    assert main([word.format(tmp_path / "x.png") for word in words]) == 0
    assert "hcert: refuse (malformed), not shown to be genuine" in capsys.readouterr().out


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@given(text=ANY_TEXT)
@example(text="\ud800")
@example(text="HC1:\udfff\x00")
def test_any_text_gets_its_light(text: str) -> None:
    place = Corners(((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0)))
    sightings, contained = Sightings(0.7, 10.0, 20), Contained()
    basis = Basis(Rules(Trust(), (), Setting("x", "x", "in")), AT)
    selector = TargetSelector()
    seen = selector.seen((Code(text, place),), (100, 100), 1.0)
    meant = selector.chosen(seen, sightings.showings([(text, False)], tick=1.0, basis=basis), (), 1.0)
    assert meant is not None
    judged = judge_shown(meant.text, basis.rules, basis.at, contained)
    sighting = sightings.sight(meant.text, judged, tick=1.0, basis=basis, came=meant.came)
    assert sighting is not None
    assert sighting.judged.verdict.outcome is not Outcome.ADMIT
    sightings.retract(meant.text)
    assert contained.counts == {}


@given(
    height=st.integers(1, 70), width=st.integers(1, 70), level=st.sampled_from([0, 1, 127, 254, 255]),
    speckled=st.booleans(),
)  # fmt: skip
def test_any_picture_leaves_a_turn(height: int, width: int, level: int, speckled: bool) -> None:
    luma: Luma = np.full((height, width), level, np.uint8)
    if speckled:
        luma[:: 2 + height % 3, :: 1 + width % 4] ^= 255
    eye, lamp, health = Scanner(INTERVAL), FillLight(), Health(15)
    for number, shot in enumerate((luma, ~luma, luma.T.copy(), luma)):
        tick = number * 0.3
        health.frame(Frame(shot, AT, tick), 1.0)
        eye.read(shot, tick)
        lamp.look(shot, tick, eye.stirred)
        lens_view(shot)
        health.tell(NOWHERE)
    assert eye.contained == {}
