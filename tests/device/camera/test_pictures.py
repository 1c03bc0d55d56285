"""Pictures that somebody brings: read by their content, or refused in words, and never for more than they are worth."""

import io
import json
import os
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter, features

from device.__main__ import main as titik
from device.camera import pictures
from device.camera.stills import read_file
from device.scanner import read_still
from office.desk.refusal import RefusalError
from office.passes import phone_picture
from tests.support.codes import code, view
from tests.support.pictures import TEXT, png_of, saved_code, shown_code
from tests.support.world import REPOSITORY

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"
SIX = "PNG, JPEG, WebP, BMP, GIF and PPM"
DAMAGED = "is damaged, or not all of it is there. Next: copy it again, or take a new picture"
SMALLER = "Next: make it smaller, or cut the code out of it"


def scan(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, list[list[str]], list[str]]:
    """Return what ``titik scan`` ends with, the texts on each picture, and its sentences."""
    ended = titik(["scan", "--json", "--show-text", *map(str, paths)])
    told = capsys.readouterr()
    texts = [[one["text"] for one in json.loads(line)["codes"]] for line in told.out.splitlines()]
    return ended, texts, told.err.splitlines()


@pytest.mark.parametrize("program", ["scan", "issue"])
def test_an_eps_called_png_starts_no_ghostscript(tmp_path: Path, program: str) -> None:
    picture = tmp_path / "kode.png"
    picture.write_bytes(EPS)
    ghost = tmp_path / "bin" / "gs"
    ghost.parent.mkdir()
    ghost.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/ran\n")
    ghost.chmod(0o755)
    line = {
        "scan": f"import sys; from device.__main__ import main; sys.exit(main(['scan', {str(picture)!r}]))",
        "issue": "from pathlib import Path; from office.passes.phone_picture import key_from_picture;"
        f" key_from_picture(Path({str(picture)!r}))",
    }[program]
    env = {**os.environ, "PATH": f"{ghost.parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", line], env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert not (tmp_path / "ran").exists()
    sentence = f"{picture}: this is EPS, which is not read here; {SIX} are. Next: convert it to PNG"
    assert ended.stderr.splitlines()[-1].endswith(sentence)


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("PPM", {}),
        ("MPO", {"save_all": True, "append_images": [Image.new("L", (50, 50))]}),  # a JPEG as phones make it
    ],
)
def test_the_six_formats_are_read_whatever_the_file_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, more: dict[str, Any]
) -> None:
    (tmp_path / "kode.tif").write_bytes(saved_code(form, **more))
    assert scan(capsys, tmp_path / "kode.tif") == (0, [[TEXT]], [])


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("TIFF", lambda: saved_code("TIFF")),
        ("ICO", lambda: saved_code("ICO")),
        ("JPEG 2000", lambda: saved_code("JPEG2000")),
        ("AVIF", lambda: saved_code("AVIF") if features.check("avif") else b"\0\0\0\x20ftypavif" + bytes(20)),
        ("HEIC", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("PDF", lambda: saved_code("PDF")),
        ("SVG", lambda: b'<?xml version="1.0"?><svg/>'),
        ("PSD", lambda: b"8BPS\0\1" + bytes(40)),
        ("JPEG XL", lambda: b"\xff\x0a" + bytes(30)),
    ],
)
def test_any_other_format_is_named_and_refused_whatever_the_file_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, octets: Callable[[], bytes]
) -> None:
    path = tmp_path / "kode.png"
    path.write_bytes(octets())
    sentence = f"{path}: this is {name}, which is not read here; {SIX} are. Next: convert it to PNG"
    assert scan(capsys, path) == (1, [], [sentence])


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "the file is empty. Next: copy it again"),
        (
            saved_code("TGA"),
            f"not a picture that is read here: by its content it is none of {SIX}. Next: convert it to PNG",
        ),
        (saved_code("PNG")[:200], f"this PNG {DAMAGED}"),
        (saved_code("JPEG")[:200], f"this JPEG {DAMAGED}"),
        (b"P5 x", f"this PPM {DAMAGED}"),
        (b"BM" + bytes(50), f"this BMP {DAMAGED}"),
        (b"RIFF\0\0\0\0WEBP" + bytes(50),
         f"this WebP {DAMAGED}"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes, says: str
) -> None:
    path = tmp_path / "kode.png"
    path.write_bytes(octets)
    assert scan(capsys, path) == (1, [], [f"{path}: {says}"])


