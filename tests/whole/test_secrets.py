"""Nothing secret or personal is in anything that the programs write: marks are planted, and everything is searched."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.config import BrokerSettings
from device.formats.cose import parse
from device.mqtt_client import Link
from device.trust.bundle import kid_of
from device.trust.fleet_secret import FleetSecret
from device.trust.roster import RosterKey
from device.wire import Message, Received
from office.__main__ import main
from office.passes.phone import phone_code
from tests.support.centre import CentreProgram
from tests.support.credentials import (
    HEALTH_KEY,
    OTHER_KEY,
    VISITOR_KEY,
    dose,
    hcert,
    pack,
    phone_pass,
    proof,
    sign,
    staff_pass,
    token,
)
from tests.support.point import NOW, ROOT, Station, save, signed_bundle
from tests.support.world import REPOSITORY, Mosquitto, wait_for

NAME, NIK, BORN, NUMBER = "Marsekala Dipodirjo", "7322017105900419", "1990-05-31", "PEG-4711-XQ"
MARK = "zq7rahasia"
SECRET, PASSWORD, PASSPHRASE = "c0ffee5a" * 8, "kata-sandi-broker-9137", "kata sandi meja 9137"
PLANTED = (NAME, "Marsekala", "Dipodirjo", NIK, BORN, NUMBER, MARK, SECRET, PASSWORD, PASSPHRASE)
SPAN = {"issued": NOW - timedelta(days=1), "expires": NOW + timedelta(days=30)}


def texts() -> dict[str, str]:
    """Return what is held up, by name: every way in that a personal datum could take."""
    phone = ec.generate_private_key(ec.SECP256R1())
    person = {"co": "ID", "nik": NIK, "ci": f"URN:{MARK}"}
    claims = {1: "ID", 4: int(SPAN["expires"].timestamp()), 6: int(SPAN["issued"].timestamp())}
    health = {"v": [{**dose(), **person}], "dob": BORN, "nam": {"fn": NAME, "fnt": NAME.upper()}}
    return {
        "pass": staff_pass(NUMBER, NAME, **SPAN),
        "foreign": staff_pass(NUMBER, NAME, key=OTHER_KEY, **SPAN),
        "expired": staff_pass(NUMBER, NAME, issued=NOW - timedelta(days=9), expires=NOW - timedelta(days=1)),
        "health": "HC1:" + pack(token(HEALTH_KEY, {**claims, -260: {1: health}})),
        "other-health": "HC1:" + pack(token(HEALTH_KEY, {**claims, -260: {3: health}})),
        "odd-health": "HC1:" + pack(token(HEALTH_KEY, {**claims, -260: {1: {**health, "dob": MARK, "v": NAME}}})),
        "damaged": hcert(v=[dose()], **SPAN)[:-9] + "%".join(NIK),
        "phone": proof(phone, phone_pass(phone.public_key(), expires=SPAN["expires"]), NOW),
        "listed": NIK,
        "text": f"{NAME} {NIK} {MARK}",
        "venue": f"checkin:{MARK}:{NIK}",
        "link": f"https://example.invalid/?token={MARK}&nik={NIK}",
        "divoc": f"B64:{MARK}{NIK}",
        "lines": f"{NAME}\n\x1b[31m{NIK}\x1b[0m\n{MARK}",
    }


def bundle_with(listed: str, key: RosterKey) -> bytes:
    """Return a bundle whose roster lists one number."""
    told = cbor2.loads(parse(signed_bundle()).payload)
    entries = key.hashed(listed) + bytes(2)
    roster = {"check": key.check, "issuer": "luwuutarakab", "claims": [{"domain": "staff"}], "entries": entries}
    return sign(ROOT, cbor2.dumps({**told, "roster": roster}), {1: -8, 4: kid_of(ROOT.public_key())})


def forms(mark: str) -> Iterator[bytes]:
    """Yield every form in which *mark* must not be found: itself, upper case, in hexadecimal, and its plain hash."""
    octets = mark.encode()
    yield from (octets, octets.upper(), octets.lower(), octets.hex().encode(), sha256(octets).hexdigest().encode())
    yield sha256(octets).digest()


def found(octets: bytes) -> list[str]:
    return [mark for mark in dict.fromkeys((*PLANTED, *texts_shown)) if any(form in octets for form in forms(mark))]


texts_shown: tuple[str, ...] = ()

BUG = """
import device.patterns
def broken(verdict, *, repeat=False):
    raise RuntimeError("a bug that is planted here")
