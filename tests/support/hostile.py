"""What a stranger might hand in to hurt the station, each with what it must come to; tests and bench share it.

Goals, on the machines that develop this: under 10 ms of CPU and under 8 MiB above idle for each.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device import wire
from device.formats import base45
from device.formats.cose import RSA_EXPONENTS
from device.formats.registry import FORMATS
from device.model import MAX_TEXT, Belief, Kind, Outcome, Reason, Verdict
from device.trust import bundle
from device.verdict import policy
from device.verdict.judge import Rules, judge
from device.verdict.policy import Setting
from device.verdict.verify import believe
from tests.support.bundle import bundle_fields, key_fields, opened, signed
from tests.support.cbor import colliding
from tests.support.credentials import AT, OTHER_KEY, STAFF_KEY, cnf, dose, kid_of, pack, proof, sign, token
from tests.support.credentials import hcert as certificate
from tests.support.credentials import trust as known

KID = kid_of(STAFF_KEY.public_key())
RULES = Rules(known(), (), Setting("bupati-1", "bupati", "in"))
LATER = int((AT + timedelta(days=9)).timestamp())
MERSENNE = 2**61 - 1
"""The modulus of Python's hash of numbers: its multiples all have the hash 0."""
MALFORMED = Belief(Kind.PASS, Reason.MALFORMED)
MALFORMED_HCERT = Belief(Kind.HCERT, Reason.MALFORMED)
FORGED = Belief(Kind.PASS, Reason.FORGED)
NO_PASS = Belief(Kind.TEXT, Reason.NOT_A_PASS)
STRANGER = Belief(Kind.PASS, Reason.UNKNOWN_ISSUER)


@dataclass(frozen=True)
class Case:
    """A name, how to make the input, what takes it, and what must come back: a value, or an error's kind and words."""

    name: str
    make: Callable[[], Any]
    take: Callable[[Any], Any]
    expected: Any

    def answer(self, made: Any) -> Any:
        """Return what *made* comes to; anything but a ValueError goes on up."""
        try:
            return self.take(made)
        except ValueError as error:
            return type(error).__name__, str(error)

    def met(self, answer: Any) -> bool:
        """Return whether *answer* is what was expected; words that are another library's are left open by ``...``."""
        match self.expected, answer:
            case (kind, last), (str(named), str()) if last is ...:
                return bool(kind == named)
            case _:
                return bool(answer == self.expected)


def shown(text: str) -> Belief:
    """Return what the whole station's judge believes of *text*."""
    return judge(text, RULES, AT).belief


def said(text: str) -> tuple[Reason | None, Any]:
    """Return what is believed of *text*, as its reason and what its credential says."""
    belief = believe(text, known(), AT)
    return belief.reason, belief.credential and belief.credential.claims._replace(born=None)


@cache
def bomb(megabytes: int = 200) -> bytes:
    """Return a zlib stream of so many million zeros."""
    packing = zlib.compressobj(9)
    piece = bytes(1_000_000)
    return b"".join(packing.compress(piece) for _ in range(megabytes)) + packing.flush()


def message(payload: bytes = b"\xa0", outside: bytes = b"\xa0", protected: bytes | None = None) -> bytes:
    """Return an unsigned COSE_Sign1 whose parts may be anything at all."""
    header = cbor2.dumps(cbor2.dumps({1: -7, 4: KID}) if protected is None else protected)
    return b"\xd2\x84" + header + outside + cbor2.dumps(payload) + cbor2.dumps(b"\1" * 64)


def signed_pass(**claims: Any) -> str:
    """Return a pass by a known key, its times and claims as told: ``t4`` for 4, ``x`` for anything else."""
    told_claims: dict[Any, Any] = {1: "luwuutarakab", 4: LATER, 169: {1: "1"}}
    told_claims |= {int(name[1:]): value for name, value in claims.items() if name != "x"}
    return pack(token(STAFF_KEY, told_claims | ({99: claims["x"]} if "x" in claims else {})))


def of_payload(payload: bytes) -> str:
    """Return a pass by a known key over bytes that need not be CBOR."""
    return pack(sign(STAFF_KEY, payload, {1: -7, 4: KID}))


ASKS_DAYS = """
name = "days"
title = "t"
source = "s"
domains = ["health"]
[[rule]]
when = { days_since_test = 1 }
outcome = "admit"
reason = "tested"
"""