def pgm(levels: NDArray[Any], most: int) -> bytes:
    height, width = levels.shape
    return b"P5 %d %d %d\n" % (width, height, most) + levels.astype(">u2").tobytes()


def pfm(levels: NDArray[Any]) -> bytes:
    height, width = levels.shape
    return b"Pf\n%d %d\n-1.0\n" % (width, height) + levels[::-1].astype("<f4").tobytes()


def png16(levels: NDArray[Any]) -> bytes:
    octets = io.BytesIO()
    Image.fromarray(levels.astype(np.uint16)).save(octets, "PNG")
    return octets.getvalue()


BLACK = shown_code() < 128


@pytest.mark.parametrize(
    ("octets", "black", "white"),
    [
        (png16(np.where(BLACK, 8000, 53900)), 0, 255),
        (png16(np.where(BLACK, 300, 4000)), 0, 255),
        (png16(np.where(BLACK, 60, 190)), 60, 190),
        (png16(np.where(BLACK, 0, 65535)), 0, 255),
        (pgm(np.where(BLACK, 8000, 53900), 65535), 0, 255),
        (pgm(np.where(BLACK, 900, 3900), 4095), 0, 255),
        (pfm(np.where(BLACK, 0.2, 0.9)), 0, 255),
        (pfm(np.where(BLACK, -3e30, 1e30)), 0, 255),
    ],
    ids=["a photograph", "12 bits", "8 bits", "16 bits", "a PGM", "a PGM of 12 bits", "a PFM", "a PFM of any range"],
)
def test_more_than_eight_bits_are_scaled_by_their_own_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes, black: int, white: int
) -> None:
    path = tmp_path / "kode.png"
    path.write_bytes(octets)
    assert np.array_equal(pictures.luma_of(path), shown_code(TEXT, black, white))
    assert scan(capsys, path) == (0, [[TEXT]], [])


@pytest.mark.parametrize("levels", [np.nan, np.inf, 7.0])
def test_a_picture_of_numbers_that_are_none_or_all_the_same_is_an_even_one(tmp_path: Path, levels: float) -> None:
    path = tmp_path / "kode.pfm"
    path.write_bytes(pfm(np.full((30, 40), levels)))
    assert pictures.luma_of(path).tolist() == [[0] * 40] * 30


def laid(text: str, ink: int) -> Image.Image:
    """Return a code printed on nothing in *ink*."""
    alpha = np.where(shown_code(text) < 128, 255, 0).astype(np.uint8)
    return Image.merge("LA", (Image.new("L", alpha.shape[::-1], ink), Image.fromarray(alpha)))


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("form", ["LA", "RGBA", "palette", "WEBP"])
def test_a_code_on_a_transparent_ground_is_read_black_or_white(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ink: int, form: str
) -> None:
    path = tmp_path / "kode.png"
    picture = laid(TEXT, ink)
    if form == "palette":
        plain = Image.fromarray(np.where(shown_code() < 128, 1, 0).astype(np.uint8)).convert("P")
        plain.putpalette([128] * 3 + [ink] * 3)
        plain.save(path, transparency=0)
    elif form == "WEBP":
        picture.convert("RGBA").save(path, "WEBP", lossless=True)
    else:
        picture.convert(form).save(path)
    assert scan(capsys, path) == (0, [[TEXT]], [])


