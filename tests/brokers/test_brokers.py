"""Other people's brokers between a real station and a real centre: nothing lost, nothing twice, through a kill -9.

Each is killed with a backlog, while the centre is away; `tools/brokers` prints the table that docs/broker.md has.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers.servers import SERVERS, Server
from tests.support.centre import CentreProgram
from tests.support.credentials import staff_pass
from tests.support.point import DATES, Station, save
from tests.support.world import wait_for

LIVE, AWAY, DOWN = 8, 12, 4
"""People while all is well, while the centre is away, and while the broker is, too."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the centre have one; it is said only where a name is configured."""
    monkeypatch.setenv("TITIK_MQTT_PASSWORD", "any")


def lines(server: Server, protocol: int) -> str:
    named = f'username = "{server.username}"\n' if server.username else ""
    return f"protocol = {protocol}\n{named}"


def office(stack: ExitStack, folder: Path, server: Server, protocol: int) -> tuple[Station, CentreProgram]:
    """Enter a centre and a station that shows one person after the other, for as long as there are pictures."""
    more = lines(server, protocol)
    station = Station(folder / "point", server.port, camera={"loop": "true", "hold": 0.1, "gap": 0.15}, more=more)
    for n in range(30):
        save(station.pictures / f"{n:03d}.png", staff_pass(f"{n:04d}", **DATES))
    centre = CentreProgram(folder / "centre", server.port, more)
    if server.username:
        station.write()
        (station.folder / "secrets" / "mqtt-password").write_text("any")
    stack.enter_context(centre)
    stack.enter_context(station)
    return station, centre


def people(station: Station, more: int) -> None:
    """Wait until *more* people than now had their light."""
    count = len(station.shown()) + more
    wait_for(lambda: len(station.shown()) >= count, f"{more} more people")


CASES = [pytest.param(kind, protocol, id=f"{kind.name}, {protocol}") for kind in SERVERS for protocol in kind.protocols]


@pytest.mark.parametrize(("kind", "protocol"), CASES)
def test_a_broker_killed_with_a_backlog_costs_nothing(tmp_path: Path, kind: type[Server], protocol: int) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(kind(tmp_path / "broker"))
        station, centre = office(stack, tmp_path, server, protocol)
        people(station, LIVE)
        wait_for(lambda: len(centre.ids()) >= LIVE, "the first are held while all is well")
        centre.kill()
        people(station, AWAY)
        server.kill()
        people(station, DOWN)
        server.start()
        centre.__enter__()
        people(station, 1)
        station.pictures.rename(tmp_path / "away")
        wait_for(lambda: station.owed() == 0, "everything owed is held")
        assert station.child.stop() == 0
        recorded, held = station.recorded(), centre.ids()
        lost, twice = len(set(recorded) - set(held)), len(held) - len(set(held))
        spoken = "5" if protocol == 5 else "3.1.1"
        print(f"{kind.name} | {server.version()} | {spoken} | {len(recorded)} shown | {lost} lost | {twice} twice")
        assert [one[0] for one in station.shown()] == recorded
        assert sorted(held) == sorted(recorded)


OLDER = [pytest.param(kind, id=kind.name) for kind in SERVERS if 5 not in kind.protocols]


@pytest.mark.parametrize("kind", OLDER)
def test_mqtt_5_at_a_broker_that_knows_none_is_said_with_the_way_out(tmp_path: Path, kind: type[Server]) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(kind(tmp_path / "broker"))
        station, _ = office(stack, tmp_path, server, 5)
        station.says("protocol = 4")
        people(station, 1)
        assert station.owed() == len(station.recorded())
