"""Reading: both readers, inverted codes, several codes, nothing where nothing is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
from numpy.typing import NDArray

from device.pictures import luma_of
from device.scanner import MAX_TEXT, SECOND_LOOK, Scanner, _zbar, _zxing, read_still

Luma = NDArray[np.uint8]


def code(text: str, scale: int = 5, **more: Any) -> Luma:
    """Return a QR code of *text* with its quiet zone, dark on light."""
    matrix = np.array(list(segno.make(text, micro=False, **more).matrix_iter(scale=scale, border=4)), dtype=np.uint8)
    return np.where(matrix > 0, 20, 235).astype(np.uint8)


def view(*codes: Luma) -> Luma:
    """Return a frame with *codes* side by side."""
    height = max(one.shape[0] for one in codes) + 80
    frame = np.full((height, sum(one.shape[1] + 60 for one in codes)), 200, np.uint8)
    left = 30
    for one in codes:
        frame[40 : 40 + one.shape[0], left : left + one.shape[1]] = one
        left += one.shape[1] + 60
    return frame


def test_a_code_is_read_by_either_reader() -> None:
    frame = view(code("HALO"))
    assert (_zxing(frame), _zbar(frame)) == (["HALO"], ["HALO"])


def test_an_inverted_code_is_read() -> None:
    assert Scanner().read(~view(code("MALAM"))) == ["MALAM"]


def test_several_codes_in_one_view_are_all_read_once() -> None:
    frame = view(code("SATU"), code("DUA"), code("SATU"))
    assert sorted(Scanner().read(frame)) == ["DUA", "SATU"]


def test_the_second_reader_looks_now_and_then_and_reads_what_the_first_cannot(shared: Path) -> None:
    missed = [
        (luma, entry["texts"])
        for entry in json.loads((shared / "photos" / "manifest.json").read_text(encoding="utf-8"))
        if not _zxing(luma := luma_of(shared / "photos" / entry["file"])) and _zbar(luma)
    ]
    assert missed
    for luma, texts in missed:
        scanner = Scanner()
        seen = [scanner.read(luma) for _ in range(2 * SECOND_LOOK)]
        assert sum(bool(one) for one in seen) in {1, 2}
        assert {text for one in seen for text in one} <= set(texts)
        assert set(read_still(luma)) <= set(texts)


def test_where_nothing_is_nothing_is_read(shared: Path) -> None:
    pictures = sorted(path for path in (shared / "no-code").iterdir() if path.suffix in {".png", ".webp", ".jpg"})
    assert len(pictures) > 80
    assert [path.name for path in pictures if read_still(luma_of(path))] == []


def _plain(text: str) -> str:
    """Return *text* as the data's own list writes it: without carriage returns and ends of white space."""
    return text.replace("\r\n", "\n").strip()


def test_what_is_read_from_photographs_is_what_stands_there(shared: Path) -> None:
    entries = json.loads((shared / "photos" / "manifest.json").read_text(encoding="utf-8"))
    read, wrong = 0, []
    for entry in entries:
        texts = read_still(luma_of(shared / "photos" / entry["file"]))
        read += bool(texts)
        if texts and not {_plain(text) for text in texts} & {_plain(text) for text in entry["texts"]}:
            wrong.append(entry["file"])
    assert read >= 0.85 * len(entries)
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    ["\x1b[31mmerah\x1b[0m", "a" * 2953, "\x00\x00\x00", "1" * 7089],
    ids=["escapes", "longest bytes", "zeros", "longest digits"],
)
def test_the_strangest_codes_are_read_or_passed_over_within_bounds(text: str) -> None:
    seen = Scanner().read(view(code(text, 3, error="l", boost_error=False)))
    assert all(one in (text, text.rstrip("\0")) for one in seen)
    assert all(len(one) <= MAX_TEXT for one in seen)


def test_noise_is_no_code() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (240, 320), dtype=np.uint8)
    scanner = Scanner()
    assert [scanner.read(noise) for _ in range(2 * SECOND_LOOK)] == [[]] * (2 * SECOND_LOOK)