def forms() -> Iterator[Case]:
    """Texts of a megabyte and more, by their form, and bombs."""
    for row in FORMATS:
        belief = Belief(row.kind, row.unread if row.unpack is None else Reason.MALFORMED, form=row.form)
        for prefix in row.prefixes[:1]:
            yield Case(f"1 MB of {prefix or 'A'}", lambda p=prefix: p + "A" * 1_000_000, shown, belief)
    yield Case("lone surrogates", lambda: "\ud800" * 4000, shown, NO_PASS)
    yield Case("lone surrogates in base45", lambda: "HC1:" + "\udfff" * 4000, shown, MALFORMED_HCERT)
    yield Case("lone surrogates, 1 MB", lambda: "\ud83d" * 1_000_000, shown, NO_PASS)
    yield Case("astral digits", lambda: "HC1:" + "\U0001d7d8" * 4000, shown, MALFORMED_HCERT)
    yield Case("nothing but NUL", lambda: "\0" * 4296, shown, NO_PASS)
    for size in (1, 10):
        whole = lambda n=size: ("HC1:" + base45.encode(bomb()) * 40)[: n * 1_000_000]  # noqa: E731 - with its size
        yield Case(f"200 MB packed, a text of {size} MB", whole, shown, MALFORMED_HCERT)
    cut = lambda: "HC1:" + base45.encode(bomb()[: (MAX_TEXT - 4) // 3 * 2])  # noqa: E731 - one of a kind
    yield Case("a bomb as long as a text may be", cut, shown, MALFORMED_HCERT)
    yield Case("a bomb that is whole", lambda: "HC1:" + base45.encode(bomb(2)[:2800]), shown, MALFORMED_HCERT)
    yield Case("16,384 zeros", lambda: pack(bytes(16_384)), shown, MALFORMED)
    yield Case("16,385 zeros", lambda: pack(bytes(16_385)), shown, MALFORMED)
    stored = lambda: "HC1:" + base45.encode(zlib.compress(b"", 9) * 250)  # noqa: E731 - one of a kind
    yield Case("many streams of nothing", stored, shown, MALFORMED_HCERT)
    flushed = b"\x78\x9c" + b"\0\0\0\xff\xff" * 500
    yield Case("stored blocks of nothing, without an end", lambda: base45.encode(flushed), shown, MALFORMED)


def outsides() -> Iterator[Case]:
    """Give what stands in the part of a message that nobody signed."""
    multiples = b"".join(cbor2.dumps(MERSENNE * n) + b"\0" for n in range(1, 8))
    for name, outside, expected in (
        ("arrays 4,000 deep", b"\xa1\x09" + b"\x81" * 4000 + b"\0", MALFORMED),
        ("maps 4,000 deep", b"\xa1\x09" + b"\xa1\x00" * 4000 + b"\0", MALFORMED),
        ("tags 4,000 deep", b"\xa1\x09" + b"\xd8\x63" * 4000 + b"\0", MALFORMED),
        ("tags 900 deep", b"\xa1\x09" + b"\xc9" * 900 + b"\0", MALFORMED),
        ("endless arrays 4,000 deep", b"\xa1\x09" + b"\x9f" * 4000 + b"\0" + b"\xff" * 4000, MALFORMED),
        ("endless arrays, never ended", b"\xa1\x09" + b"\x9f" * 8000, MALFORMED),
        ("endless text in pieces of a byte", b"\xa1\x09\x7f" + b"\x61a" * 7000 + b"\xff", MALFORMED),
        ("endless bytes in pieces of none", b"\xa1\x09\x5f" + b"\x40" * 15_000 + b"\xff", MALFORMED),
        ("endless bytes, never ended", b"\xa1\x09\x5f" + b"\x41a" * 900, MALFORMED),
        ("arrays as keys that collide", colliding(900), MALFORMED),
        ("arrays as keys that collide, few", colliding(50), FORGED),
        ("numbers as keys that collide", b"\xa7" + multiples, FORGED),
        ("one key 500 times", b"\xb9\x01\xf4" + b"\x09\0" * 500, MALFORMED),
        ("one key twice", b"\xa2\x09\0\x09\0", MALFORMED),
        ("2,000 empty maps", b"\xa1\x09\x99\x07\xd0" + b"\xa0" * 2000, MALFORMED),
        ("1,900 empty maps", b"\xa1\x09\x99\x07\x6c" + b"\xa0" * 1900, FORGED),
        ("1,900 empty arrays in arrays", b"\xa1\x09\x99\x03\xb6" + b"\x81\x80" * 950, FORGED),
        ("1,900 NaN", b"\xa1\x09\x99\x07\x6c" + b"\xf9\x7e\0" * 1900, FORGED),
        (
            "900 numbers of 8 bytes",
            b"\xa1\x09\x99\x03\xe8" + b"\xc2\x48" + b"\xc2\x48\1\1\1\1\1\1\1\1" * 999,
            MALFORMED,
        ),
        ("a number of 16,000 bytes", b"\xa1\x09\xc2\x59\x3e\x80" + b"\xff" * 16_000, FORGED),
        ("a number of 16,000 bytes as a key", b"\xa1\xc2\x59\x3e\x80" + b"\xff" * 16_000 + b"\0", MALFORMED),
        ("a number of 900 bytes as an algorithm", b"\xa1\x01\xc2\x59\x03\x84" + b"\xff" * 900, FORGED),
        ("a decimal of 2^64 digits", b"\xa1\x09\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01", FORGED),
        ("a fraction over 0", b"\xa1\x09\xd8\x1e\x82\x01\x00", FORGED),
        ("a regular expression", b"\xa1\x09\xd8\x23\x78\x40" + b"(a+)+" * 12 + b"$$$$", FORGED),
        ("an array of 2^64 items", b"\xa1\x09\x9b" + b"\xff" * 8, MALFORMED),
        ("a map of 2^62 items", b"\xa1\x09\xbb\x3f" + b"\xff" * 7, MALFORMED),
        ("a text of 2^40 bytes", b"\xa1\x09\x7b\0\0\1" + bytes(5), MALFORMED),
        ("text that is no UTF-8", b"\xa1\x09\x63\xed\xa0\x80", MALFORMED),
    ):
        yield Case(f"unsigned: {name}", lambda o=outside: pack(message(outside=o)), shown, expected)


def insides() -> Iterator[Case]:
    """Give what a known key signed: times, keys, numbers, dates."""
    for name, claims in (
        ("expires at NaN", {"t4": float("nan")}),
        ("expires at infinity", {"t4": float("inf")}),
        ("issued at minus infinity", {"t6": float("-inf")}),
        ("expires in a number of 12,000 bytes", {"t4": 1 << 96_000}),
        ("issued in a number of 12,000 bytes", {"t6": -1 << 96_000}),
        ("expires at 2^63", {"t4": 2**63}),
        ("expires at 10^400 as text", {"t4": "1" + "0" * 400}),
        ("an issuer of 16,000 characters", {"t1": "x" * 16_000}),
    ):
        yield Case(f"signed: {name}", lambda c=claims: signed_pass(**c), shown, MALFORMED)
    for name, payload in (
        ("4,000 arrays in one another", b"\x81" * 4000 + b"\0"),
        ("keys that collide", colliding(900)),
        ("a claim twice", b"\xa2\x04\x1a\x7f\0\0\0\x04\x1a\x7f\0\0\0"),
        ("nothing", b""),
        ("a break", b"\xff"),
    ):
        yield Case(f"signed: {name}", lambda p=payload: of_payload(p), shown, MALFORMED)
    odd: dict[str, Any] = {
        "a date of 10,000 digits": {"dt": "2021-" + "1" * 10_000},
        "a date in astral digits": {"dt": "\U0001d7da\U0001d7d8\U0001d7da\U0001d7d9-09-01"},
        "a date in fullwidth digits": {"dt": "\uff12\uff10\uff12\uff11-09-01"},
        "a date of dashes": {"dt": "-" * 10_000},
        "a date in the year 0": {"dt": "0000-01-01"},
    }
    silent = said(certificate(v=[{**dose(), "dt": "no date"}]))
    for name, entry in odd.items():
        yield Case(f"signed: {name}", lambda e=entry: certificate(v=[{**dose(), **e}]), said, silent)
    whole = {"tg": "840539006", "tr": "260415000", "co": "ID"}
    silent = said(certificate(t=[{**whole, "sc": "never"}]))
    for sc in ("2021-09-01T" + "0" * 10_000, "\U0001d7da" * 20, "2021-09-01T00:00:00+99:99", "9" * 40):
        name = f"signed: a time of {len(sc)} characters, {sc[:8]!a}..."
        yield Case(
            f"signed: a time of {len(sc)} characters, {sc[:8]!a}...",
            lambda s=sc: certificate(t=[{**whole, "sc": s}]),
            said,
            silent,
        )
    asking = policy.parse(ASKS_DAYS)
    for sc in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        yield Case(
            f"signed: a test at {sc}, and a policy that counts its days",
            lambda s=sc: certificate(t=[{**whole, "sc": s}]),
            lambda text: judge(text, Rules(known(), (asking,), RULES.setting), AT).verdict,
            Verdict(Outcome.CHECK, Reason.UNKNOWN),
        )
    silent = said(certificate(v=[{**dose(), "dn": None}]))
    for name, number in (
        ("NaN", float("nan")),
        ("infinite", float("inf")),
        ("1e308", 1e308),
        ("2^70", 2**70),
        ("-1", -1),
        ("2^90,000", 1 << 90_000),
        ("'2'", "2"),
        ("true", True),
    ):
        yield Case(f"signed: {name} doses", lambda n=number: certificate(v=[{**dose(), "dn": n}]), said, silent)
    many = [{**dose(), "dn": n} for n in range(150)]
    yield Case("signed: 150 statements", lambda: certificate(v=many), said, said(certificate(v=[dose(), dose()])))


def signatures() -> Iterator[Case]:
    """Signatures and phone proofs that cost or confuse."""
    header, payload = cbor2.dumps({1: -7, 4: KID}), cbor2.dumps({4: LATER, 169: {1: "1"}})
    for name, signature in (
        ("all ones", b"\xff" * 64),
        ("of 15,000 bytes", b"\xff" * 15_000),
        ("of nothing", b""),
        ("of zeros", bytes(64)),
    ):
        made = cbor2.dumps([header, {}, payload, signature])
        yield Case(f"a signature {name}", lambda m=made: pack(m), shown, FORGED)
    point = ec.generate_private_key(ec.SECP256R1())
    bad = {1: {1: 2, -1: 1, -2: b"\xff" * 32, -3: b"\xff" * 32}}
    passed = token(STAFF_KEY, {1: "luwuutarakab", 4: LATER, 8: bad, 169: {1: "1"}})
    yield Case("a phone's key that is no point", lambda: proof(point, passed, AT), shown, MALFORMED)
    good = token(STAFF_KEY, {1: "luwuutarakab", 4: LATER, 8: cnf(point.public_key()), 169: {1: "1"}})
    deep = good
    for _ in range(20):
        deep = sign(point, deep, {1: -7, 3: 61})
    yield Case("proofs of proofs, 20 deep", lambda: pack(deep), shown, STRANGER)
    long_header = {1: -7, 4: KID, 3: 61, 99: "x" * 12_000}
    yield Case("a protected header of 12,000 bytes", lambda: pack(sign(OTHER_KEY, good, long_header)), shown, MALFORMED)


KEY_KIND = "a key that is neither a whole number nor text"


def squeezed() -> dict[str, Any]:
    """Return the staff key under another name, its point written in 33 bytes (RFC 5480, 2.2)."""
    point = STAFF_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return {**key_fields(issuer="somebody-else"), "spki": head + point}


class Public:
    """A key whose private half nobody needs."""

    def __init__(self, public: Any) -> None:
        self._public = public

    def public_key(self) -> Any:
        return self._public


def rsa_key(bits: int, exponent: int = 65537) -> Public:
    """Return something that looks like an RSA key of so many *bits*; its modulus is odd, and nobody's."""
    return Public(rsa.RSAPublicNumbers(exponent, 2 ** (bits - 1) + 2 ** (bits // 2) + 1).public_key())


def version_of(octets: bytes) -> int:
    """Return the version of the bundle that the root signed."""
    return opened(octets).version


def claimed_version_of(octets: bytes) -> int:
    """Return the version of a bundle, whoever signed it."""
    return bundle.unproven_bundle(octets).version


def bundles() -> Iterator[Case]:
    """Bundles: from anybody, and from a root that went mad."""

    def refused(why: str) -> tuple[str, str]:
        return "BundleError", why

    not_one, odd = "not a bundle: ", "signed, but not readable by this version: "
    items = refused(not_one + "more than 2000 items")
    for name, octets, expected in (
        ("200 MB packed", bomb(), items),
        ("10 MB", bytes(10_000_000), refused(not_one + "longer than 1048576 bytes")),
        ("1 MB of arrays", b"\x81" * 1_000_000, items),
        ("1 MB of empty maps", b"\x9a\0\x0f\x42\x40" + b"\xa0" * 1_000_000, items),
        ("unsigned keys that collide", message(outside=colliding(900)), refused(not_one + KEY_KIND)),
        ("900 KB that nobody signed", message(payload=b"\xa0" * 900_000), refused("not signed by the regency's root")),
    ):
        yield Case(f"bundle: {name}", lambda o=octets: o, version_of, expected)
        if "nobody" not in name:
            yield Case(f"bundle, to an audit: {name}", lambda o=octets: o, claimed_version_of, expected)
    keys = [key_fields(ec.derive_private_key(n, ec.SECP256R1())) for n in range(1, 501)]
    for name, changed, why in (
        ("500 keys under one kid", {"keys": keys}, "more than 8 keys under one kid"),
        ("keys that collide", {"revoked": {MERSENNE * n: b"" for n in range(8)}}, "not a str"),
        ("a version of 12,000 bytes", {"version": 1 << 96_000}, "version is no number that can be kept"),
        ("a version below nothing", {"version": -1}, "version is no number that can be kept"),
        ("a capacity below nothing", {"capacities": {"bupati": -1}}, "bupati is no number that can be kept"),
        ("a time of 12,000 bytes", {"next": 1 << 96_000}, "next is no time"),
        ("60,000 sites", {"capacities": {f"s{n}": 1 for n in range(60_000)}}, "more than 50000 items"),
        ("60,000 policies", {"policies": [""] * 60_000}, "more than 50000 items"),
        (
            "one key under two names, written in two ways",
            {"keys": [key_fields(), squeezed()]},
            "one key under two names",
        ),
    ):
        yield Case(f"bundle: {name}", lambda c=changed: signed(bundle_fields(**c)), version_of, refused(odd + why))
    weak = ed25519.Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31))
    weak_trust = signed(bundle_fields(keys=[key_fields(Public(weak))]))
    claims = cbor2.dumps({1: "luwuutarakab", 4: LATER, 6: LATER - 9**7, 169: {1: "1"}})
    anyones = cbor2.dumps([cbor2.dumps({1: -8, 4: b"12345678"}), {}, claims, b"\1" + bytes(63)])
    yield Case(
        "a signature by nobody under a key of small order",
        lambda: (opened(weak_trust), pack(anyones)),
        lambda both: believe(both[1], both[0], AT),
        STRANGER,
    )
    for bits in (512, 1024, 2047, 4097, 8192, 16_384):
        made = lambda b=bits: signed(bundle_fields(keys=[key_fields(rsa_key(b))]))  # noqa: E731 - with its size
        yield Case(f"bundle: an RSA key of {bits} bits", made, lambda octets: dict(opened(octets).keys), {})
    for bits in (2048, 2049, 3072, 4096):
        for exponent in (3, 65537, 2 ** (bits - 3) + 1):
            key = rsa_key(bits, exponent)
            known_key = opened(signed(bundle_fields(keys=[key_fields(key)])))
            shape = cbor2.dumps([cbor2.dumps({1: -37, 4: b"12345678"}), {}, b"\xa0", b"\1" * ((bits + 7) // 8)])
            yield Case(
                f"a signature by RSA, {bits} bits, an exponent of {exponent.bit_length()}",
                lambda m=shape: pack(m),
                lambda text, k=known_key: believe(text, k, AT),
                FORGED if exponent < RSA_EXPONENTS else STRANGER,
            )


def policies() -> Iterator[Case]:
    """Policies: texts shaped to hurt a parser or an expression."""
    whole = 'name = "{}"\ntitle = "t"\nsource = "s"\ndomains = ["staff"]\n[[rule]]\nwhen = {{}}\noutcome = "admit"\n'
    word = "String should have at most 40 characters"
    for name, text, expected in (
        ("a word of 'a-' 490 times", whole.format("a-" * 490), ("PolicyError", f"name: {word}")),
        ("a word that nearly matches", whole.format("a" * 980 + "!"), ("PolicyError", f"name: {word}")),
        ("a line of 200,000 letters", whole.format("a" * 200_000), ("PolicyError", ...)),
        ("arrays 2,000 deep", "x = " + "[" * 2000, ("PolicyError", ...)),
        ("tables 2,000 deep", "x = " + "{a = " * 2000, ("PolicyError", ...)),
        ("one key of 2,000 dots", "a." * 2000 + "a = 1", ("PolicyError", ...)),
        ("one key of 6,000 dots", "a." * 6000 + "a = 1", ("PolicyError", ...)),
        ("a number of 100,000 digits", "x = " + "1" * 100_000, ("PolicyError", ...)),
        ("a number of 1 MB in hexadecimal", "x = 0x" + "f" * 1_000_000, ("PolicyError", ...)),
        ("1 MB of remarks", "#" * 1_000_000, ("PolicyError", ...)),
        ("60,000 keys", "".join(f"a{n} = 1\n" for n in range(60_000)), ("PolicyError", ...)),
        ("20,000 tables", "".join(f"[a.b{n}]\n" for n in range(20_000)), ("PolicyError", ...)),
        ("50,000 tables in an array", "[[a]]\n" * 50_000, ("PolicyError", ...)),
        ("a date that is none", "x = 9999-99-99", ("PolicyError", ...)),
    ):
        yield Case(f"policy: {name}", lambda t=text: t, lambda t: policy.parse(t).name, expected)


def wires() -> Iterator[Case]:
    """JSON at its bounds."""

    def size(body: bytes) -> tuple[str, int]:
        value = wire.loads(body)
        return type(value).__name__, len(value)

    for name, body, expected in (
        ("arrays 262,144 deep", b"[" * 262_144, ("ValueError", "nested too deep")),
        ("arrays 60,000 deep", b"[" * 60_000 + b"]" * 60_000, ("ValueError", "nested too deep")),
        ("maps 20,000 deep", b'{"":' * 20_000 + b"0" + b"}" * 20_000, ("ValueError", "nested too deep")),
        ("87,000 arrays", b"[" + b"[]," * 87_000 + b"0]", ("list", 87_001)),
        ("37,000 maps", b"[" + b'{"":0},' * 37_000 + b"0]", ("list", 37_001)),
        ("65,000 floats", b"[" + b"1.1," * 65_000 + b"1]", ("list", 65_001)),
        ("25,000 keys", b"{" + b",".join(b'"%x":0' % n for n in range(25_000)) + b"}", ("dict", 25_000)),
        ("4,301 digits", b"1" * 4301, ("ValueError", ...)),
        ("262,000 digits", b"1" * 262_000, ("ValueError", ...)),
        ("a float of 262,000 digits", b"[0." + b"1" * 262_000 + b"]", ("list", 1)),
        ("1e400", b"[1e400]", ("ValueError", "holds a number out of range")),
        ("-1e400", b"[-1e400]", ("ValueError", "holds a number out of range")),
        ("NaN", b"[NaN]", ("ValueError", "NaN is not JSON")),
        ("infinity", b"-Infinity", ("ValueError", "-Infinity is not JSON")),
        ("lone surrogates", b'"' + b"\\ud800" * 40_000 + b'"', ("ValueError", "holds a lone surrogate")),
        ("200 MB packed", bomb(), ("UnicodeDecodeError", ...)),
        ("10 MB", b" " * 10_000_000, ("ValueError", "longer than 262144 bytes")),
    ):
        yield Case(f"wire: {name}", lambda b=body: b, size, expected)
    receipt = {"centre": "c", "epoch": "e", "first": 1, "last": 1, "count": 1, "digest": "d"}
    for name, changed in (
        ("true for numbers", {"first": True, "last": True, "count": True}),
        ("2^63 rows", {"last": 2**63}),
        ("floats", {"first": 1.0}),
        ("more rows than places", {"count": 2}),
        ("less than nothing", {"first": -1, "last": -1}),
    ):
        body = json.dumps(receipt | changed).encode()
        yield Case(f"receipt: {name}", lambda b=body: b, wire.parse_receipt, ("ValueError", "not a receipt"))
    for name, topic in (
        ("a word of 'a-' 100,000 times", "titik/v1/" + "a-" * 100_000 + "!/event"),
        ("a word of 200,000 letters", "titik/v1/" + "a" * 200_000),
        ("200,000 strokes", "titik/v1/" + "/" * 200_000),
    ):
        yield Case(f"topic: {name}", lambda t=topic: t, wire.Topics().parse, None)


@cache
def cases() -> tuple[Case, ...]:
    """Return every case; the kinds in turn."""
    kinds = (forms, outsides, insides, signatures, bundles, policies, wires)
    return tuple(case for kind in kinds for case in kind())
