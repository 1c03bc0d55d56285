"""The phone's page in a real browser: key, code, pass, proof and clock; and the desk's side of it."""

import base64
import hashlib
import os
import random
import re
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
import segno
import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from PIL import Image
from segno import encoder

from device.camera.pictures import luma_of
from device.formats import base45
from device.formats.cwt import unpack
from device.model import Reason
from device.scanner import read_still
from device.trust.bundle import Trust
from device.verdict.judge import Rules, choose, judge
from device.verdict.policy import Setting
from office.desk.refusal import RefusalError
from office.passes.phone import PREFIX, cnf, link, page_html, phone_code, phone_key, write_page
from office.passes.phone_picture import key_from_picture
from tests.support.browser import Browser, Site
from tests.support.credentials import STAFF_KEY, pack, token, trust
from tests.support.world import wait_for

END = 4086518400
"""Midnight by the office's clock, after the last of June 2099."""
KEY = ec.derive_private_key(7, ec.SECP256R1()).public_key()
CODE = "AKHFGO3PUC7XWRRFXMYGM7AB7NQH56PYXCUA7323GADCQ4BRQ6ZKGIXO"
OFFICE = "Kabupaten <script>document.title='jahat'</script> & \"Utara\""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as one:
        one.open("about:blank")
        one.requested()  # the browser's own first page is none of ours
        yield one


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    """Serve the page at an origin of its own: nothing that another test kept is there."""
    write_page(tmp_path / "page", OFFICE)
    browser.screen()
    with Site(tmp_path / "page") as one:
        yield one
    browser.open("about:blank")
    strangers = [url for url in browser.requested() if not url.startswith((one.url, "data:", "about:"))]
    assert strangers == []


def enrolled(browser: Browser, site: Site) -> ec.EllipticCurvePublicKey:
    """Open the page for the first time; return the key of the code that it shows."""
    browser.open(site.url)
    return phone_key(wait_for(lambda: browser.text("#code")))


def signed_pass(
    key: ec.EllipticCurvePublicKey, number: str = "0042", *, named: dict[int, Any] | None = None, end: int = END
) -> bytes:
    """Return a pass for the phone with *key*, or the one *named*, until *end*."""
    claims = {1: "luwuutarakab", 4: end, 6: 1795363200, 8: named or cnf(key), 169: {1: number, 4: "Pegawai Contoh"}}
    return token(STAFF_KEY, claims)


def proven(text: str, key: ec.EllipticCurvePublicKey) -> tuple[int, bytes]:
    """Return when a proof was made and the pass in it; AssertionError if it is not byte for byte what the wall expects.

    The library verifies, not our own code, so that a slip in both would be seen.
    """
    packed = base45.decode(text)
    assert packed[:2] == b"\x78\x01"
    tagged = cbor2.loads(zlib.decompress(packed))
    protected, unprotected, message, signature = tagged.value
    at = int(cbor2.loads(protected)[15][6])
    assert (tagged.tag, protected, unprotected) == (18, cbor2.dumps({1: -7, 3: 61, 15: {6: at}}), {})
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    signed = cbor2.dumps(["Signature1", protected, b"titik phone proof 1", message])
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    assert unpack(text).payload == message
    return at, message


def shown(browser: Browser) -> bool:
    """Return whether a proof is on the screen."""
    return bool(browser.run("return !document.getElementById('proof').hidden && shown !== null"))


def proof(browser: Browser, file: Path) -> str:
    """Return the text of the proof on the screen, as the wall reads it."""
    wait_for(lambda: shown(browser), what="a proof is shown")
    texts = read_still(luma_of(browser.picture(file)))
    assert len(texts) == 1
    return texts[0]


def said(browser: Browser, words: str) -> str:
    """Wait until the notice holds *words*, and return it."""
    return wait_for(lambda: words in (text := browser.text("#notice")) and text, what=words) or ""


