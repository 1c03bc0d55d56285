"""What a station is asked over the broker: bounded, done once, and never by a retained or a stale word."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.delivery.remote_commands import (
    MAX_PER_MINUTE,
    MAX_REQUEST,
    MINUTE,
    STALE,
    VERBS,
    Answer,
    AskedRows,
    MalformedRequestError,
    RemoteCommands,
    Request,
    parse,
)
from device.model import Event
from device.record.outbox import Outbox
from device.wire import Message, Receipt, Topics, digest, dumps
from tests.support.courier import FakeCentre, append, until
from tests.support.world import REPOSITORY, Mosquitto

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TOPICS = Topics()


def schema(name: str) -> jsonschema.Draft202012Validator:
    told = json.loads((REPOSITORY / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(told)


def asked(n: int = 1, at: datetime = AT, **more: Any) -> dict[str, Any]:
    """Return a request, well formed."""
    return {"transaction": f"transaction-{n:04d}", "at": at.isoformat(timespec="milliseconds"), **more}


def held(outbox: Outbox, count: int) -> list[str]:
    """Append events, all of which the centre holds; return their ids."""
    ids = append(outbox, count)
    assert outbox.settle(Receipt("c", outbox.epoch, 1, count, count, digest(ids)), AT) == count
    return ids


def test_a_request_is_read_whole() -> None:
    span = {"epoch": "7f3a9c1e", "from": 3, "to": 42}
    told = asked(**span, at=AT)
    schema("request").validate(told)
    assert parse("replay", dumps(told)) == Request("replay", "transaction-0001", AT, AskedRows("7f3a9c1e", 3, 42))
    assert parse("ping", dumps(told)) == Request("ping", "transaction-0001", AT)


@pytest.mark.parametrize(
    ("verb", "body", "transaction"),
    [
        ("ping", b"", None),
        ("ping", b"[]", None),
        ("ping", b'{"transaction":"short","at":"2026-11-23T02:00:00Z"}', None),
        ("ping", dumps({**asked(), "transaction": "x" * 65}), None),
        ("ping", dumps({**asked(), "transaction": "with space"}), None),
        ("ping", dumps({**asked(), "filled": "x" * MAX_REQUEST}), None),
        ("restart", dumps(asked()), "transaction-0001"),
        ("ping", dumps({**asked(), "at": "yesterday"}), "transaction-0001"),
        ("ping", dumps({**asked(), "at": "2026-11-23T02:00:00"}), "transaction-0001"),
        ("ping", dumps({**asked(), "at": 1}), "transaction-0001"),
        ("replay", dumps(asked()), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f", **{"from": 0, "to": 1})), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f", **{"from": 2, "to": 1})), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f", **{"from": 1, "to": 10_001})), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f", **{"from": True, "to": 1})), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f", **{"from": 1, "to": 2**63})), "transaction-0001"),
        ("replay", dumps(asked(epoch="x", **{"from": 1, "to": 1})), "transaction-0001"),
        ("replay", dumps(asked(epoch="7f" * 17, **{"from": 1, "to": 1})), "transaction-0001"),
    ],
)
def test_what_is_no_request_says_so_and_is_answered_where_it_can_be(
    verb: str, body: bytes, transaction: str | None
) -> None:
    with pytest.raises(MalformedRequestError) as caught:
        parse(verb, body)
    assert caught.value.transaction == transaction


@given(st.sampled_from([*VERBS, "x"]), st.binary(max_size=200) | st.from_type(dict[str, int]).map(dumps))
def test_no_bytes_do_anything_but_a_request(verb: str, body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        parse(verb, body)


def test_a_replay_makes_what_was_held_owed_again_once_also_after_a_restart(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        held(outbox, 5)
        epoch = outbox.epoch
        span = {"epoch": epoch, "from": 2, "to": 9}
        answer = RemoteCommands(outbox).take("replay", dumps(asked(**span)), 0.0, AT)
        told = {"transaction": "transaction-0001", "answer": "done", "why": None, **span, "again": 4, "kept": 4}
        schema("response").validate(told)
        assert answer == Answer("replay", dumps(told), 4)
        assert outbox.depth().owed == 4
        ids = [row.event.id for row in outbox.owed(0, 9)]
        outbox.hold(ids, AT)
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        desk = RemoteCommands(outbox)
        assert desk.take("replay", dumps(asked(**span)), 0.0, AT) is None
        assert (outbox.depth().owed, desk.passed) == (0, 1)
        told = {"transaction": "transaction-0002", "answer": "done", "why": None, **span, "again": 4, "kept": 4}
        assert desk.take("replay", dumps(asked(2, **span)), 0.0, AT) == Answer("replay", dumps(told), 4)


@pytest.mark.parametrize(
    ("age", "trusted", "answered"),
    [
        (timedelta(0), True, True),
        (STALE, True, True),
        (STALE + timedelta(seconds=1), True, False),
        (-STALE, True, True),
        (-STALE - timedelta(seconds=1), True, False),
        (timedelta(days=900), False, True),
    ],
)
def test_a_stale_request_is_passed_over_where_its_age_can_be_known(
    tmp_path: Path, age: timedelta, trusted: bool, answered: bool
) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        answer = RemoteCommands(outbox).take("ping", dumps(asked(at=AT - age)), 0.0, AT if trusted else None)
        assert (answer is not None) == answered


def test_a_flood_is_bounded_and_ends_with_its_minute(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        desk = RemoteCommands(outbox)
        answers = [desk.take("ping", dumps(asked(n)), n / 10, AT) for n in range(MAX_PER_MINUTE + 5)]
        assert [answer is not None for answer in answers] == [True] * MAX_PER_MINUTE + [False] * 5
        assert desk.passed == 5
        assert desk.take("ping", dumps(asked(99)), MINUTE, AT) is not None
        assert desk.take("ping", dumps(asked(98)), MINUTE + 0.05, AT) is None


@pytest.mark.parametrize(("verb", "answered"), [("reboot", True), ("Re+boot", False), ("x" * 41, False)])
def test_a_verb_that_is_not_known_is_refused_in_words_and_a_strange_one_in_silence(
    tmp_path: Path, verb: str, answered: bool
) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        answer = RemoteCommands(outbox).take(verb, dumps(asked()), 0.0, AT)
        why = "not a verb of this station; it knows ping, replay"
        told = {"transaction": "transaction-0001", "answer": "refused", "why": why}
        assert answer == (Answer(verb, dumps(told)) if answered else None)


def test_a_card_that_cannot_be_written_refuses_in_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with Outbox(folder / "outbox.db", 100) as outbox:
        (folder / "outbox.db").rename(tmp_path / "moved.db")
        answer = RemoteCommands(outbox).take("ping", dumps(asked()), 0.0, AT)
        told = {
            "transaction": "transaction-0001",
            "answer": "refused",
            "why": "the outbox was moved or deleted under a running station",
        }
        assert answer == Answer("ping", dumps(told))


class Asker(FakeCentre):
    """A centre that asks as well, and notes the answers."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.link.subscribe([TOPICS.every("response/+")])
        return self

    def ask(self, verb: str, told: dict[str, Any], *, retain: bool = False) -> None:
        self.link.publish(Message(TOPICS.of("bupati-1", f"request/{verb}"), dumps(told), retain=retain))

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        found = [one for one in self.messages if "/response/" in one.topic]
        return [(one.topic.rpartition("/")[2], json.loads(one.body)) for one in found]


