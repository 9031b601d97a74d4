"""Travel data: what must be there, what it commits to, and who reads it."""

from __future__ import annotations

from dataclasses import fields, replace

import cbor2
import pytest
from screening.screening_support import BENEFICIARY, ORIGINATOR, data

from pyjpm.errors.remittance import NoEncryptionKey, RemittanceAltered, RemittanceNotForThisKey
from pyjpm.errors.screening import MalformedTravelData
from pyjpm.money import Money
from pyjpm.remittance import Remittance, RemittanceKey, open_remittance
from pyjpm.screening import Agent, Customer, TravelData

AMOUNT = Money("3000.00", "USD")
WHOLE = data(AMOUNT)


def test_what_is_whole_lacks_nothing() -> None:
    assert WHOLE.missing == ()


@pytest.mark.parametrize(
    ("role", "customer", "prefix"), [("originator", ORIGINATOR, "Dbtr"), ("beneficiary", BENEFICIARY, "Cdtr")]
)
@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("name", "/Nm"),
        ("street", "/PstlAdr/StrtNm"),
        ("town", "/PstlAdr/TwnNm"),
        ("country", "/PstlAdr/Ctry"),
        ("account", "Acct/Id"),
    ],
)
def test_each_element_of_fedwire_is_required(
    role: str, customer: Customer, prefix: str, name: str, element: str
) -> None:
    assert data(AMOUNT, **{role: replace(customer, **{name: ""})}).missing == (prefix + element,)


def test_agents_are_required_and_a_postcode_is_not() -> None:
    lacking = data(AMOUNT, originator_agent=Agent(), beneficiary_agent=Agent())
    assert lacking.missing == ("DbtrAgt/FinInstnId", "CdtrAgt/FinInstnId")
    assert data(AMOUNT, originator=replace(ORIGINATOR, postcode="")).missing == ()
    nothing = data(AMOUNT, originator=Customer(), beneficiary=Customer())
    assert len(nothing.missing) == 10


@pytest.mark.parametrize("routing", ["021000022", "02100002", "0210000210", "abcdefghi", "٠٢١٠٠٠٠٢١"])
def test_a_routing_number_with_a_slip_is_none(routing: str) -> None:
    with pytest.raises(MalformedTravelData):
        Agent(routing=routing)


def test_a_bic_with_a_slip_is_none() -> None:
    with pytest.raises(MalformedTravelData):
        Agent(bic="DEUTZZFF")


@pytest.mark.parametrize(
    "members", [{"name": "A" * 141}, {"country": "us"}, {"country": "U"}, {"town": "a\nb"}, {"account": " 1"}]
)
def test_a_member_of_another_form_is_refused(members: dict[str, str]) -> None:
    with pytest.raises(MalformedTravelData):
        Customer(**members)


def test_sealed_it_is_read_by_its_readers_alone() -> None:
    bank, payee, stranger = (RemittanceKey.generate() for _ in range(3))
    sealed = WHOLE.seal([bank.public, payee.public])
    assert TravelData.open(sealed, bank) == TravelData.open(sealed, [stranger, payee]) == WHOLE
    for secret in (ORIGINATOR.name, BENEFICIARY.account, "Seattle"):
        assert secret.encode() not in sealed
    with pytest.raises(RemittanceNotForThisKey):
        TravelData.open(sealed, stranger)
    with pytest.raises(RemittanceAltered):
        TravelData.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), bank)
    with pytest.raises(NoEncryptionKey):
        WHOLE.seal([])


def test_accounts_and_salts_are_in_no_representation() -> None:
    assert BENEFICIARY.account not in repr(WHOLE)
    assert repr(WHOLE.salt) not in repr(WHOLE)
    assert "salt" not in WHOLE.to_dict()


def test_the_commitment_tells_nothing_and_is_of_every_member() -> None:
    again = data(AMOUNT)
    assert again.commitment != WHOLE.commitment  # another salt
    assert replace(again, salt=WHOLE.salt).commitment == WHOLE.commitment
    others = [
        replace(WHOLE, amount=Money("3000.01", "USD")),
        replace(WHOLE, originator_agent=Agent(bic="DEUTDEFF")),
        replace(WHOLE, execution=WHOLE.execution.replace(day=25)),
        *(replace(WHOLE, originator=replace(ORIGINATOR, **{each.name: "XX"})) for each in fields(Customer)),
        *(replace(WHOLE, beneficiary=replace(BENEFICIARY, **{each.name: "XX"})) for each in fields(Customer)),
    ]
    assert len({other.commitment for other in others} | {WHOLE.commitment}) == len(others) + 1


def test_bytes_that_are_something_else_are_refused() -> None:
    plain = cbor2.loads(WHOLE.to_bytes())
    for wrong in (
        b"",
        b"\xff",
        cbor2.dumps([]),
        cbor2.dumps({**plain, "version": 2}, canonical=True),
        cbor2.dumps({**plain, "more": 1}, canonical=True),
        cbor2.dumps({**plain, "salt": b"short"}, canonical=True),
        cbor2.dumps({**plain, "amount": ["USD", 1.5]}, canonical=True),
        cbor2.dumps({**plain, "originator": {**plain["originator"], "more": ""}}, canonical=True),
        cbor2.dumps({**plain, "originator": {**plain["originator"], "name": 5}}, canonical=True),
        cbor2.dumps(plain, canonical=False) + b"\x00",
    ):
        with pytest.raises(MalformedTravelData):
            TravelData.from_bytes(wrong)
    assert TravelData.from_bytes(WHOLE.to_bytes()) == WHOLE


def test_a_remittance_carries_the_commitment_and_older_ones_are_the_same_bytes() -> None:
    key = RemittanceKey.generate()
    with_it = Remittance(end_to_end_id="E2E", travel=WHOLE.commitment)
    assert open_remittance(with_it.seal([key.public]), key).travel == WHOLE.commitment
    without = Remittance(end_to_end_id="E2E")
    assert b"travel" not in without.to_bytes()
    assert Remittance.from_bytes(without.to_bytes()).travel == b""