def test_the_whole_story(browser: Browser, site: Site, tmp_path: Path) -> None:
    key = enrolled(browser, site)
    assert key_from_picture(browser.picture(tmp_path / "code.png")) == key
    point = browser.run("return phoneKey().then((key) => crypto.subtle.exportKey('spki', key.publicKey))"
                        ".then((spki) => Array.from(new Uint8Array(spki).slice(-65)))")  # fmt: skip
    assert ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point)) == key

    message = signed_pass(key)
    browser.open(link(site.url, message))
    before = time.time()
    text = proof(browser, tmp_path / "proof.png")
    at, payload = proven(text, key)
    assert payload == message
    assert abs(at - before) < 5
    policies, _ = choose(("staff",), Trust())
    wall = Rules(trust(), policies, Setting("bupati-1", "bupati", "in"))
    for seconds, reason in ((0, Reason.STAFF), (45, Reason.STAFF), (46, Reason.REPLAYED), (91, Reason.REPLAYED)):
        moment = datetime.fromtimestamp(at + seconds, UTC)
        assert judge(text, wall, moment).verdict.reason is reason
    assert judge(pack(message), wall, datetime.fromtimestamp(at, UTC)).verdict.reason is Reason.REPLAYED
    assert browser.run("return wake !== null && !wake.released")
    assert browser.run("return [location.hash, history.length < 10]") == ["", True]
    assert (browser.text("#number"), browser.text("#until")) == ("0042", "30 Jun 2099")

    browser.run("const real = Date.now; Date.now = () => real() + 31000")
    wait_for(lambda: browser.run("return shown !== null && shown.at > performance.timeOrigin + 31000"))
    later, payload = proven(proof(browser, tmp_path / "next.png"), key)
    assert 30 <= later - at < 45
    assert payload == message
    assert browser.complaints() == []


