"""The targets: what each hands to the station, and what must hold of the answer, whatever it handed in.

A target raises `AssertionError` for a promise that was broken; any other exception is one that nobody documented.
"""

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cbor2

from central.events import UnreadableEventError, rows
from device import wire
from device.formats import base45, cbor
from device.formats.cbor import MalformedError
from device.formats.cose import parse, to_be_signed, usable
from device.formats.cwt import unpack
from device.formats.proof import CONTEXT, is_proof
from device.model import MAX_TEXT, Belief, Claims, Credential, Domain, Kind, Statement
from device.reading.attempts import BY_ZBAR, FIRST, Picture, look
from device.trust.audit_keys import audit_key
from device.trust.bundle import BundleError, Trust, unproven_bundle
from device.verdict import policy
from device.verdict.judge import Judged, Rules, choose, judge
from device.verdict.policy import Policy, PolicyError, Setting
from device.verdict.verify import believe, public_claims
from fuzz import symbols
from fuzz.signing import AT, HEALTH, PHONE, PROOF_OF_NOW, ROOT, STAFF, VISITOR, known, opened, packed, signed

CORPUS: Final = Path(__file__).parent / "corpus"
MAX_CPU: Final = 0.05
"""Seconds that one input may cost, the quickest of three runs counted, so that it is not the machine's mood."""
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_NUMBERS: Final = (
    "doses", "series", "age", "days_since_dose", "days_since_positive", "hours_since_sample", "days_since_test",
)  # fmt: skip
EVERY_FACT: Final = (
    'name = "every-fact"\ntitle = "Asks all that can be asked"\nsource = "made up"\n'
    'domains = ["health", "staff", "visitor"]\nexpired = "accept"\n'
) + "".join(
    f'[[rule]]\nwhen = {{ {fact} = {{ min = 9999999 }} }}\noutcome = "check"\nreason = "unknown"\n' for fact in _NUMBERS
)
KNOWN: Final = known()
HERE: Final = Setting("bupati-1", "bupati", "in")
RULES: Final = Rules(KNOWN, (policy.parse(EVERY_FACT), *choose(("staff", "brief-2021"), Trust())[0]), HERE)

TEXT, MESSAGE, CERTIFICATE, STAFF_CLAIMS, VISITOR_CLAIMS, HEALTH_CLAIMS, HEADER, PROOF, PROOF_HEADER = range(9)
"""The first byte of an input of `code`: what its other bytes are, and hence how deep they get."""
PLAIN, SIGNED, CLAIMED = range(3)
"""The first byte of an input of `bundle`."""


@dataclass(frozen=True)
class Target:
    """One way in: what it is called, what takes the bytes, and how many of them at most."""

    name: str
    take: Callable[[bytes], None]
    longest: int
    most_cpu: float = MAX_CPU


def code(octets: bytes) -> None:  # noqa: C901 - one case a mode
    """Hand a text to the judge: as it stands, or packed and signed so that it gets deeper."""
    mode, rest = (octets[0] if octets else TEXT) % 9, octets[1:]
    match mode:
        case 0:
            text = rest.decode("utf-8", "surrogateescape")
        case 1:
            text = packed(rest)
        case 2:
            text = packed(rest, "HC1:")
        case 3:
            text = packed(signed(STAFF, rest))
        case 4:
            text = packed(signed(VISITOR, rest))
        case 5:
            text = packed(signed(HEALTH, rest), "HC1:")
        case 6:
            header, payload = _split(rest)
            text = packed(signed(STAFF, payload, header))
        case 7:
            text = packed(signed(PHONE, rest, PROOF_OF_NOW, CONTEXT))
        case _:
            header, payload = _split(rest)
            text = packed(signed(PHONE, signed(STAFF, payload), header, CONTEXT))
    judged = judge(text, RULES, AT)
    judge(text, RULES, AT, floor=AT)
    _consistent(judged)
    belief = judged.belief
    if belief.credential is None:
        return
    public_claims(belief.credential)
    if mode in (TEXT, MESSAGE, CERTIFICATE, PROOF):
        message = unpack(text.removeprefix("HC1:"))
        message = parse(message.payload) if is_proof(message) else message
        identities = genuine().get(to_be_signed(message.protected, message.payload), frozenset())
        assert belief.credential.identity in identities, "believed, and nobody signed it"
    else:
        _the_same_however_it_is_written(text, belief)


