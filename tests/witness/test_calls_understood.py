"""Calldata is understood as the ABI has it, and not at all where it is anything else."""

from __future__ import annotations

import random

import pytest
from eth_utils.address import to_checksum_address

from pyjpm.contracts.codec import codec, signature_of
from pyjpm.record import Deployed, DeploymentRecord
from pyjpm.sending.witness import Call
from pyjpm.witnessing.subject import Book, Subject
from pyjpm.witnessing.table import ALL, FACES

WALLET, TOKEN = (to_checksum_address("0x" + digit * 40) for digit in "12")
SEED = 20_261_122


def a_book(artifact: str = "DepositToken") -> Book:
    deployed = {"X": Deployed(artifact, TOKEN, "")}
    return Book(DeploymentRecord(1, "", 0, 0, "", contracts={}, tokens=deployed), FACES)


def pay(random_: random.Random) -> bytes:
    to, reference = "0x" + random_.randbytes(20).hex(), random_.randbytes(32)
    remittance = random_.randbytes(random_.choice((0, 1, 31, 32, 33, 200)))
    return codec("DepositToken").encode("pay", to, random_.getrandbits(256), reference, remittance)


def test_a_payment_is_read_as_the_abi_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole ones and spoilt ones: a byte changed, taken away or added, anywhere."""
    print("seed", SEED)
    random_, book, understood = random.Random(SEED), a_book(), 0
    for _ in range(2_000):
        data = bytearray(pay(random_))
        what, place = random_.choice(("whole", "changed", "shorter", "longer")), random_.randrange(4, len(data))
        if what == "changed":
            data[place] ^= 1 << random_.randrange(8)
        elif what == "shorter":
            del data[place:]
        elif what == "longer":
            data += random_.randbytes(random_.choice((1, 32)))
        expected = codec("DepositToken").decode_input(bytes(data))
        subject = book.read(Call(WALLET, TOKEN, bytes(data), ""))
        if expected is None:
            assert subject is None, what
            continue
        understood += 1
        assert subject is not None, what
        assert tuple(subject.arguments.values()) == expected[1]
        assert tuple(subject.arguments) == ("to", "amount", "ref", "remittance")
    assert 800 < understood < 1_800


@pytest.mark.parametrize("artifact", sorted({each.artifact for each in ALL}))
def test_every_function_is_found_by_its_calldata(artifact: str) -> None:
    book, coder = a_book(artifact), codec(artifact)
    for entry in coder.abi:
        if entry["type"] != "function" or entry["stateMutability"] in ("view", "pure"):
            continue
        values = [_zero(part) for part in entry["inputs"]]
        data = coder.encode(signature_of(entry), *values)
        subject = book.read(Call(WALLET, TOKEN, data, ""))
        if entry["name"] in ("cleared", "execute") and artifact in ("DepositToken", "Governance") and len(values) < 4:
            assert subject is None  # the call inside is nothing
            continue
        assert isinstance(subject, Subject), entry["name"]
        assert (subject.function, len(subject.arguments)) == (entry["name"], len(values))
        assert book.read(Call(WALLET, TOKEN, data + b"\0", "")) is None


def test_views_and_what_goes_elsewhere_are_not_understood() -> None:
    data = codec("DepositToken").encode("balanceOf", WALLET)
    assert a_book().read(Call(WALLET, TOKEN, data, "")) is None
    assert a_book().read(Call(WALLET, WALLET, codec("DepositToken").encode("pause"), "")) is None
    assert a_book().read(Call(WALLET, None, data, "")) is None


def _zero(part: dict[str, object]) -> object:
    kind = str(part["type"])
    if kind.endswith("[]"):
        return []
    if kind == "tuple":
        components = part["components"]
        assert isinstance(components, list)
        return {each["name"]: _zero(each) for each in components}
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return {"string": "", "bool": False, "address": "0x" + 40 * "0"}.get(kind, 0)