device.patterns.pattern = broken
"""


def test_no_log_event_database_exception_or_answer_holds_a_planted_mark(tmp_path: Path) -> None:
    global texts_shown  # noqa: PLW0603 - the texts are made anew in each run
    shown = texts()
    texts_shown = tuple(shown.values())
    wire: list[bytes] = []
    key = FleetSecret(bytes.fromhex(SECRET)).roster_key()
    camera = {"hold": 0.2, "gap": 0.15}
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port):
        point = Station(tmp_path / "point", broker.port, camera=camera, more="[sighting]\nquiet = 0.1\n")
        point.write()
        (point.folder / "trust.cbor").write_bytes(bundle_with(NIK, key))
        (point.folder / "secrets" / "fleet-secret").write_text(SECRET)
        (point.folder / "secrets" / "mqtt-password").write_text(PASSWORD)
        for number, text in enumerate(shown.values()):
            save(point.pictures / f"{number:02d}.png", text)
        will = Message("titik/v1/listener/state", b"{}")
        with Link(BrokerSettings(port=broker.port), "listener", will=will) as listener:
            listener.subscribe(["#"])
            with point:
                seen: set[str] = set()

                def heard() -> bool:
                    for one in listener.turn(0.05):
                        if isinstance(one, Received):
                            wire.append(one.topic.encode() + b" " + one.body)
                            seen.add(one.topic.rsplit("/", 1)[-1])
                    return len(point.shown()) == len(shown) and seen >= {"event", "receipt", "state", "info", "health"}

                wait_for(heard, "everything is shown and heard")
                assert point.child.stop() in (0, -15)
        reasons = {reason for *_, reason, _, _ in point.shown()}
        assert reasons >= {"staff", "unknown-issuer", "expired", "two-doses", "not-supported", "malformed", "listed"}
        assert {"not-a-pass", "unknown"} <= reasons
        (tmp_path / "bug").mkdir()
        (tmp_path / "bug" / "sitecustomize.py").write_text(BUG)
        with Station(point.folder, broker.port, env={"PYTHONPATH": f"{tmp_path / 'bug'}:{REPOSITORY}"}) as crash:
            assert crash.ends() == 1
            crash.says("RuntimeError: a bug that is planted here")
    answers = _answers(tmp_path, shown)
    inputs = (point.pictures, point.folder / "secrets", tmp_path / "bug", tmp_path / "codes.txt")
    files = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and not any(path == one or one in path.parents for one in inputs)
    ]
    assert {"err", "outbox.db", "central.db", "log"} <= {path.name for path in files}
    leaks = {str(path.relative_to(tmp_path)): found(path.read_bytes()) for path in files}
    leaks |= {"wire": found(b"\n".join(wire)), "answers": found(answers)}
    assert {where: marks for where, marks in leaks.items() if marks} == {}


def test_a_visitor_s_number_stays_at_a_wall_that_sends_the_numbers_of_staff(tmp_path: Path) -> None:
    wire: list[bytes] = []
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port):
        point = Station(tmp_path / "point", broker.port, more="[privacy]\npass_number = true\n")
        save(point.pictures / "1.png", staff_pass("PEG-0815", **SPAN))
        save(point.pictures / "2.png", staff_pass(NUMBER, key=VISITOR_KEY, **SPAN))
        save(point.pictures / "3.png", staff_pass(NUMBER, key=VISITOR_KEY, issued=SPAN["issued"], expires=NOW))
        with Link(
            BrokerSettings(port=broker.port), "listener", will=Message("titik/v1/listener/state", b"{}")
        ) as listener:
            listener.subscribe(["#"])

            def heard() -> bool:
                wire.extend(one.body for one in listener.turn(0.05) if isinstance(one, Received))
                return b"".join(wire).count(b'"domain":"visitor"') == 2

            with point:
                wait_for(heard, "both visitors are told")
                point.ends()
        assert {one[4] for one in point.shown()} == {"staff", "visitor", "expired"}
    assert b'"pass_number":"PEG-0815"' in b"".join(wire)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and point.pictures not in path.parents]
    assert {"err", "outbox.db", "central.db", "log"} <= {path.name for path in files}
    leaks = {path.name: found(path.read_bytes()) for path in files} | {"wire": found(b"\n".join(wire))}
    assert {where: marks for where, marks in leaks.items() if marks} == {}


def _answers(folder: Path, shown: dict[str, str]) -> bytes:
    """Return what `judge`, `scan` and `check-config` say of all that, and of a configuration that is wrong."""
    (folder / "codes.txt").write_text("\n".join(shown.values()), encoding="utf-8")
    told = b""
    for form in ([], ["--json"]):
        pictures = sorted(str(path) for path in (folder / "point" / "pictures").glob("*.png"))
        for command in (["judge", *form], ["scan", *form, *pictures]):
            with (folder / "codes.txt").open("rb") as codes:
                told += _run(["-m", "device", *command, "--bundle", str(folder / "point" / "trust.cbor")], codes)
    return told


def _run(arguments: list[str], given: object) -> bytes:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        stdin=given,
        capture_output=True,
        check=True,  # type: ignore[call-overload]  # a file
    )
    return bytes(done.stdout + done.stderr)


def test_the_desk_keeps_no_name_no_listed_number_and_no_passphrase(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = tmp_path / "meja"
    (tmp_path / "word").write_text(PASSPHRASE)
    (tmp_path / "people.csv").write_text(f"number,name,unit\n{NUMBER},{NAME},{MARK}\n")
    (tmp_path / "listed.csv").write_text(f"number,domain\n{NIK},staff\n")
    (tmp_path / "wrong.csv").write_text(f"number,domain\n{NIK},{MARK * 30}\n")
    where, word = ["--desk", str(desk)], ["--passphrase-file", str(tmp_path / "word")]
    until = ["--domain", "staff", "--until", (NOW + timedelta(days=30)).date().isoformat()]
    one = ["--name", NAME, "--png", str(tmp_path / "a.png")]
    phone = phone_code(ec.generate_private_key(ec.SECP256R1()).public_key())
    page = ["--page", "https://pas.example/"]
    told = [
        (["init", *where, *word], 0),
        (["issue", *where, *until, "--number", "T-1", *one, *word], 0),
        (["issue", *where, *until, "--number", "T-1", *one, *word], 1),
        (["issue", *where, *until, "--number", "T-3", *one[:2], "--png", str(tmp_path / "b.png"), *word,
          "--phone", phone, *page], 0),
        (["cards", *where, *until, "--csv", str(tmp_path / "people.csv"), "--out", str(tmp_path / "kartu"), *word], 0),
        (["roster", "import", *where, str(tmp_path / "listed.csv")], 0),
        (["roster", "import", *where, str(tmp_path / "wrong.csv")], 1),
        (["bundle", "sign", *where, "--out", str(tmp_path / "trust.cbor"), *word], 0),
        (["bundle", "sign", *where, "--out", str(tmp_path / "trust.cbor"), "--handover", *word], 0),
        (["revoke", *where, "T-1"], 0),
        (["bundle", "show", str(tmp_path / "trust.cbor"), "--root", str(desk / "root.pub")], 0),
    ]  # fmt: skip
    assert [(arguments[0], main(arguments)) for arguments, _ in told] == [(words[0], code) for words, code in told]
    files = {path.name: path.read_bytes() for path in (*desk.iterdir(), tmp_path / "trust.cbor")}
    files["said"] = re.sub(r"#p=\S+", "", "".join(capfd.readouterr())).encode()  # the link is the pass, for its holder
    leaks = {name: [mark for mark in found(octets) if mark != NUMBER] for name, octets in files.items()}
    assert {name: marks for name, marks in leaks.items() if marks} == {}
    assert [name for name, octets in files.items() if b"BEGIN PRIVATE KEY" in octets] == []
    with_number = sorted(name for name, octets in files.items() if NUMBER.encode() in octets)
    assert with_number == ["issued.csv"]  # by it a pass is found again, to be revoked


def test_the_search_finds_a_mark_in_every_form(tmp_path: Path) -> None:
    for form in forms(NIK):
        with closing((tmp_path / "file").open("wb")) as file:
            file.write(b"..." + form + b"...")
        assert found((tmp_path / "file").read_bytes()) == [NIK]