def test_a_proof_is_blank_when_hidden_or_old_and_anew_when_seen_again(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    key = enrolled(browser, site)
    browser.open(link(site.url, signed_pass(key)))
    first, _ = proven(proof(browser, tmp_path / "first.png"), key)
    hide = "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
    hide += "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
    browser.run(hide, True)  # noqa: FBT003 - the value that the page sees
    assert not shown(browser)
    assert read_still(luma_of(browser.picture(tmp_path / "hidden.png"))) == []
    browser.run("const real = Date.now; Date.now = () => real() + 2000")
    browser.run(hide, False)  # noqa: FBT003 - as above
    assert proven(proof(browser, tmp_path / "again.png"), key)[0] > first

    # A clock that jumps, in either direction: what is on the screen is taken away at once.
    browser.run("crypto.subtle.sign = () => new Promise(() => {})")
    browser.run("const real = Date.now; Date.now = () => real() - 60000")
    wait_for(lambda: not shown(browser), what="the old proof is taken away")


def test_it_works_without_a_network_from_the_second_visit(browser: Browser, site: Site, tmp_path: Path) -> None:
    key = enrolled(browser, site)
    browser.open(link(site.url, signed_pass(key)))
    proof(browser, tmp_path / "online.png")
    browser.run("return navigator.serviceWorker.ready.then(() => true)")
    site.stop()
    browser.reload()
    proven(proof(browser, tmp_path / "offline.png"), key)
    assert "Utara" in browser.text("header")


def test_a_new_page_replaces_the_kept_one(browser: Browser, site: Site) -> None:
    enrolled(browser, site)
    browser.run("return navigator.serviceWorker.ready.then(() => true)")
    site.file("index.html").write_text(page_html("Kantor Baru"), encoding="utf-8")
    os.utime(site.file("index.html"), (time.time() + 5, time.time() + 5))  # a server tells only seconds apart

    def renewed() -> bool:
        browser.reload()
        return browser.text("header") == "Kantor Baru"

    wait_for(renewed, what="the new page")


def test_the_key_cannot_be_taken_out_and_stays_the_same(browser: Browser, site: Site) -> None:
    key = enrolled(browser, site)
    told = "return phoneKey().then((key) => crypto.subtle.exportKey(arguments[0], key.privateKey)).catch((e) => e.name)"
    assert [browser.run(told, form) for form in ("pkcs8", "jwk")] == ["InvalidAccessError"] * 2
    browser.reload()
    assert phone_key(wait_for(lambda: browser.text("#code"))) == key


def test_a_pass_for_another_phone_is_refused(browser: Browser, site: Site) -> None:
    key = enrolled(browser, site)
    named = cnf(key)[1]
    mirrored = {1: {**named, -3: not named[-3]}}
    for other in (signed_pass(KEY), signed_pass(key, named=mirrored)):
        browser.open("about:blank")
        browser.open(link(site.url, other))
        assert "untuk telepon lain" in said(browser, "for another phone")
        wait_for(lambda: browser.text("#code"), what="this phone's code is shown below")
        assert browser.run("return recall('pass').then((pass) => pass === undefined)")


def _passes_that_are_none() -> dict[str, bytes]:
    good = cnf(KEY)
    claims: dict[Any, Any] = {4: END, 8: good, 169: {1: "0042"}}
    whole = token(STAFF_KEY, claims)
    indefinite = whole[:1] + b"\x9f" + whole[2:] + b"\xff"
    return {
        "not CBOR": b"\x00\x01\x02",
        "cut short": whole[:-5],
        "something behind": whole + b"\x00",
        "indefinite": indefinite,
        "not shortest": whole[:1] + b"\x98\x04" + whole[2:],
        "a great length": b"\xd2\x9b\x00\x1f\xff\xff\xff\xff\xff\xff" + whole,
        "very deep": b"\x81" * 900,
        "no COSE": cbor2.dumps(claims),
        "claims of another kind": cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"\x01", b""])),
        "no key": token(STAFF_KEY, {k: v for k, v in claims.items() if k != 8}),
        "another curve": token(STAFF_KEY, claims | {8: {1: {**good[1], -1: 2}}}),
        "a short x": token(STAFF_KEY, claims | {8: {1: {**good[1], -2: b"short"}}}),
        "no number": token(STAFF_KEY, claims | {169: {}}),
        "a long number": token(STAFF_KEY, claims | {169: {1: "9" * 33}}),
        "no end": token(STAFF_KEY, {k: v for k, v in claims.items() if k != 4}),
        "an end that is none": token(STAFF_KEY, claims | {4: float("nan")}),
        "too large for its QR": token(STAFF_KEY, claims | {9: bytes(600)}),
    }


def test_what_is_no_pass_is_told_kindly_and_changes_nothing(browser: Browser, site: Site, tmp_path: Path) -> None:
    key = enrolled(browser, site)
    browser.open(link(site.url, signed_pass(key)))
    proof(browser, tmp_path / "proof.png")
    found = browser.run(
        "return arguments[0].map((text) => {"
        " try { return passIn(fromBase64url(text)).number } catch (error) { return error instanceof Error } })",
        [base64.urlsafe_b64encode(octets).decode().rstrip("=") for octets in _passes_that_are_none().values()],
    )
    assert dict(zip(_passes_that_are_none(), found, strict=True)) == dict.fromkeys(_passes_that_are_none(), True)
    for garbage in ("", "%%%", "AAAA", "a" * 100_000):
        browser.run("say('notice'); location.hash = 'p=' + arguments[0]", garbage)
        assert "Ask the desk" in said(browser, "bukan pas")
        assert browser.run("return location.hash") == ""
        assert shown(browser) or wait_for(lambda: shown(browser))
    assert browser.text("#number") == "0042"


