"""What is wrong, from what is held and what there should be: a word, a sentence in two languages, the next command.

Pure: a status, what the configuration expects and the time now come in. Each problem makes ``titik-central status``
end with 1, so each must be one that somebody can end, or that ends by itself.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from central.expected import Expected, never_heard
from central.store.status import PointStatus, Status
from central.store.troubles import Trouble
from device.model import WITA
from device.system.log import shown
from device.wire import State

SILENT = timedelta(minutes=5)
"""A station tells how it fares each minute."""
OWED = timedelta(hours=1)
"""A backlog of a day is delivered within a minute; what is older than this stands still."""
BUNDLE = timedelta(minutes=10)
"""A new bundle is at every point within seconds."""
BACKUP = timedelta(hours=36)
"""One is made each night."""
SKEW = 120.0
"""Seconds; what a slow line adds to a message of health is less."""
NOTICED = timedelta(days=7)
"""What cannot be undone (an event lost, two in one place) is said so long; the table shows it for ever."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    what: str
    """A word of the list in ``docs/pusat.md``."""
    point: str | None
    id: str
    """The sentence in Indonesian."""
    en: str
    next: tuple[str, ...]
    """What to do, one command or one thing each."""

    def wire(self) -> dict[str, Any]:
        """Return it as its JSON has it."""
        return asdict(self)


_JOURNAL = "ssh {point} sudo journalctl -u titik -n 50"
_BY_STICK = "dengan USB / by stick: docs/usb.md"
_CENTRE = "journalctl -u titik-central -n 50"
_TIMER = "systemctl status titik-central-backup.timer titik-central-backup", "docs/pusat.md"
FAULTS = {
    "camera": (
        "kamera tidak melihat apa-apa; lampu: rusak",
        "its camera sees nothing; the light says out of order",
        (_JOURNAL, "docs/kamera.md"),
    ),
    "outbox": (
        "tidak dapat mencatat: kartu penuh atau rusak; lampu: rusak",
        "it cannot record: its card is full or damaged; the light says out of order",
        ("ssh {point} df -h /var/lib/private/titik", "kartu baru / a new card: README"),
    ),
    "policy": (
        "aturan di [policy] use tidak dapat dipakai; penjaga memeriksa semua",
        "a rule that [policy] use names cannot be used; the guard checks everybody",
        (_JOURNAL,),
    ),
    "bundle": (
        "bundel kepercayaan kedaluwarsa, atau kartu tidak menyimpannya",
        "its trust bundle is overdue, or its card does not keep it",
        ("titik-office bundle sign: docs/meja.md", _JOURNAL),
    ),
    "roster": (
        "daftar nomor dibuat dengan rahasia armada lain; semua nomor diperiksa",
        "its roster was made under another fleet secret; every number is checked",
        ("/etc/credstore/titik.fleet-secret: README", "ssh {point} sudo systemctl restart titik"),
    ),
    "glass": (
        "kaca di depan kamera kotor",
        "the glass before its camera is dirty",
        ("bersihkan dengan kain lembut / clean it with a soft cloth",),
    ),
    "reader": (
        "satu pembaca kode dua kali mematikan programnya dan ditinggalkan sehari; yang lain membaca",
        "a code reader ended its program twice and is left out for a day; the other one reads",
        (_JOURNAL, "docs/kamera.md"),
    ),
    "refused": (
        "ACL broker menolak titik ini; peristiwa tetap di kartunya",
        "the broker's ACL refuses this point; its events stay on its card",
        ("ssh {point} openssl x509 -noout -subject -in /etc/titik/titik.crt", "CN = {point}?"),
    ),
    "unrouted": (
        "belum pernah ada pusat yang mendengar di broker titik ini",
        "no centre has ever listened at this point's broker",
        ("systemctl status titik-central", "[broker] host, root: sama / the same?"),
    ),
    "deaf": (
        "tanda terima tidak sampai ke titik ini; peristiwa tetap di kartunya",
        "no receipt reaches this point; its events stay on its card",
        (_JOURNAL, "ACL broker: {point} membaca / may read .../{point}/receipt?"),
    ),
    "too-large": (
        "satu peristiwa lebih besar daripada yang diterima broker; yang lain terkirim",
        "one event is larger than the broker takes; the others go",
        ("max_packet_size di broker / at the broker", _BY_STICK),
    ),
    "sealed": (
        "kartunya memuat peristiwa titik lain, disegel; tidak ada yang hilang",
        "its card holds events of another point, sealed; nothing is lost",
        ("kembalikan namanya / give it the old name back: [point] name", _BY_STICK),
    ),
}
"""The words of a station's ``faults``; one that is not here is of a newer station, and is told as it is."""