def test_a_replay_over_a_real_broker_sends_everything_again_and_answers(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 1000) as outbox, Mosquitto(tmp_path) as broker, Asker(broker.port) as centre:
        ids = held(outbox, 120)
        span = {"epoch": outbox.epoch, "from": 1, "to": 120}
        centre.ask("replay", asked(7, **span), retain=True)
        sender = Sender("bupati-1", "boot-1", {})
        with Courier(outbox, BrokerSettings(port=broker.port, keepalive=5), DeliverySettings(), sender) as bike:
            bike.tell(Notice(trusted_time=AT))
            until(centre, centre.states)
            assert centre.states()[-1]["kept"] == [[outbox.epoch, 1, 120]]
            for told in (asked(1, AT - timedelta(seconds=90), **span), asked(2, **span), asked(2, **span)):
                centre.ask("replay", told)
            centre.ask("ping", asked(3))
            until(centre, lambda: len(centre.said()) == 2 and len(centre.got) >= 120 and outbox.depth().owed == 0)
            bike.check()
        done = {"answer": "done", "why": None}
        assert centre.said() == [
            ("replay", {"transaction": "transaction-0002", **done, **span, "again": 120, "kept": 120}),
            ("ping", {"transaction": "transaction-0003", **done}),
        ]
        assert [one["id"] for one in centre.got] == ids


def test_what_is_owed_already_is_sent_once_when_it_is_asked_for_again(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 1000) as outbox, Mosquitto(tmp_path) as broker, Asker(broker.port) as centre:
        held(outbox, 3)
        sender = Sender("bupati-1", "boot-1", {})
        with Courier(outbox, BrokerSettings(port=broker.port, keepalive=5), DeliverySettings(), sender) as bike:
            bike.tell(Notice(trusted_time=AT))
            outbox.append(
                lambda place: Event(place, "late", dumps({"id": "late", "epoch": place.epoch, "seq": place.seq}))
            )
            bike.wake()
            until(centre, lambda: len(centre.got) == 1, answer=False)
            centre.ask("replay", asked(1, epoch=outbox.epoch, **{"from": 1, "to": 4}))
            until(centre, lambda: len(centre.said()) == 1 and outbox.depth().owed == 0)
        assert centre.said()[0][1]["kept"] == 4
        assert sorted({str(one["seq"]) for one in centre.got}) == ["1", "2", "3", "4"]


def test_the_words_of_state_and_health_are_those_of_the_schemas(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 1000) as outbox, Mosquitto(tmp_path) as broker, Asker(broker.port) as centre:
        append(outbox, 2)
        for protocol, hidden in ((5, []), (4, ["refused", "unrouted"])):
            told = BrokerSettings(port=broker.port, protocol=protocol)  # type: ignore[arg-type]  # one of the two
            with Courier(outbox, told, DeliverySettings(), Sender("bupati-1", "boot-1", {})) as bike:
                bike.tell(Notice(health={"epoch": outbox.epoch}))
                seen = len(centre.messages)
                until(centre, lambda seen=seen: any(m.topic.endswith("/health") for m in centre.messages[seen:]))
            words = {m.topic.rpartition("/")[2]: json.loads(m.body) for m in centre.messages[seen:]}
            schema("health").validate(words["health"])
            schema("state").validate(words["state"])
            assert words["health"] == {
                "epoch": outbox.epoch,
                "reconnects": 0,
                "refused": 0,
                "unrouted": 0,
                "hidden": hidden,
                "lost": 0,
                "under_way": words["health"]["under_way"],
            }
            until(centre, lambda: centre.states()[-1]["state"] == "stopped")