def test_a_second_pass_replaces_the_first_only_when_told_to(browser: Browser, site: Site) -> None:
    key = enrolled(browser, site)
    browser.open(link(site.url, signed_pass(key)))
    wait_for(lambda: shown(browser))
    address = link(site.url, signed_pass(key, "0043"))
    for button, number in (("#no", "0042"), ("#yes", "0043")):
        browser.run("location.hash = arguments[0]", address.partition("#")[2])
        wait_for(lambda: "0043" in browser.text("#question"), what="it asks")
        assert not shown(browser)
        browser.click(button)
        wait_for(lambda: shown(browser), what="a proof after the answer")
        assert browser.text("#number") == number


def test_a_link_that_came_to_the_wrong_browser_can_be_carried_to_the_right_one(browser: Browser, site: Site) -> None:
    enrolled(browser, site)
    assert browser.text("#copy") == ""
    address = link(site.url, signed_pass(KEY))
    browser.open("about:blank")
    browser.open(address)
    wait_for(lambda: browser.text("#copy"), what="the button that copies")
    browser.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.click("#copy")
    said(browser, "Tautan tersalin")
    assert browser.run("return navigator.clipboard.readText()") == address


def test_on_an_iphone_it_begins_at_the_home_screen(browser: Browser, site: Site) -> None:
    for standalone, safari, camera in ((False, True, True), (True, False, False)):
        added = browser.devtools(
            "Page.addScriptToEvaluateOnNewDocument", source=f"navigator.standalone = {str(standalone).lower()}"
        )
        enrolled(browser, site)
        browser.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])
        assert [bool(browser.text(place)) for place in ("#iphone", "#camera", "#copied")] == [
            safari,
            camera,
            not camera,
        ]


def test_a_pass_that_has_ended_says_so(browser: Browser, site: Site) -> None:
    browser.open(link(site.url, signed_pass(enrolled(browser, site), end=1793462400)))
    assert "Ask the desk for a new one" in said(browser, "sudah berakhir")
    assert browser.text("#until") == "31 Okt 2026"


def test_a_link_can_be_pasted(browser: Browser, site: Site) -> None:
    address = link(site.url, signed_pass(enrolled(browser, site)))
    broken = "\n  ".join(re.findall(".{1,70}", address))  # as a message may break it
    browser.run("document.getElementById('pasted').value = arguments[0]", f" {broken} ")
    browser.click("#paste")
    wait_for(lambda: shown(browser), what="the pasted pass")


def test_the_pass_and_its_key_are_removed_only_when_told_to(browser: Browser, site: Site) -> None:
    key = enrolled(browser, site)
    browser.open(link(site.url, signed_pass(key)))
    wait_for(lambda: shown(browser))
    browser.click("#remove")
    wait_for(lambda: browser.text("#question"), what="it asks")
    browser.click("#no")
    wait_for(lambda: shown(browser), what="nothing was removed")
    browser.click("#remove")
    wait_for(lambda: browser.text("#question"), what="it asks again")
    browser.click("#yes")
    said(browser, "sudah dihapus")
    browser.reload()
    assert phone_key(wait_for(lambda: browser.text("#code"))) != key


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(0, ""), (15, ""), (210, "terlambat 3 menit"), (-7290, "terlalu cepat 2 jam 1 menit")],
)
def test_a_clock_that_is_off_is_told_in_words(browser: Browser, site: Site, ahead: int, words: str) -> None:
    site.clock = ahead
    enrolled(browser, site)
    known = wait_for(lambda: browser.run("return recall('clock').then((clock) => clock && clock.ahead)") is not None)
    assert known
    told = wait_for(lambda: browser.text("#clock"), what=words) if words else browser.text("#clock")
    assert words in told
    assert ("Tanggal & waktu otomatis" in told) == bool(words)
    if words:  # offline it is still known, and how old that knowledge is
        site.stop()
        browser.run("const real = Date.now; Date.now = () => real() + 3600000; return tellClock()")
        assert words in browser.text("#clock")
        assert "diperiksa" in browser.text("#clock")


