"""What a verdict costs beside the signature under it: `judge` and the bare verification, in turn, in CPU time.

*bare* is what nobody can leave out: cbor2 decodes the message and its payload, and cryptography verifies.

    python -m bench belief [--json]
"""

import gc
import json
import zlib
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from statistics import median
from time import process_time_ns
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats import base45
from device.model import Domain
from device.trust.bundle import Key, Roots, Trust, kid_of, open_bundle, trusting
from device.verdict.judge import Rules, choose, judge
from device.verdict.policy import Setting
from office import bundle
from office.keys.signing import PrivateKey, code_text

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
GOAL = 1.3
LOAD_GOAL_MS = 100.0


def health_certificate(key: PrivateKey) -> str:
    """Return an EU DCC of the usual size."""
    dose = {"tg": "840539006", "vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215", "dn": 2, "sd": 2}
    entry = {**dose, "dt": "2021-09-01", "co": "ID", "is": "Kementerian Kesehatan", "ci": "URN:UVCI:01:ID:0123456789#A"}
    body = {"ver": "1.3.0", "dob": "1990-01-01", "nam": {"fn": "Contoh", "fnt": "CONTOH"}, "v": [entry]}
    dates = {6: int((AT - timedelta(days=1)).timestamp()), 4: int((AT + timedelta(days=30)).timestamp())}
    return code_text({1: "ID", **dates, -260: {1: body}}, key, kid_of(key.public_key()), "HC1:")


def bare(text: str, key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> Callable[[], Any]:
    """Return the verification of *text* and no more, from its unpacked bytes."""
    octets = zlib.decompress(base45.decode(text.removeprefix("HC1:")))
    algorithm = ec.ECDSA(SHA256())

    def verify() -> Any:
        protected, _, payload, signature = cbor2.loads(octets).value
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), signed, algorithm)
        return cbor2.loads(payload)

    return verify


def side_by_side(rounds: int = 3000) -> dict[str, Any]:
    """Return the median CPU of `judge` and of the bare verification, in microseconds, and their ratio."""
    policies, _ = choose(("brief-2021",), Trust())
    told: dict[str, Any] = {}
    signers: dict[str, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey] = {
        "HC1, ES256": ec.generate_private_key(ec.SECP256R1()),
        "HC1, EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in signers.items():
        text, public = health_certificate(key), key.public_key()
        keys = trusting(Key(public, kid_of(public), "ID", Domain.HEALTH))
        rules = Rules(keys, policies, Setting("bench", "bench", "in"))
        ways = {"judge": lambda text=text, rules=rules: judge(text, rules, AT), "bare": bare(text, public)}
        if ways["judge"]().verdict.outcome != "admit":
            raise AssertionError("the bench's own certificate is not admitted")
        took = _in_turn(ways, rounds)
        told[name] = {**{way: took[way] for way in ways}, "ratio": took["judge"] / took["bare"]}
    return told


def _in_turn(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    took: dict[str, list[int]] = {name: [] for name in ways}
    gc.collect()
    gc.disable()  # a collection in the middle of one way is not that way's cost
    try:
        for _ in range(rounds):
            for name, way in ways.items():
                began = process_time_ns()
                way()
                took[name].append(process_time_ns() - began)
    finally:
        gc.enable()
    return {name: median(readings) / 1000 for name, readings in took.items()}


def loading(keys: int = 900, revocations: int = 10_000, rounds: int = 20) -> dict[str, Any]:
    """Return the median CPU, in milliseconds, of opening a bundle of that size, and its bytes."""
    root = ed25519.Ed25519PrivateKey.generate()
    made = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(keys)]
    span = {"since": AT - timedelta(days=400), "until": AT + timedelta(days=400)}
    listed = [Key(key, kid_of(key), "ID", Domain.HEALTH, **span) for key in made]
    hashes = frozenset(sha256(number.to_bytes(4, "big")).digest()[:8] for number in range(revocations))
    trust = Trust(trusting(*listed).keys, {"luwuutarakab": hashes}, version=1, issued=AT, next=AT + timedelta(days=90))
    octets = bundle.sign(trust, root)
    took = _in_turn({"open": lambda: open_bundle(octets, Roots(root.public_key()))}, rounds)
    return {"keys": keys, "revocations": revocations, "bytes": len(octets), "ms": took["open"] / 1000}


def main(arguments: list[str]) -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench belief", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    answer = {"judge": side_by_side(), "bundle": loading()}
    if told.json:
        print(json.dumps(answer))
        return 0
    print(f"{'one certificate':20} {'judge us':>9} {'bare us':>9} {'ratio':>7}   goal {GOAL}")
    for name, figures in answer["judge"].items():
        print(f"{name:20} {figures['judge']:9.1f} {figures['bare']:9.1f} {figures['ratio']:7.2f}")
    bundle_ = answer["bundle"]
    size = f"{bundle_['keys']} keys and {bundle_['revocations']} revocations, {bundle_['bytes']} bytes"
    print(f"a bundle of {size}: {bundle_['ms']:.1f} ms   goal {LOAD_GOAL_MS:.0f} ms")
    return 0
