"""The reserve on a real chain: two of three auditors, each with its own key, and a bank that mints what they attest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from orders import key

from pyjpm import Document, LocalAnvil, LocalSigner, Money, Platform, ReserveLine, Status
from pyjpm.chain import DevClock
from pyjpm.errors.attesters import NotEnoughAttestations
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.documents import DocumentForElsewhere, DocumentsDiffer, MalformedDocument, SignatureNotOf
from pyjpm.errors.openzeppelin import MissingRole
from pyjpm.errors.refusals import MintRateExceeded, ReserveMissing, ReserveShort, ReserveStale
from pyjpm.errors.reserve import (
    NotAnAuditor,
    ReserveAttestationExpired,
    ReserveAttestationSuperseded,
    UnknownReserveCurrency,
)
from pyjpm.errors.token import ReferenceMissing
from pyjpm.reserve import attestation_message
from pyjpm.session import ZERO_ADDRESS
from pyjpm.testing import new_company

USD, DAY, REPORT = "USD", 86_400, b"\7" * 32


@dataclasses.dataclass
class Scene:
    bank: Platform
    auditors: list[Platform]
    client: Platform
    clock: DevClock

    def attest(self, amount: str, *, by: Sequence[int] = (0, 1), **options: Any) -> Document:
        lines = [
            ReserveLine("TREASURY_BILL", "BANKUS44", Money("1.00", USD)),
            ReserveLine("CENTRAL_BANK", "BANKUS33", Money(amount, USD) - Money("1.00", USD)),
        ]
        return self.collected(self.bank.reserve.propose(USD, lines, report=REPORT, **options), by)

    def collected(self, statement: Document, by: Sequence[int]) -> Document:
        """Each auditor gets the statement as text and sends it back as text."""
        letters = [self.auditors[i].reserve.sign(Document.from_json(statement.to_json())).to_json() for i in by]
        return self.bank.reserve.collect([Document.from_json(letter) for letter in letters])

    def mint(self, amount: str) -> Money:
        name = key("deposit")
        money = Money(amount, USD)
        self.bank.deposits.mint(self.client.session.wallet, money, deposit_reference=name, idempotency_key=name).wait()
        return money


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    keys = [LocalSigner.generate() for _ in range(3)]
    with (
        LocalAnvil() as anvil,
        Platform.deploy(
            anvil.url,
            LocalSigner.generate(),
            journal=tmp_path / "journal.sqlite",
            currencies=[USD, "EUR"],
            auditors=[each.address for each in keys],
            auditor_threshold=2,
            audit_cycle=30 * DAY,
        ) as bank,
    ):
        yield Scene(bank, [bank.acting(each) for each in keys], new_company(bank), anvil.clock())


def test_the_bank_mints_what_two_of_three_auditors_attest_and_no_more(scene: Scene) -> None:
    bank = scene.bank
    with pytest.raises(ReserveStale):
        scene.mint("0.01")
    document = scene.attest("1000.00", by=(2, 0), valid_for=20 * DAY)
    act = bank.reserve.submit(document, idempotency_key="first").wait()
    assert bank.reserve.submit(document, idempotency_key="first").wait().tx_hash == act.tx_hash
    scene.mint("999.99")
    with pytest.raises(ReserveShort) as caught:
        scene.mint("0.02")
    assert (caught.value.details["has"], caught.value.details["needs"]) == (100_000, 100_001)
    assert caught.value.hint
    scene.mint("0.01")

    backing = bank.reserve.backing(USD)
    assert backing.fresh
    assert (backing.attested, backing.supply, backing.surplus) == (
        Money("1000.00", USD), Money("1000.00", USD), Money.zero(USD)
    )  # fmt: skip
    assert backing.headroom == Money.zero(USD)
    assert backing.by_class == {"CENTRAL_BANK": Money("999.00", USD), "TREASURY_BILL": Money("1.00", USD)}
    assert [line.custodian for line in backing.lines] == ["BANKUS33", "BANKUS44"]
    assert (backing.sequence, backing.document_hash) == (1, "0x" + REPORT.hex())
    assert backing.valid_until == backing.as_of + 20 * DAY
    assert backing.next_due == backing.as_of + 30 * DAY
    assert backing.age == bank.session.now() - backing.as_of
    assert backing.to_dict()["surplus"] == Money.zero(USD).to_dict()
    assert bank.reserve.backing("EUR").freshness == "STALE"
    told = list(bank.reserve.history(USD))
    assert [(one["sequence"], one["attested"], one["tx"]) for one in told] == [(1, Money("1000.00", USD), act.tx_hash)]
    assert not list(bank.reserve.history("EUR"))


def test_stale_stops_minting_and_never_redemption(scene: Scene) -> None:
    bank, client = scene.bank, scene.client
    bank.reserve.submit(scene.attest("1000.00", valid_for=5 * DAY), idempotency_key="first").wait()
    scene.mint("100.00")
    scene.clock.advance(5 * DAY + 5)
    with pytest.raises(ReserveStale):
        scene.mint("1.00")
    assert bank.reserve.backing(USD).headroom == Money.zero(USD)
    redemption = client.deposits.request_redemption(Money("60.00", USD), payout=b"\1" * 32, idempotency_key="r").wait()
    who, reference = redemption.participant, redemption.reference
    bank.deposits.instruct_redemption(who, reference, currency=USD, idempotency_key="i").wait()
    bank.governance.pause(USD, idempotency_key="pause").wait()
    with pytest.raises(ReferenceMissing):
        bank.deposits.settle_redemption(
            who, reference, currency=USD, fiat_reference=bytes(32), idempotency_key="no reference"
        )
    bank.deposits.settle_redemption(who, reference, currency=USD, fiat_reference="wire", idempotency_key="s").wait()
    assert bank.deposits.supply(USD) == Money("40.00", USD)
    bank.governance.unpause(USD, idempotency_key="unpause").wait()

    bank.reserve.submit(scene.attest("1000.00", valid_for=90 * DAY), idempotency_key="second").wait()
    scene.mint("1.00")
    scene.clock.advance(30 * DAY + 5)
    assert bank.reserve.backing(USD).valid_until > bank.session.now() > bank.reserve.backing(USD).next_due
    with pytest.raises(ReserveStale):
        scene.mint("1.00")


def test_who_signed_must_suffice(scene: Scene) -> None:
    bank = scene.bank
    with pytest.raises(NotEnoughAttestations):
        bank.reserve.submit(scene.attest("1000.00", by=(1,)), idempotency_key="one")
    statement = bank.reserve.propose(USD, [ReserveLine("CASH", "VAULT", Money("5.00", USD))], report=REPORT)
    with pytest.raises(NotAnAuditor):
        bank.reserve.sign(statement)
    message = attestation_message(statement.body)
    stranger = statement.signed(bank.session.wallet, bank.session.sign("Reserve", "ReserveAttestation", message))
    one = scene.auditors[0].reserve.sign(statement)
    with pytest.raises(NotAnAuditor):
        bank.reserve.submit(bank.reserve.collect([one, stranger]), idempotency_key="stranger")
    forged = one.signed(scene.auditors[1].session.wallet, one.signature(scene.auditors[0].session.wallet))
    with pytest.raises(SignatureNotOf):
        bank.reserve.collect([forged])
    with pytest.raises(ContractError) as caught:
        bank.reserve.submit(forged, idempotency_key="forged")
    assert caught.value.code == "INVALID_AUDITOR_SIGNATURE"
    with pytest.raises(DocumentsDiffer):
        bank.reserve.collect([one, scene.auditors[1].reserve.sign(scene.attest("7.00", by=(2,)))])
    with pytest.raises(DocumentsDiffer):
        bank.reserve.collect([])
    assert bank.reserve.backing(USD).sequence == 0


def test_an_auditor_that_is_removed_takes_its_word_with_it(scene: Scene) -> None:
    bank = scene.bank
    bank.reserve.submit(scene.attest("1000.00"), idempotency_key="first").wait()
    scene.mint("1.00")
    bank.reserve.remove_auditor(scene.auditors[1].session.wallet, idempotency_key="remove").wait()
    assert len(bank.reserve.auditors()) == 2
    with pytest.raises(ReserveStale):
        scene.mint("1.00")
    with pytest.raises(NotAnAuditor):
        scene.auditors[1].reserve.sign(scene.attest("1.00", by=(0,)))
    replaced = bank.acting(LocalSigner.generate())
    bank.reserve.add_auditor(replaced.session.wallet, idempotency_key="add").wait()
    scene.auditors[1] = replaced
    bank.reserve.submit(scene.attest("1000.00"), idempotency_key="second").wait()
    scene.mint("1.00")
    bank.reserve.set_threshold(3, idempotency_key="three").wait()
    assert bank.reserve.threshold() == 3
    with pytest.raises(ReserveStale):
        scene.mint("1.00")
    bank.reserve.submit(scene.attest("1000.00", by=(0, 1, 2)), idempotency_key="third").wait()
    scene.mint("1.00")
    bank.reserve.set_cycle(USD, 0, idempotency_key="no cycle").wait()
    assert bank.reserve.cycle(USD) == 0
    with pytest.raises(ReserveStale):
        scene.mint("1.00")


def test_only_governance_changes_the_auditors(scene: Scene) -> None:
    with pytest.raises(MissingRole):
        scene.client.reserve.add_auditor(scene.client.session.wallet, idempotency_key="me too")
    with pytest.raises(MissingRole):
        scene.auditors[0].reserve.remove_auditor(scene.auditors[1].session.wallet, idempotency_key="not you")


def test_an_older_attestation_does_not_come_back(scene: Scene) -> None:
    bank = scene.bank
    high = scene.attest("1000.00")
    low = scene.attest("10.00", sequence=2)
    late = scene.attest("5000.00", sequence=9, submit_within=60)
    first = bank.reserve.submit(high, idempotency_key="high").wait()
    bank.reserve.submit(low, idempotency_key="low").wait()
    again = bank.reserve.submit(high, idempotency_key="high again")
    assert (again.status, again.tx_hash) == (Status.FINAL, first.tx_hash)
    with pytest.raises(ReserveAttestationSuperseded):
        bank.reserve.submit(scene.attest("2000.00", sequence=1), idempotency_key="another of the first number")
    scene.clock.advance(120)
    with pytest.raises(ReserveAttestationExpired):
        bank.reserve.submit(late, idempotency_key="late")
    assert bank.reserve.backing(USD).attested == Money("10.00", USD)


def test_a_token_without_a_reserve_does_not_mint(scene: Scene) -> None:
    bank = scene.bank
    bank.reserve.submit(scene.attest("1000.00"), idempotency_key="first").wait()
    bank.governance.set_reserve(USD, ZERO_ADDRESS, idempotency_key="none").wait()
    with pytest.raises(ReserveMissing):
        scene.mint("1.00")
    bank.governance.set_reserve(USD, bank.record.address("Reserve"), idempotency_key="again").wait()
    scene.mint("1.00")


def test_an_issuer_mints_no_faster_than_its_rate(scene: Scene) -> None:
    bank = scene.bank
    bank.reserve.submit(scene.attest("100000.00"), idempotency_key="first").wait()
    bank.governance.set_mint_rate(
        bank.session.wallet, Money("100.00", USD), DAY, idempotency_key="hundred a day"
    ).wait()
    scene.mint("60.00")
    room = bank.deposits.mint_room(currency=USD)
    assert (room.rate, room.reserve) == (Money("40.00", USD), Money("99940.00", USD))
    assert room.least == Money("40.00", USD)
    with pytest.raises(MintRateExceeded):
        scene.mint("45.00")
    scene.clock.advance(DAY // 10)
    scene.mint("45.00")
    bank.governance.set_mint_rate(bank.session.wallet, Money.zero(USD), DAY, idempotency_key="none").wait()
    scene.clock.advance(2 * DAY)
    with pytest.raises(MintRateExceeded):
        scene.mint("0.01")
    assert bank.deposits.mint_room(currency=USD).least == Money.zero(USD)


def test_what_makes_no_sense_is_refused_before_anybody_signs(scene: Scene) -> None:
    propose, now = scene.bank.reserve.propose, scene.bank.session.now()
    line = ReserveLine("CASH", "VAULT", Money("5.00", USD))
    for lines, options in (
        ([], {}),
        ([line, line], {}),
        ([ReserveLine("CASH", str(number), Money("5.00", USD)) for number in range(33)], {}),
        ([ReserveLine("", "VAULT", Money("5.00", USD))], {}),
        ([ReserveLine("CASH", "x" * 33, Money("5.00", USD))], {}),
        ([ReserveLine("CASH", "Düsseldorf", Money("5.00", USD))], {}),
        ([ReserveLine("CASH", "VAULT", Money("-5.00", USD))], {}),
        ([ReserveLine("CASH", "VAULT", Money("5.00", "EUR"))], {}),
        ([line], {"report": bytes(32)}),
        ([line], {"report": b"short"}),
        ([line], {"as_of": now + 3600}),
        ([line], {"as_of": 0}),
        ([line], {"as_of": now - 9 * DAY, "valid_for": 8 * DAY}),
        ([line], {"valid_for": 1096 * DAY + 1}),
    ):
        with pytest.raises(InvalidRequest):
            propose(USD, lines, **{"report": REPORT, **options})
    with pytest.raises(UnknownReserveCurrency):
        propose("JPY", [ReserveLine("CASH", "VAULT", Money("5", "JPY"))], report=REPORT)
    with pytest.raises(InvalidRequest):
        scene.bank.reserve.backing("USDC")
    hashed = ReserveLine("0x" + "ab" * 32, "VAULT", Money("5.00", USD))
    assert propose(USD, [hashed], report=REPORT).body["lines"][0]["assetClass"] == "0x" + "ab" * 32


CHANGES: list[dict[str, Any]] = [
    {"lines": [{"assetClass": "CASH", "custodian": "VAULT"}]},
    {"lines": [{"assetClass": "CASH", "custodian": "VAULT", "amount": "-1"}]},
    {"lines": [{"assetClass": "CASH", "custodian": "VAULT", "amount": "a lot"}]},
    {"lines": "all"},
    {"lines": ["all"]},
    {"asOf": "now"},
    {"sequence": -1},
    {"deadline": 2**40},
    {"documentHash": "0x12"},
    {"documentHash": 7},
    {"currency": "USDC"},
    {"currency": None},
    {"more": 1},
]


def test_malformed_documents_are_refused(scene: Scene) -> None:
    statement = scene.attest("5.00", by=(0,))
    for change in CHANGES:
        with pytest.raises(MalformedDocument):
            scene.auditors[0].reserve.sign(dataclasses.replace(statement, body={**statement.body, **change}))


def test_documents_for_elsewhere_are_refused(scene: Scene) -> None:
    statement = scene.attest("5.00", by=(0,))
    for elsewhere in ({"chain_id": 1}, {"contract": "0x" + "11" * 20}):
        with pytest.raises(DocumentForElsewhere):
            scene.auditors[0].reserve.sign(dataclasses.replace(statement, **elsewhere))
    with pytest.raises(MalformedDocument):
        scene.auditors[0].reserve.sign(dataclasses.replace(statement, kind="order"))
