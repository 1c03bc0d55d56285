"""Cards from a list: all or none, logged once, and every printed code reads back."""

import csv
import io
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from device.model import WITA
from device.scanner import read_still
from device.trust.bundle import Roots, Trust, open_bundle, revocation, root_key
from device.verdict.verify import believe
from office.__main__ import main
from office.cli.cards import progress
from office.csv_table import NotATableError
from office.passes import cardholders, qr, sheet
from office.passes.cardholders import Cardholder
from office.passes.cards import shorter

UNTIL = datetime.now(WITA).date() + timedelta(days=30)
LIST = "number,name,unit\n" + "".join(f"{n:04},Contoh {n},Dinas Contoh\n" for n in range(1, 13))


def _cards(desk: Path, secret: list[str], listed: str, out: str = "kartu", *more: str) -> int:
    file = desk.parent / "list.csv"
    file.write_text(listed, encoding="utf-8")
    told = ["--csv", str(file), "--domain", "staff", "--until", str(UNTIL), "--out", str(desk.parent / out)]
    return main(["cards", "--desk", str(desk), *told, *more, *secret])


def _trust(desk: Path, secret: list[str]) -> Trust:
    out = desk.parent / "trust.cbor"
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *secret]) == 0
    return open_bundle(out.read_bytes(), Roots(root_key((desk / "root.pub").read_text())))


def _log(desk: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((desk / "issued.csv").read_text().splitlines()))


def _pages(file: Path, dpi: int = 200) -> list[Image.Image]:
    with pypdfium2.PdfDocument(file) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in document]


def test_every_code_on_the_printed_sheets_is_believed_at_the_wall_and_stands_in_the_log(
    desk: Path, secret: list[str]
) -> None:
    assert _cards(desk, secret, LIST) == 0
    pages = _pages(desk.parent / "kartu" / "kartu.pdf")
    texts = [[code.text for code in zxingcpp.read_barcodes(np.asarray(page))] for page in pages]
    assert [len(page) for page in texts] == [10, 2]
    trust = _trust(desk, secret)
    beliefs = [believe(text, trust, datetime.now(UTC)) for page in texts for text in page]
    assert {belief.reason for belief in beliefs} == {None}
    seen = {
        (one.credential.claims.pass_number, revocation(one.credential.identity).hex())
        for one in beliefs
        if one.credential is not None
    }
    assert seen == {(row["number"], row["revocation"]) for row in _log(desk)}
    assert len(seen) == 12


def test_the_stations_own_reader_reads_a_card_and_its_picture(desk: Path, secret: list[str]) -> None:
    assert _cards(desk, secret, LIST) == 0
    (page, _) = _pages(desk.parent / "kartu" / "kartu.pdf")
    left, top = ((sheet.PAGE_MM[n] - count * sheet.CARD_MM[n]) / 2 for n, count in enumerate((2, 5)))
    per_mm = page.width / sheet.PAGE_MM[0]
    box = tuple(round(edge * per_mm) for edge in (left, top, left + sheet.CARD_MM[0], top + sheet.CARD_MM[1]))
    first = page.crop((box[0], box[1], box[2], box[3]))
    picture = Image.open(next((desk.parent / "kartu" / "png").glob("00001-*.png"))).convert("L")
    found = [read_still(np.asarray(one)) for one in (first, picture)]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_card_has_the_size_of_a_card_and_its_code_room(desk: Path, secret: list[str]) -> None:
    assert _cards(desk, secret, LIST, "kartu", "--no-png") == 0
    page = np.asarray(_pages(desk.parent / "kartu" / "kartu.pdf", 300)[0])
    per_mm = 300 / 25.4
    assert [round(edge / per_mm) for edge in page.shape] == [297, 210]
    (code, *_) = zxingcpp.read_barcodes(page)
    corners = code.position
    width = (corners.top_right.x - corners.top_left.x) / per_mm
    assert 25 <= width <= 31
    module = width / 49
    quiet = page[
        corners.top_left.y : corners.bottom_left.y,
        corners.top_left.x - int(4 * module * per_mm) + 2 : corners.top_left.x - 2,
    ]
    assert quiet.min() > 200, "four modules of white on the side of the words"
    assert not (desk.parent / "kartu" / "png").exists()