def test_codes_in_black_and_in_white_on_one_transparent_ground_are_both_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = Image.new("LA", (400, 200))
    both.paste(laid("HITAM", 0), (0, 0))
    both.paste(laid("PUTIH", 255), (200, 0))
    both.save(tmp_path / "kode.png")
    ended, texts, sentences = scan(capsys, tmp_path / "kode.png")
    assert (ended, [sorted(one) for one in texts], sentences) == (0, [["HITAM", "PUTIH"]], [])


def frames(*texts: str | None) -> list[Image.Image]:
    """Return frames of one size, each with a code or with nothing."""
    empty = np.full((140, 140), 255, np.uint8)
    made = []
    for n, text in enumerate(texts):
        luma = empty.copy()
        luma[0, 0] = n  # no encoder leaves out one that is like the one before
        if text is not None:
            luma[4 : 4 + code(text, 4).shape[0], 4 : 4 + code(text, 4).shape[1]] = code(text, 4)
        made.append(Image.fromarray(luma))
    return made


def animated(path: Path, form: str, *texts: str | None) -> Path:
    first, *rest = frames(*texts)
    more = {"lossless": True} if form == "WEBP" else {}
    first.save(path, form, save_all=True, append_images=rest, duration=100, **more)
    return path


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_every_frame_of_an_animation_is_looked_at_and_each_code_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    path = animated(tmp_path / "kode.png", form, None, "SATU", None, "SATU", "DUA")
    assert scan(capsys, path) == (0, [["SATU", "DUA"]], [])


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_frames_past_the_bound_are_left_out_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    texts = ["SATU", *[None] * (pictures.MAX_FRAMES - 1), "DUA"]
    path = animated(tmp_path / "kode.png", form, *texts)
    sentence = (
        f"{path}: only the first {pictures.MAX_FRAMES} frames were looked at."
        " Next: cut the animation, or save the frame with the code as a picture"
    )
    assert scan(capsys, path) == (0, [["SATU"]], [sentence])
    path = animated(tmp_path / "kode.png", form, *texts[1:])
    assert scan(capsys, path) == (0, [["DUA"]], [])


def test_an_animation_that_is_cut_short_gives_what_it_has_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = animated(tmp_path / "kode.png", "PNG", "SATU", "DUA")
    path.write_bytes(path.read_bytes()[:-40])
    ended, texts, sentences = scan(capsys, path)
    assert (ended, texts) == (1, [["SATU"]])
    assert sentences == [f"{path}: this PNG {DAMAGED}"]


def test_an_animation_that_lacks_frames_it_speaks_of_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = animated(tmp_path / "kode.png", "PNG", "SATU", "DUA", "TIGA")
    before, _, after = path.read_bytes().rpartition(b"fdAT")
    path.write_bytes(before + b"fdAU" + after)  # what holds the last frame is something else
    assert scan(capsys, path) == (1, [["SATU", "DUA"]], [f"{path}: this PNG {DAMAGED}"])


def test_large_and_small_codes_of_a_large_picture_are_all_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    luma = np.full((3000, 4000), 230, np.uint8)
    for text, size, top, left in (("BESAR", 40, 100, 100), ("SEDANG", 8, 200, 2400), ("KECIL", 2, 2700, 3700)):
        made = code(text, size)
        luma[top : top + made.shape[0], left : left + made.shape[1]] = made
    Image.fromarray(luma).save(tmp_path / "kode.png", compress_level=1)
    ended, texts, sentences = scan(capsys, tmp_path / "kode.png")
    assert (ended, [sorted(one) for one in texts], sentences) == (0, [["BESAR", "KECIL", "SEDANG"]], [])