def problems(status: Status, expected: Expected, now: datetime, *, running: bool | None) -> list[Problem]:
    """Return what is wrong at the time *now*, the centre's own first, then point by point.

    *running* is whether a centre has the database open, ``None`` where nobody may tell.
    """
    found = list(_of_centre(status, expected, now, running))
    listed = None if expected.points is None else frozenset(expected.points)
    for name, point in status.points.items():
        alive = point.state in {State.ONLINE, State.DEGRADED}
        if listed is not None and name not in listed:
            if alive:
                found.append(_unlisted(name))
            # What is taken off the list and silent has been taken down: its records stay, and are nobody's task.
            continue
        found += _of_station(name, point, now)
        found += _of_bundle(name, point, expected, now)
        found += _of_records(name, point, now)
        found += [_trouble(trouble) for trouble in status.troubles if trouble.point == name]
    return found + [_never(name) for name in never_heard(expected.points, tuple(status.points))]


def _of_centre(status: Status, expected: Expected, now: datetime, running: bool | None) -> Iterator[Problem]:
    if running is False:
        yield Problem(
            "centre",
            None,
            "pusat tidak berjalan: tidak ada yang diterima, dan yang di bawah ini lama",
            "no centre runs: nothing is taken, and what is said below is old",
            ("sudo systemctl start titik-central", _CENTRE),
        )
    for fault in expected.faults:
        yield Problem(
            "configuration",
            None,
            f"yang disebut central.toml tidak dapat dibaca: {fault}",
            f"what central.toml names cannot be read: {fault}",
            ("sudoedit /etc/titik/central.toml",),
        )
    if status.unreleased:
        yield Problem(
            "quarantined",
            None,
            f"{status.unreleased} pesan di karantina belum dilihat",
            f"{status.unreleased} messages in quarantine wait for somebody to look",
            ("sudo titik-central quarantine list",),
        )
    if status.backup is None:
        yield Problem("backup", None, "belum pernah ada cadangan", "no backup was ever made", _TIMER)
    elif not _younger(status.backup.at, now, BACKUP):
        yield Problem(
            "backup",
            None,
            f"cadangan terakhir {civil(status.backup.at)}: lebih dari {_hours(BACKUP)} jam yang lalu",
            f"the last backup was made {civil(status.backup.at)}: more than {_hours(BACKUP)} hours ago",
            _TIMER,
        )
    yield from (_trouble(trouble) for trouble in status.troubles if not trouble.point)
    newest = max(((point.bundle or 0, name) for name, point in status.points.items()), default=(0, ""))
    version = expected.bundle
    if version is not None and newest[0] > version:
        yield Problem(
            "bundle-old",
            None,
            f"{newest[1]} memakai bundel versi {newest[0]}, tetapi pusat membagikan versi {version}",
            f"{newest[1]} follows bundle version {newest[0]}, and the centre gives out version {version}",
            ("salin yang terbaru ke / copy the newest one to: [trust] bundle (central.toml)",),
        )


def _of_station(name: str, point: PointStatus, now: datetime) -> Iterator[Problem]:
    """Yield what is wrong with the station itself; one that was only ever carried here by stick has no state."""
    at_point = _JOURNAL.format(point=name)
    if point.state == State.OFFLINE:
        yield Problem(
            "offline",
            name,
            f"tidak terhubung; terakhir terdengar {civil(point.seen)}",
            f"is not connected; last heard {civil(point.seen)}",
            (f"ping {name}", at_point, _BY_STICK),
        )
    elif point.state == State.STOPPED:
        yield Problem(
            "stopped",
            name,
            f"dihentikan; terakhir terdengar {civil(point.seen)}",
            f"was stopped; last heard {civil(point.seen)}",
            (f"ssh {name} sudo systemctl start titik",),
        )
    elif point.state is not None and (point.seen is None or not _younger(point.seen, now, SILENT)):
        yield Problem(
            "silent",
            name,
            f"mengaku {point.state}, tetapi diam; terakhir terdengar {civil(point.seen)}",
            f"says {point.state}, and is silent; last heard {civil(point.seen)}",
            ("systemctl status titik-central mosquitto", at_point),
        )
    if point.state == State.DEGRADED:
        for word in point.faults or ("?",):
            unknown = f"rusak: {word}", f"is degraded: {word}", (_JOURNAL,)
            indonesian, english, following = FAULTS.get(word, unknown)
            steps = tuple(step.format(point=name) for step in following)
            yield Problem(f"degraded {word}", name, indonesian, english, steps)
    if point.skew is not None and abs(point.skew) > SKEW:
        way = ("di depan", "ahead of") if point.skew > 0 else ("di belakang", "behind")
        yield Problem(
            "skew",
            name,
            f"jamnya {abs(point.skew):.0f} detik {way[0]} jam pusat",
            f"its clock is {abs(point.skew):.0f} seconds {way[1]} the centre's",
            (f"ssh {name} timedatectl", "di sini / here: timedatectl"),
        )
    elif point.synced is False and point.state in {State.ONLINE, State.DEGRADED}:
        yield Problem(
            "clock",
            name,
            "jamnya belum dipercaya: peristiwanya tanpa waktu yang pasti",
            "its clock is not trusted: its events have no certain time",
            (f"ssh {name} timedatectl timesync-status",),
        )