def test_a_clock_that_went_back_is_told_without_a_network(browser: Browser, site: Site) -> None:
    enrolled(browser, site)
    wait_for(lambda: browser.run("return recall('clock').then((clock) => clock && clock.ahead !== undefined)"))
    site.stop()
    browser.run("const real = Date.now; Date.now = () => real() - 600000; return checkClock()")
    assert "Jam telepon ini mundur" in browser.text("#clock")


def test_without_https_it_says_why_it_cannot(browser: Browser, site: Site) -> None:
    browser.open(f"http://titik.test:{site.port}/")
    assert "https://" in said(browser, "must be opened over https://")
    browser.requested()


def test_no_script_but_its_own_runs(browser: Browser, site: Site) -> None:
    enrolled(browser, site)
    assert browser.run("return document.title") == f"Pas · {OFFICE}"
    assert browser.text("header") == OFFICE
    browser.run(
        "const one = document.createElement('script'); one.textContent = 'window.ran = 1'; document.body.append(one);"
        "const other = document.createElement('div'); other.innerHTML = '<img src=x onerror=\"window.ran = 2\">';"
        "document.body.append(other)"
    )
    away = browser.run("return fetch('http://127.0.0.1:9/').then(() => 'sent').catch(() => 'not sent')")
    assert (browser.run("return window.ran === undefined"), away) == (True, "not sent")
    refused = " ".join(browser.complaints())
    assert [directive in refused for directive in ("script-src", "img-src", "connect-src")] == [True] * 3


def test_its_qr_codes_are_those_of_another_encoder_and_are_read(browser: Browser, site: Site) -> None:
    chance = random.Random(1)  # noqa: S311 - the same texts each time
    lengths = [*range(1, 40, 6), *range(40, 480, 37), 483, 484, 528, 529, 600, 970]
    texts = ["".join(chance.choice(base45.ALPHABET) for _ in range(length)) for length in lengths]
    browser.open(site.url)
    rows = "return arguments[0].map((text) => qr(text).map((row) => row.map(Number)))"
    for text, drawn in zip(texts, browser.run(rows, texts), strict=True):
        grid = np.array(drawn, np.uint8)
        picture = np.where(np.kron(np.pad(grid, 4), np.ones((3, 3), np.uint8)), 0, 255).astype(np.uint8)
        assert [(one.text, one.ec_level) for one in zxingcpp.read_barcodes(picture)] == [(text, "M")]
        others = [
            segno.make(text, error="m", micro=False, mode="alphanumeric", boost_error=False, mask=mask).matrix
            for mask in range(8)
        ]
        side = len(others[0])
        assert grid.shape == (side, side)
        bits = 4 + (9 if side < 57 else 11) + len(text) // 2 * 11 + len(text) % 2 * 6 + 4
        if bits % 8:  # segno puts a byte of zeros before the padding where the data end with a byte
            least = min(others, key=lambda one: int(encoder.evaluate_mask(one, side, side)))
            assert grid.tolist() == [list(row) for row in least]
    assert browser.run("try { return qr('A'.repeat(971)) } catch (error) { return error.message }") == (
        "too long for the QR"
    )


def test_a_phone_code_is_read_back_however_it_is_typed() -> None:
    assert phone_code(KEY) == CODE
    groups = " ".join(re.findall(".{4}", CODE))
    slips = CODE.translate(str.maketrans("OIB", "018"))
    typed = (CODE, PREFIX + CODE, groups, groups.lower().replace(" ", "-"), f"  {slips}\n", f"titik-phone: {groups}")
    assert [phone_key(text) == KEY for text in typed] == [True] * len(typed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has 56 characters, this has 0"),
        (CODE[:-1], "this has 55"),
        (CODE * 10_000, "this has 1000"),
        (CODE[:-1] + "9", "only A to Z and 2 to 7"),
        (CODE[:-1] + "é", "only A to Z and 2 to 7"),
        (f"{CODE[:20]}A{CODE[21:]}", "Some character"),
        (f"{CODE[:-1]}P", "Some character"),
    ],
)
def test_a_wrong_phone_code_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        phone_key(text)


