"""What befalls processes and clocks: two collectors, leaks, clocks that jump, a whole site without power."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.record.outbox import Outbox
from tests.faults.chaos import Site, whole
from tests.faults.link import Relay
from tests.support.centre import CentreProgram
from tests.support.courier import FakeCentre, append, until
from tests.support.world import Mosquitto, wait_for


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", 100_000) as opened:
        yield opened


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@whole
def test_two_collectors_at_once_hold_everything_between_them(tmp_path: Path) -> None:
    """Two centres of one name take each other's session; whatever a station forgets is in one of the two."""
    with Site(tmp_path, stations=2) as site, CentreProgram(tmp_path / "second", site.broker.port) as second:
        wait_for(lambda: all(len(site.shown(name)) > 300 for name in site.names))
        site.quiet()
        second.kill()
        wait_for(lambda: site.owed() == 0)
        held = {*site.centre.ids(), *second.ids()}
        shown = {id_ for name in site.names for id_ in site.shown(name)}
        assert shown <= held
        assert len(second.ids()) > 0


@whole
def test_two_instances_on_one_outbox_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """The second may be refused or served; what either shows is on the card and at the centre once."""
    with Site(tmp_path, stations=1) as site:
        name = site.names[0]
        wait_for(lambda: len(site.shown(name)) > 20)
        first = site.walls[name]
        site.start(name)
        before = len(site.shown(name))
        wait_for(lambda: len(site.shown(name)) > before + 200)
        first.kill()
        before = len(site.shown(name))
        wait_for(lambda: len(site.shown(name)) > before + 20)
        site.quiet()
        wait_for(lambda: site.owed() == 0)
        found = site.count()
        assert found.well, found


@whole
def test_seven_stations_that_wake_at_once_after_a_power_cut_deliver_everything(tmp_path: Path) -> None:
    with Site(tmp_path, stations=7, rate=15) as site:
        wait_for(lambda: all(len(site.shown(name)) > 20 for name in site.names))
        for _ in range(2):
            site.again()
            before = {name: len(site.shown(name)) for name in site.names}
            wait_for(lambda before=before: all(len(site.shown(n)) > before[n] + 10 for n in site.names))
        site.quiet()
        wait_for(lambda: site.owed() == 0)
        found = site.count()
        assert found.well, found


@whole
def test_a_hundred_sessions_leave_no_open_file_behind(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, Relay(broker.port) as relay, FakeCentre(broker.port) as centre:
        told = BrokerSettings(port=relay.port, keepalive=5)
        with Courier(outbox, told, DeliverySettings(), Sender("bupati-1", "boot-1", {}), pauses=(0.01, 0.01)) as bike:
            until(centre, lambda: bike.linked)
            files = open_files()
            for n in range(1, 101):
                # Cut until it is felt: a connection that the relay has not taken yet cannot be cut.
                until(centre, lambda n=n: bike._counts.reconnects >= n or relay.cut())
            until(centre, lambda: bike.linked)
            assert open_files() <= files + 4
            ids = append(outbox, 3)
            bike.wake()
            until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got][-3:] == ids


@pytest.mark.parametrize(
    "jump", [datetime(1970, 1, 1, tzinfo=UTC), timedelta(days=3653), timedelta(hours=-1)], ids=["1970", "+10y", "-1h"]
)
def test_a_clock_that_jumps_while_a_backlog_drains_forgets_nothing_that_is_owed(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, jump: datetime | timedelta
) -> None:
    monkeypatch.setattr("device.delivery.courier.PURGE_EVERY", 0.0)
    now = datetime.now(UTC)
    ids = append(outbox, 1000)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        told = BrokerSettings(port=broker.port, keepalive=5)
        with Courier(outbox, told, DeliverySettings(), Sender("bupati-1", "boot-1", {})) as bike:
            bike.tell(Notice(trusted_time=now))
            until(centre, lambda: len(centre.got) > 100)
            bike.tell(Notice(trusted_time=jump if isinstance(jump, datetime) else now + jump))
            until(centre, lambda: outbox.depth().owed == 0)
    assert list(dict.fromkeys(one["id"] for one in centre.got)) == ids


def test_an_event_says_the_time_of_its_decision_whenever_it_is_sent(tmp_path: Path, outbox: Outbox) -> None:
    """The bytes are written at the decision and sent as they are."""
    append(outbox, 5)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as file:
        written = [body for (body,) in file.execute("SELECT body FROM event ORDER BY row")]
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        told = BrokerSettings(port=broker.port, keepalive=5)
        with Courier(outbox, told, DeliverySettings(), Sender("bupati-1", "boot-1", {})) as bike:
            bike.tell(Notice(trusted_time=datetime.now(UTC) + timedelta(hours=5)))
            until(centre, lambda: outbox.depth().owed == 0)
        assert [one.body for one in centre.messages if one.topic.endswith("/event")] == written