def test_a_hard_code_beside_an_easy_one_is_looked_at_closely() -> None:
    hard = Image.fromarray(code("SUKAR: " + "A" * 60, 4) // 3 + 100).filter(ImageFilter.GaussianBlur(2))
    luma = view(code("MUDAH", 6), np.asarray(hard))
    assert sorted(read_still(luma)) == ["MUDAH", "SUKAR: " + "A" * 60]


def jpeg_of(width: int, height: int, *, progressive: bool, parts: bool = False) -> bytes:
    """Return a JPEG that says it is as large."""
    octets = io.BytesIO()
    Image.new("RGB", (16, 16)).save(octets, "JPEG", progressive=progressive)
    made = bytearray(octets.getvalue())
    at = made.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    made[at : at + 4] = struct.pack(">HH", height, width)
    if parts:  # one component in the first scan
        at = made.index(b"\xff\xda")
        made[at : at + 14] = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    return bytes(made)


@pytest.mark.parametrize(
    ("octets", "megapixels", "most"),
    [
        (png_of(16320, 12240), 200, 40),
        (png_of(10_000, 4001), 41, 40),
        (png_of(10_000, 5001, 0), 51, 50),
        (png_of(65_535, 65_535), 4295, 40),
        (jpeg_of(6000, 5000, progressive=True), 30, 26),
        (jpeg_of(6000, 5000, progressive=False, parts=True), 30, 26),
        (jpeg_of(65_000, 4000, progressive=False), 260, 256),
        (b"BM" + struct.pack("<IIIIiiHHIIiiII", 10**9, 0, 54, 40, 20_000, 10_000, 1, 24, 0, 0, 0, 0, 0, 0), 200, 40),
        (b"P6 20000 10000 255\n", 200, 40),
        (b"P2 2001 2001 255\n", 5, 4),
        (b"P5 2001 2001 4095\n", 5, 4),
        (b"GIF89a\x60\xea\x60\xea\0\0\0,\0\0\0\0\x60\xea\x60\xea\0\2\0;", 3600, 50),
    ],
    ids=["phone", "RGB", "L", "largest", "passes", "parts", "JPEG", "BMP", "PPM", "text", "12 bits", "GIF"],
)  # fmt: skip
def test_a_picture_that_is_too_large_is_told_by_its_megapixels_before_it_is_unpacked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes, megapixels: int, most: int
) -> None:
    path = tmp_path / "kode.png"
    path.write_bytes(octets)
    sentence = f"{path}: too large: {megapixels} megapixels, at most {most} of this form. {SMALLER}"
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert scan(capsys, path) == (1, [], [sentence])
    assert warned == []


def test_a_frame_that_outgrows_its_gif_is_too_large_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = animated(tmp_path / "kode.gif", "GIF", "SATU", None)
    octets = bytearray(path.read_bytes())
    with Image.open(path) as picture:
        picture.seek(1)
        place = struct.pack("<HHHH", *picture.tile[0][1])  # from the left top corner
    at = octets.rindex(b"," + place)
    octets[at + 5 : at + 9] = struct.pack("<HH", 30_000, 30_000)
    path.write_bytes(octets)
    ended, texts, (sentence,) = scan(capsys, path)
    assert (ended, texts) == (1, [["SATU"]])
    assert "too large" in sentence


def test_a_jpeg_beyond_the_bound_is_read_in_a_smaller_size_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1_000_000)
    path = tmp_path / "kode.jpg"
    Image.fromarray(np.pad(shown_code(TEXT), ((0, 1200 - 116), (0, 1600 - 116)), constant_values=255)).save(path)
    sentence = (
        f"{path}: looked at 2 times smaller, for it is larger than 1 megapixels; a small code may be missed. {SMALLER}"
    )
    assert scan(capsys, path) == (0, [[TEXT]], [sentence])
    assert pictures.luma_of(path).shape == (600, 800)


@pytest.mark.parametrize(
    ("name", "begin", "says"),
    [
        ("any", b"\x89PNG\r\n\x1a\n", "too large: 300 MB, at most 268"),
        ("webp", b"RIFF\0\0\0\0WEBPVP8 ", "too large to be unpacked here"),
    ],
)
def test_a_file_of_holes_is_not_read_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, begin: bytes, says: str
) -> None:
    path = tmp_path / "kode.png"
    path.write_bytes(begin)
    os.truncate(path, 300_000_000 if name == "any" else 100_000_000)
    assert scan(capsys, path) == (1, [], [f"{path}: {says}. {SMALLER}"])