@pytest.mark.parametrize("point", [b"\x02" + bytes(31) + b"\x01", b"\x04" + bytes(32), b"\x02" + b"\xff" * 32])
def test_a_code_that_is_whole_but_no_key_is_refused(point: bytes) -> None:
    text = base64.b32encode(point + hashlib.sha256(point).digest()[:2]).decode()
    with pytest.raises(RefusalError, match="not a phone's key"):
        phone_key(text)


def test_a_picture_without_one_phone_code_is_refused(tmp_path: Path) -> None:
    other = ec.derive_private_key(8, ec.SECP256R1()).public_key()
    two = [segno.make(PREFIX + phone_code(key), error="m") for key in (KEY, other)]
    sheet = np.hstack([np.kron(np.pad(np.array(code.matrix, np.uint8), 4), np.ones((5, 5), np.uint8)) for code in two])
    Image.fromarray(np.where(sheet, 0, 255).astype(np.uint8)).save(tmp_path / "two.png")
    segno.make("HALO").save(str(tmp_path / "none.png"), scale=5)
    (tmp_path / "no.png").write_bytes(b"GIF89a, or so")
    for name, words in (
        ("two", "2 phone codes"),
        ("none", "0 phone codes"),
        ("no", "cannot be read"),
        ("x", "No such"),
    ):
        with pytest.raises(RefusalError, match=words):
            key_from_picture(tmp_path / f"{name}.png")


def test_a_link_holds_the_pass_behind_the_hash() -> None:
    assert link("https://pas.example", b"\xff\xfe\x00") == "https://pas.example/#p=__4A"
    assert link("https://pas.example:8443/pas/", b"") == "https://pas.example:8443/pas/#p="
    assert link("http://localhost:8000/", b"1") == "http://localhost:8000/#p=MQ"


@pytest.mark.parametrize(
    "page",
    ["", "pas.example", "http://pas.example/", "http://localhost.pas.example/", "ftp://localhost/", "https://", "https:///x",
     "https://a b/", "https://pas.example/#x", "https://pas.example/?x", "https://u@pas.example/", "https://x:y/",
     "https://[/", "javascript:alert(1)//https://"],
)  # fmt: skip
def test_a_link_needs_an_address_that_gives_a_key(page: str) -> None:
    with pytest.raises(RefusalError, match="begins with https://"):
        link(page, b"1")


def test_a_pass_that_the_page_would_not_look_at_gets_no_link() -> None:
    with pytest.raises(RefusalError, match="at most 1024"):
        link("https://pas.example/", bytes(1_025))


def test_the_claim_names_the_key() -> None:
    numbers = KEY.public_numbers()
    assert cnf(KEY) == {1: {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y % 2 == 1}}


def test_the_page_is_two_files_that_others_may_read(tmp_path: Path) -> None:
    write_page(tmp_path / "new" / "page", "Kantor")
    files = sorted((tmp_path / "new" / "page").iterdir())
    assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [("index.html", 0o644), ("sw.js", 0o644)]
    assert "{{" not in files[0].read_text(encoding="utf-8")
    assert "//" not in re.sub(r"(?m)(^|\s)//.*$|https://", "", files[0].read_text(encoding="utf-8"))


def test_the_page_is_written_only_into_an_empty_folder_and_under_a_name(tmp_path: Path) -> None:
    write_page(tmp_path / "page", "Kantor")
    with pytest.raises(RefusalError, match="nothing is overwritten"):
        write_page(tmp_path / "page", "Kantor")
    with pytest.raises(RefusalError):
        write_page(tmp_path / "page" / "sw.js", "Kantor")
    for name in ("", "  ", "a\x1bb", "K" * 81):
        with pytest.raises(RefusalError, match="1 to 80"):
            write_page(tmp_path / "other", name)
    assert not (tmp_path / "other").exists()