def _split(octets: bytes) -> tuple[bytes, bytes]:
    """Return what is told by the length in the first byte, and what stands behind it."""
    length = octets[0] if octets else 0
    return octets[1 : 1 + length], octets[1 + length :]


def _consistent(judged: Judged) -> None:
    believed = judged.belief.reason is None
    assert not believed or judged.belief.credential is not None, "believed without a credential"
    admits = judged.verdict.outcome == "admit"
    assert not admits or judged.belief.credential is not None, "admitted without a credential"


def _the_same_however_it_is_written(text: str, belief: Belief) -> None:
    prefix = text[: 4 * text.startswith("HC1:")]
    octets = zlib.decompress(base45.decode(text[len(prefix) :]))
    header, _, payload, signature = cbor2.loads(octets).value
    others = [packed(octets, prefix, 0), packed(cbor2.dumps([header, {9: "note"}, payload, signature]), prefix)]
    if belief.credential is not None and len(signature) == 64 and unpack(text[len(prefix) :]).algorithm == -7:
        negated = (P256_ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
        others.append(packed(cbor2.dumps([header, {}, payload, signature[:32] + negated]), prefix))
    for other in others:
        again = believe(other, KNOWN, AT) if len(other) <= 4296 else belief  # the largest QR
        assert (again.credential, again.reason) == (belief.credential, belief.reason), "another writing, another belief"


@cache
def genuine() -> Mapping[bytes, frozenset[bytes]]:
    """Return the identities of what was truly signed, by the bytes that were: all that the seeds hold."""
    found: dict[bytes, frozenset[bytes]] = {}
    for file in sorted((CORPUS / "code").iterdir()):
        octets = file.read_bytes()
        mode, rest = octets[0], octets[1:]
        if mode not in (TEXT, MESSAGE, CERTIFICATE, PROOF):
            continue
        text = rest.decode("utf-8", "surrogateescape")
        if mode != TEXT:
            text = packed(rest, "HC1:" if mode == CERTIFICATE else "")
        credential = believe(text, KNOWN, AT).credential
        if credential is not None:
            message = unpack(text.removeprefix("HC1:"))
            found[to_be_signed(message.protected, message.payload)] = frozenset({credential.identity})
    assert found, "the seeds hold nothing genuine; next: python -m fuzz seeds"
    return found


def cbor_(octets: bytes) -> None:
    """Hand bytes to the decoder; what it reads must be the same when it is written and read again.

    Half of the inputs stand behind enough padding that their heads are walked, which what is small is spared.
    """
    walked, rest = (octets[0] if octets else 0) % 2, octets[1:]
    value = _read(rest)
    if walked and (inside := _read(b"\x82" + cbor2.dumps(bytes(cbor.SMALL)) + rest)) is not None:
        assert len(inside) == 2, "the padding swallowed something"
        if value is not None:
            assert cbor2.dumps(inside[1]) == cbor2.dumps(value), "what is walked means something else"
    if value is not None:
        written = cbor2.dumps(value)
        assert cbor2.dumps(cbor.loads(written)) == written, "read, written and read again, it is something else"


def _read(octets: bytes) -> Any:
    try:
        return cbor.loads(octets)
    except MalformedError:
        return None


def bundle(octets: bytes) -> None:
    """Hand bytes to the station's trust: as they stand, signed by the root, or as an audit reads them."""
    mode, rest = (octets[0] if octets else PLAIN) % 3, octets[1:]
    try:
        match mode:
            case 0:
                opened(rest)
            case 1:
                _sound(opened(signed(ROOT, rest)))
            case _:
                unproven_bundle(rest)
    except BundleError:
        return
    if mode == PLAIN:
        payload = cbor2.loads(rest)
        payload = payload.value if isinstance(payload, cbor2.CBORTag) else payload
        assert cbor2.dumps(["Signature1", payload[0], b"", payload[2]]) in _signed_bundles(), "believed, and unsigned"


def _sound(told: Trust) -> None:
    choose(("staff", "x"), told)
    list(told.candidates(b"12345678"))
    believe("", told, AT)
    assert isinstance(told.version, int), "a version that is no number"


@cache
def _signed_bundles() -> frozenset[bytes]:
    found = set()
    for file in (CORPUS / "bundle").iterdir():
        octets = file.read_bytes()
        if octets[0] == PLAIN:
            try:
                opened(octets[1:])
            except BundleError:
                continue
            header, _, payload, _ = cbor2.loads(octets[1:]).value
            found.add(to_be_signed(header, payload))
    return frozenset(found)


CREDENTIALS: Final = (
    Credential(Kind.PASS, Domain.STAFF, "luwuutarakab", bytes(32), Claims(pass_number="1")),
    Credential(Kind.PASS, Domain.VISITOR, "luwuutarakab", bytes(32), Claims()),
    Credential(
        Kind.HCERT,
        Domain.HEALTH,
        "ID",
        bytes(32),
        Claims(Statement.VACCINATION, 2, 2, AT.date(), born=(AT.date(),) * 2),
    ),
    Credential(Kind.HCERT, Domain.HEALTH, "ID", bytes(32), Claims(Statement.TEST, detected=False, sampled_at=AT)),
    Credential(Kind.HCERT, Domain.HEALTH, "ID", bytes(32), Claims(Statement.RECOVERY, positive_on=AT.date())),
)


def policy_(octets: bytes) -> None:
    """Hand a text to the policies; one that is read must have a verdict for every credential."""
    try:
        read: Policy = policy.parse(octets.decode("utf-8", "replace"))
    except PolicyError:
        return
    for credential in CREDENTIALS:
        policy.decide((read,), credential, HERE, AT)
        policy.on_expired((read,), credential, AT)


def wire_(octets: bytes) -> None:
    """Hand bytes to both ends of the wire: the station's receipts, the centre's events, any JSON."""
    try:
        value = wire.loads(octets)
    except ValueError:
        value = None
    else:
        written = wire.dumps([value])
        assert wire.dumps(wire.loads(written)) == written, "read, written and read again, it is something else"
    try:
        receipt = wire.parse_receipt(octets)
    except ValueError:
        pass
    else:
        assert wire.parse_receipt(receipt.encode()) == receipt, "a receipt that says something else when it is sent on"
    try:
        found = rows("bupati-1", octets).rows
    except UnreadableEventError:
        return
    assert found, "a message of no events"


def base45_(octets: bytes) -> None:
    """Hand a text to base45: strict, so that no two texts mean the same, and reversible."""
    assert base45.decode(base45.encode(octets)) == octets, "written and read, it is something else"
    text = octets.decode("utf-8", "surrogateescape")
    try:
        decoded = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(decoded) == text, "two texts that mean the same"


def certificate(octets: bytes) -> None:
    """Hand bytes to the reading of an audit's keys: a certificate, a bare key, or neither."""
    try:
        key = audit_key(octets)
    except ValueError:
        return
    assert usable(key.public) is key.public, "a key that signs nothing read here"
    assert key.kid is None or len(key.kid) == 8, "a kid of another length"


def symbol(octets: bytes) -> None:
    """Draw bytes as a QR symbol's own data, the first one saying how, and let every reader take it apart."""
    told, stream = (octets[0] if octets else 0), symbols.of_octets(octets[1:])
    level = symbols.LEVELS[told % 4]
    version = symbols.fitting(stream, level) or symbols.LARGEST
    luma = symbols.drawn(symbols.modules(stream, version, level, told // 4 % 8), 3)
    for attempt in (FIRST, BY_ZBAR.first):
        seen = look(attempt, Picture(luma))
        assert all(0 < len(code.text) <= MAX_TEXT for code in seen.codes), "a text that no symbol holds"
        for code in seen.codes:
            admitted = judge(code.text, RULES, AT).verdict.outcome == "admit"
            assert not admitted or believe(code.text, KNOWN, AT).credential is not None, "admitted without a credential"


TARGETS: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        Target("code", code, 4400),
        Target("cbor", cbor_, 17_000),
        Target("bundle", bundle, 20_000),
        Target("policy", policy_, 8_000),
        Target("wire", wire_, 8_000),
        Target("base45", base45_, 4_400),
        Target("certificate", certificate, 2_000),
        Target("symbol", symbol, 400, most_cpu=0.25),
    )
}


def taken(target: Target, octets: bytes) -> None:
    """Hand *octets* to *target*, within the bound of CPU; raises what is wrong."""
    quickest = 9.0
    for _ in range(3):
        began = time.process_time()
        target.take(octets)
        quickest = min(quickest, time.process_time() - began)
        if quickest <= target.most_cpu:
            return
    raise AssertionError(f"{quickest * 1000:.0f} ms of CPU")