def test_pictures_and_folder_are_the_users_alone_and_the_log_holds_no_name(desk: Path, secret: list[str]) -> None:
    assert _cards(desk, secret, LIST.replace("0001", "A/1")) == 0
    out = desk.parent / "kartu"
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert min(file.name for file in (out / "png").iterdir()) == "00001-A_1.png"
    assert b"Contoh" not in (desk / "issued.csv").read_bytes()


def test_every_wrong_row_is_named_at_once_and_nothing_is_made(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["0001,Contoh,", "bad number,Contoh,", "0003,,", "0001,Contoh Lagi,", "0005,Contoh \u4e2d,", "0006,Baik,"]
    rows += ["0007,Muhammad Contoh Saputra Wijaya Kusuma,", f"0008,Contoh,{'x' * 61}"]
    assert _cards(desk, secret, "\n".join(["number,name,unit", *rows])) == 1
    said = capsys.readouterr().err
    lines = [line.split(":")[0].rsplit(" ", 1)[1] for line in said.splitlines() if line.startswith("  baris")]
    assert lines == ["3", "4", "5", "6", "8", "9"]
    assert "\u4e2d" in said
    assert not (desk / "issued.csv").exists()
    assert list((desk.parent / "kartu").iterdir()) == []


def test_a_number_with_a_pass_in_force_is_refused_unless_again(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _cards(desk, secret, LIST, "a", "--no-png") == 0
    assert _cards(desk, secret, LIST, "b", "--no-png") == 1
    assert capsys.readouterr().err.count("has a pass in force") == 12
    assert len(_log(desk)) == 12
    assert _cards(desk, secret, LIST, "b", "--no-png", "--again") == 0
    assert len(_log(desk)) == 24
    for n in range(1, 13):
        assert main(["revoke", "--desk", str(desk), f"{n:04}"]) == 0
    assert _cards(desk, secret, LIST, "c", "--no-png") == 0, "what is revoked is not in force"


def test_a_long_name_is_shortened_in_the_code_and_whole_in_print(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    listed = "number,name,unit\n0001,Muhammad Contoh Saputra Wijaya Kusuma,\n"
    assert _cards(desk, secret, listed) == 1
    assert "--shorten" in capsys.readouterr().err
    assert _cards(desk, secret, listed, "kartu", "--shorten") == 0
    assert "baris / line 2: di QR / in the QR: Muhammad C. S." in capsys.readouterr().err
    with pypdfium2.PdfDocument(desk.parent / "kartu" / "kartu.pdf") as document:
        printed = document[0].get_textpage().get_text_range()
    assert " ".join(printed.split()).startswith(
        "Kabupaten Luwu Utara PEGAWAI / STAFF Muhammad Contoh Saputra Wijaya Kusuma No. 0001"
    )


def test_a_name_gets_shorter_from_its_second_word_on() -> None:
    assert list(shorter("Siti Contoh Rahmawati")) == ["Siti C. Rahmawati", "Siti C. R.", "Siti"]
    assert list(shorter("Siti")) == []


def test_titles_go_first_and_are_never_all_that_is_left_of_a_name() -> None:
    assert list(shorter("Drs. H. Andi Patiroi, S.Sos., M.Si.")) == ["Andi Patiroi", "Andi P.", "Andi"]
    assert list(shorter("Hj Siti")) == ["Siti"]
    assert list(shorter("M. Nur")) == ["M. N.", "M."]
    assert list(shorter("Dr.")) == []


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_line_per_500_where_nobody_watches_and_else_a_bar() -> None:
    err, terminal = io.StringIO(), _Terminal()
    assert list(progress(range(1001), "x", err)) == list(range(1001))
    assert err.getvalue().splitlines() == ["  500/1001 x", "  1000/1001 x"]
    assert list(progress(range(25), "x", terminal)) == list(range(25))
    assert terminal.getvalue().split("\r")[1:] == [
        f"  [{'#' * 12:<30}] 10/25 x",
        f"  [{'#' * 24:<30}] 20/25 x",
        f"  [{'#' * 30}] 25/25 x\n",
    ]


def test_what_fails_after_the_log_says_that_the_passes_are_in_it(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _octets: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)  # the disk, not our code
    assert _cards(desk, secret, LIST) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert len(_log(desk)) == 12


def test_without_the_pdf_library_it_is_said_before_anything_is_asked(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sheet, "reportlab", None)  # as on a machine that has none
    assert _cards(desk, [], LIST) == 3
    assert "pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    "octets",
    [
        b"number,name,unit\n1,A,B\n2,C,D\n",
        b"\xef\xbb\xbfnumber;name;unit\r\n1;A;B\r\n\r\n2;C;D\r\n",
        b'Unit , extra,"NAME",number\r\n"B",x,"A",1\r\nD,,C,2',
    ],
)
def test_lists_as_spreadsheets_save_them(octets: bytes) -> None:
    rows = [(one.number, one.name, one.unit) for one in cardholders.parse(octets)]
    assert rows == [("1", "A", "B"), ("2", "C", "D")]


def test_a_name_typed_in_two_parts_is_the_same_name_and_can_be_printed() -> None:
    (person,) = cardholders.parse("number,name,unit\n1,Jose\u0301,\n".encode())
    assert (person.name, sheet.not_shown(person.name)) == ("José", "")


def test_a_quoted_name_may_hold_the_delimiter_and_a_short_row_is_empty() -> None:
    assert cardholders.parse(b'number,name,unit\n1,"Contoh, S.Kom."\n') == (Cardholder(2, "1", "Contoh, S.Kom.", ""),)


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "number, name, unit"),
        (b"number,nama,unit\n1,A,B\n", "column is missing: name"),
        (b"number,name,name,unit\n", "column is there twice: name"),
        (b"number,name,unit\n", "no rows"),
        (b"number,name,unit\n1,\xff,B\n", "line 2: not UTF-8"),
        (b'number,name,unit\n1,"A,B\n', "not CSV"),
        (b"number,name,unit\n" + b"1,A,\n" * 20_001, "more than 20000"),
    ],
)
def test_a_file_that_is_no_list_says_why(octets: bytes, says: str) -> None:
    with pytest.raises(NotATableError, match=says):
        cardholders.parse(octets)


@pytest.mark.parametrize("length", [40, 180, 220])
def test_both_drawings_of_a_code_are_of_one_size_and_one_text(length: int) -> None:
    text = ("0A:" * length)[:length]
    pictures = [Image.open(io.BytesIO(octets)) for octets in (qr.png(text), qr.png_of(qr.modules(text)))]
    assert pictures[0].size == pictures[1].size
    assert [round(picture.info["dpi"][0]) for picture in pictures] == [300, 300]
    read = [zxingcpp.read_barcodes(np.asarray(picture.convert("L"))) for picture in pictures]
    assert [[code.text for code in codes] for codes in read] == [[text], [text]]
    assert read[1][0].ec_level in {"M", "Q", "H"}


def test_the_day_on_a_card_is_the_last_day_of_its_pass(desk: Path, secret: list[str]) -> None:
    assert _cards(desk, secret, LIST) == 0
    with pypdfium2.PdfDocument(desk.parent / "kartu" / "kartu.pdf") as document:
        printed = document[0].get_textpage().get_text_range()
    assert printed.count(f"until {UNTIL}") == 10
    assert {date.fromisoformat(row["until"]) for row in _log(desk)} == {UNTIL}