def _of_bundle(name: str, point: PointStatus, expected: Expected, now: datetime) -> Iterator[Problem]:
    version = expected.bundle
    if version is None or point.state is None or (point.bundle or 0) >= version:
        return
    if expected.since is not None and now - expected.since < BUNDLE:  # it is on its way
        return
    yield Problem(
        "bundle",
        name,
        f"memakai bundel versi {point.bundle or 0}, bukan {version}: pencabutan baru tak berlaku di sana",
        f"follows bundle version {point.bundle or 0}, not {version}: new revocations do not count there",
        ("sambungkan / connect it", "dengan USB / by stick: titik bundle import (README)"),
    )


def _of_records(name: str, point: PointStatus, now: datetime) -> Iterator[Problem]:
    if point.owed and point.owed_since is not None and not _younger(point.owed_since, now, OWED):
        yield Problem(
            "owed",
            name,
            f"{point.owed} peristiwa belum di pusat, tertua dari {civil(point.owed_since)}",
            f"{point.owed} events are owed, the oldest since {civil(point.owed_since)}",
            (f"ssh {name} sudo /opt/titik/venv/bin/titik queue list", _BY_STICK),
        )
    if point.missing and point.state in {State.ONLINE, State.DEGRADED}:
        yield Problem(
            "missing",
            name,
            f"{point.missing} peristiwa belum ada di sini, dan diminta lagi dengan sendirinya",
            f"{point.missing} events are not here, and are asked for again by themselves",
            ("tunggu / wait", "titik-central status"),
        )
    elif point.missing:  # nobody can be asked
        yield Problem(
            "missing",
            name,
            f"{point.missing} peristiwa belum ada di sini, dan diminta lagi begitu titik ini tersambung",
            f"{point.missing} events are not here, and are asked for again once this point is connected",
            ("sambungkan / connect it", _BY_STICK),
        )
    if point.lost and (point.lost_at is None or _younger(point.lost_at, now, NOTICED)):
        yield Problem(
            "lost",
            name,
            f"{point.lost} peristiwa tidak ada lagi di kartunya",
            f"{point.lost} events are on its card no longer",
            ("kartu diganti? pasang yang lama / was the card changed? put the old one in",),
        )
    if point.clashes and (point.clashes_at is None or _younger(point.clashes_at, now, NOTICED)):
        yield Problem(
            "clash",
            name,
            f"{point.clashes} nomor dipakai dua peristiwa; keduanya disimpan",
            f"{point.clashes} numbers are claimed by two events each; both are kept",
            ("kartu disalin? cari yang kedua / was a card copied? look for the second one",),
        )


TROUBLES = {
    "twin": (
        "dua alat memakai nama ini sejak {since}, bergantian",
        "two stations use this name since {since}, by turns",
        (_JOURNAL, "cari alat kedua / look for the second one: [point] name"),
    ),
    "late": (
        "mengirim lebih cepat daripada yang diterima, sejak {since}; tanda terimanya menyusul",
        "sends faster than is taken, since {since}; its receipts follow",
        (_JOURNAL,),
    ),
    "bundle": (
        "bundel tidak dapat dibagikan sejak {since}: titik-titik memakai yang lama",
        "the bundle cannot be posted since {since}: the points follow an older one",
        ("grep max_packet_size /etc/mosquitto/mosquitto.conf", _CENTRE),
    ),
    "rival": (
        "pusat lain memakai nama atau sertifikat pusat ini, sejak {since}",
        "another centre uses this one's name or certificate, since {since}",
        ("cari pusat kedua, hentikan / look for the second centre, and stop it", _CENTRE),
    ),
}
"""What a running centre notes (table ``trouble``); a word that is not here is told as it is."""


def _trouble(trouble: Trouble) -> Problem:
    since, point, word = civil(trouble.since), trouble.point or None, shown(trouble.word)
    if trouble.word not in TROUBLES:
        return Problem(word, point, f"{word}, sejak {since}", f"{word}, since {since}", (_CENTRE,))
    indonesian, english, following = TROUBLES[trouble.word]
    steps = tuple(step.format(point=point) for step in following)
    return Problem(word, point, indonesian.format(since=since), english.format(since=since), steps)


def _unlisted(name: str) -> Problem:
    return Problem(
        "unlisted",
        name,
        "tidak ada di daftar titik",
        "is not in the inventory",
        ("tambahkan ke / add it to: [inventory] file (central.toml)",),
    )


def _never(name: str) -> Problem:
    return Problem(
        "never-heard",
        name,
        "ada di daftar titik, tetapi belum pernah terdengar",
        "is in the inventory, and was never heard",
        (f"ping {name}", _JOURNAL.format(point=name)),
    )


def _younger(stamp: str, now: datetime, than: timedelta) -> bool:
    return now - datetime.fromisoformat(stamp) <= than


def _hours(span: timedelta) -> int:
    return round(span.total_seconds() / 3600)


def civil(stamp: str | None) -> str:
    """Return a time of ours as the office writes it, with its zone."""
    return "-" if stamp is None else f"{datetime.fromisoformat(stamp).astimezone(WITA):%Y-%m-%d %H:%M:%S} WITA"