@pytest.mark.parametrize("form", ["JPEG", "PPM"])
def test_rubbish_between_the_parts_of_a_picture_is_passed_over_but_not_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    octets = saved_code(form)
    at = 3 if form == "PPM" else octets.index(b"\xff\xdb")
    path = tmp_path / "kode.png"
    path.write_bytes(octets[:at] + b"#" * 30_000 + b"\n" + octets[at:])
    assert scan(capsys, path) == (0, [[TEXT]], [])
    monkeypatch.setattr(pictures, "MAX_READS", 20_000)
    assert scan(capsys, path) == (1, [], [f"{path}: this {form} {DAMAGED}"])


def film(form: str) -> bytes:
    """Return an animation."""
    octets = io.BytesIO()
    first, *rest = frames("SATU", None, "DUA")
    first.save(octets, form, save_all=True, append_images=rest, duration=100)
    return octets.getvalue()


WHOLE = [
    saved_code("PNG"),
    saved_code("JPEG"),
    saved_code("GIF"),
    saved_code("BMP"),
    saved_code("PPM"),
    saved_code("WEBP"),
    png16(np.where(BLACK, 9, 999)),
    film("GIF"),
    film("PNG"),
    film("WEBP"),
]


@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=6)), max_size=6),
    st.integers(0, 10_000),
)
def test_a_picture_that_is_changed_at_random_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    made = bytearray(octets)
    for place, change in changes:
        at = place % len(made)
        made[at : at + len(change)] = change
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(made[: cut or None])
    told = read_file(path, lambda luma: [f"{luma.dtype} {luma.ndim} {luma.size <= pictures.MAX_PIXELS}"])
    assert set(told.texts) <= {"uint8 2 True"}
    assert told.frames or told.wrong
    if told.wrong is not None:
        assert "Next: " in str(told.wrong)
        assert len(str(told.wrong).splitlines()) == 1


def test_a_byte_order_mark_before_a_text_is_no_part_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n, text in enumerate(("\ufeffHALO", "\ufeff\ufeffHALO", "HA\ufeffLO", "\ufeff")):
        Image.fromarray(view(code(text, 8))).save(tmp_path / f"{n}.png")
    paths = [tmp_path / f"{n}.png" for n in range(4)]
    assert scan(capsys, *paths) == (0, [["HALO"], ["\ufeffHALO"], ["HA\ufeffLO"], []], [])


def test_the_desk_says_what_of_a_phones_picture_it_did_not_look_at(tmp_path: Path) -> None:
    path = animated(tmp_path / "kode.gif", "GIF", *[None] * (pictures.MAX_FRAMES + 1))
    with pytest.raises(RefusalError, match=rf"0 phone codes seen.*only the first {pictures.MAX_FRAMES} frames"):
        phone_picture.key_from_picture(path)


def test_what_a_folder_holds_beside_pictures_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.PNG", "b.jpeg", "c.ppm", "d.pbm", "e.pnm", "f.webp", "g.tif", "h.avif", ".hidden"):
        (tmp_path / name).write_bytes(saved_code("PNG"))
    assert [path.name for path in pictures.listed([tmp_path])] == [
        "a.PNG",
        "b.jpeg",
        "c.ppm",
        "d.pbm",
        "e.pnm",
        "f.webp",
    ]
    ended = titik(["bench", "--json", "--rounds", "1", str(tmp_path)])
    told = capsys.readouterr()
    assert (ended, json.loads(told.out)["frames"], json.loads(told.out)["codes"]) == (0, 6, 6)
    assert told.err == f"left out, for they are not named as {SIX}: {tmp_path}/g.tif, {tmp_path}/h.avif\n"


def test_a_bench_goes_on_after_a_picture_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(saved_code("PNG"))
    ended = titik(["bench", "--json", "--rounds", "2", str(tmp_path)])
    told = capsys.readouterr()
    assert (ended, json.loads(told.out)["frames"]) == (1, 2)
    assert told.err == f"{tmp_path}/a.png: the file is empty. Next: copy it again\n"
