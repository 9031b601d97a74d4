"""The screening desk on a real chain: it signs what screening lets through, and nothing else pays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directory import directory_support as directory_desk
from eth_utils.crypto import keccak
from screening.screening_support import BENEFICIARY, CHECKER, MAKER, NOON, ORIGINATOR, STAFF, data, lists
from sqlalchemy import text

from pyjpm import Document, Flags, Money, Platform, Status
from pyjpm.clearing import Cap, ClearingDesk
from pyjpm.clearing import Policy as Caps
from pyjpm.directory import Directory, Entry
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.books import BookAltered
from pyjpm.errors.clearances import ClearanceRefused, InvalidPolicy
from pyjpm.errors.refusals import ClearanceMissing
from pyjpm.errors.remittance import MalformedRemittance, RemittanceNotForThisKey
from pyjpm.errors.screening import (
    MalformedTravelData,
    PartyUnknown,
    SanctionsListStale,
    ScreeningHeld,
    TravelDataMismatch,
    TravelDataMissing,
)
from pyjpm.remittance import Remittance, RemittanceKey, open_remittance
from pyjpm.screening import (
    FuzzyScreener,
    Hit,
    Kind,
    Party,
    Policy,
    Queue,
    Screening,
    State,
    Structuring,
    TravelData,
    Velocity,
    attach_travel,
    open_travel,
    screening_desk,
)

USD = "USD"
BANK_KEY = RemittanceKey.generate()
SMALL, LARGE = Money("100.00", USD), Money("3000.00", USD)
NO_RULES = Policy(oldest=10**9)


class House:
    """The bank's desk, a payer whose money moves with clearances only, and a payee."""

    def __init__(self, bank: Platform, payer: Platform, payee: Platform, folder: Path, stack: ExitStack) -> None:
        self.bank, self.payer, self.payee, self.folder = bank, payer, payee, folder
        self.stack = stack
        self.names = {payer.session.participant: "Northwind Traders Inc", payee.session.participant: "Contoso GmbH"}
        self.now = NOON
        self.queue = stack.enter_context(Queue(folder / "queue.db", staff=STAFF, now=lambda: self.now))
        participant = payer.session.participant
        bank.restrictions.add_flags(participant, Flags.CLEARANCE, idempotency_key=f"flag {participant}").wait()
        for each in (payer, payee):
            key = RemittanceKey.generate()
            whose = each.session.participant
            published = bank.session.submit(
                kind="participants.updateProfile",
                key=f"key {whose}",
                content={"participant": whose},
                contract="ParticipantRegistry",
                function="updateProfile",
                arguments=(whose, bytes(32), key.public),
            )
            bank.session.sender.wait(published.id, 60)

    def desk(self, policy: Policy = NO_RULES, **more: Any) -> ClearingDesk:
        listed = more.pop("lists", None) or lists()
        screening = Screening(
            more.pop("queue", self.queue),
            listed,
            more.pop("screeners", None) or [FuzzyScreener(listed)],
            lambda participant: Party(self.names[participant]) if participant in self.names else None,
            policy=policy,
            now=lambda: self.now,
            **more,
        )
        caps = Caps(caps={USD: Cap(10**9, 10**10)}, payees=None)
        return screening_desk(self.bank, screening, caps, self.folder / "ledger.sqlite", [BANK_KEY])

    def request(self, amount: Money, key: str, travel: TravelData | None = None, **more: Any) -> tuple[Document, bytes]:
        """A request with its remittance; travel data is committed to and attached."""
        committed = more.get("committed", b"" if travel is None else travel.commitment)
        readers = more.get("readers", [BANK_KEY.public])
        sealed = b""
        if committed:
            remittance = Remittance(end_to_end_id=key, travel=committed)
            sealed = self.payer.payments.seal(self.payee.session.participant, remittance, readers=readers)
        asked = self.payer.clearances.request(
            self.payee.session.participant, amount, idempotency_key=key, remittance=sealed
        )
        return (asked if travel is None else attach_travel(asked, [travel], [BANK_KEY.public])), sealed

    def pay(self, amount: Money, key: str, cleared: Document, sealed: bytes) -> Any:
        to = self.payee.session.participant
        return self.payer.payments.create(to, amount, idempotency_key=key, remittance=sealed, clearance=cleared).wait()


@pytest.fixture
def house(bank: Platform, buyer: Platform, seller: Platform, tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(bank, buyer, seller, tmp_path, stack)


def decide(queue: Queue, name: str, outcome: State) -> None:
    queue.propose(name, outcome, maker=MAKER, reason="looked at it")
    queue.approve(name, checker=CHECKER, reason="looked at it too")


def test_what_screening_lets_through_pays(house: House) -> None:
    asked, sealed = house.request(SMALL, "one")
    with pytest.raises(ClearanceMissing):
        house.payer.payments.create(house.payee.session.participant, SMALL, idempotency_key="one")
    desk = house.desk()
    cleared = desk.clear(asked)
    paid = house.pay(SMALL, "one", cleared, sealed)
    assert paid.status is Status.FINAL
    assert house.bank.deposits.balance(house.payee.session.wallet, currency=USD).balance == SMALL
    assert desk.clear(asked) == cleared
    assert list(house.queue.list()) == []


def test_a_hit_holds_until_two_people_released_it(house: House) -> None:
    house.names[house.payee.session.participant] = "Yusuf Karimov"
    asked, sealed = house.request(SMALL, "one")
    desk = house.desk()
    with pytest.raises(ScreeningHeld) as told:
        desk.clear(asked)
    (hit,) = told.value.details["hits"]
    (queued,) = house.queue.list(state=State.OPEN)
    assert (queued.id, queued.hit.entry, queued.hit.party.name) == (hit, "90001", "Yusuf Karimov")
    assert desk.decide(asked).document is None
    house.queue.propose(hit, State.RELEASED, maker=MAKER, reason="another birth date")
    with pytest.raises(ScreeningHeld):
        desk.clear(asked)
    house.queue.approve(hit, checker=CHECKER, reason="seen the passport")
    house.pay(SMALL, "one", desk.clear(asked), sealed)
    other, _ = house.request(SMALL, "two")
    desk.clear(other)  # the same party, list and version: released once is enough


def test_a_new_version_of_the_list_holds_again(house: House) -> None:
    house.names[house.payee.session.participant] = "Yusuf Karimov"
    asked, _ = house.request(SMALL, "one")
    with pytest.raises(ScreeningHeld) as told:
        house.desk().clear(asked)
    decide(house.queue, told.value.details["hits"][0], State.RELEASED)
    house.desk().clear(asked)
    newer = [replace(each, version=each.version + "+1") for each in lists()]
    with pytest.raises(ScreeningHeld):
        house.desk(lists=newer).clear(asked)


def test_a_confirmed_hit_is_never_cleared(house: House) -> None:
    house.names[house.payer.session.participant] = "Nightshade Trading and Shipping"
    asked, _ = house.request(SMALL, "one")
    with pytest.raises(ScreeningHeld) as told:
        house.desk().clear(asked)
    decide(house.queue, told.value.details["hits"][0], State.CONFIRMED)
    for _ in range(2):
        with pytest.raises(ScreeningHeld):
            house.desk().clear(asked)


def test_a_forged_release_clears_nothing(house: House) -> None:
    house.names[house.payee.session.participant] = "Yusuf Karimov"
    asked, _ = house.request(SMALL, "one")
    with pytest.raises(ScreeningHeld):
        house.desk().clear(asked)
    with house.queue.book.writing() as connection:
        connection.execute(text("UPDATE screening_hit SET state = 'RELEASED'"))
    with pytest.raises(BookAltered):
        house.desk().clear(asked)
    assert house.desk().decide(asked).document is None


# --- travel data -----------------------------------------------------------------------------------------------------


def test_from_3000_dollars_up_it_pays_with_whole_travel_data_only(house: House) -> None:
    below = Money("2999.99", USD)
    house.desk().clear(house.request(below, "below")[0])
    with pytest.raises(TravelDataMissing) as told:
        house.desk().clear(house.request(LARGE, "none")[0])
    assert told.value.details["missing"] == ["all"]
    lacking = data(LARGE, beneficiary=replace(BENEFICIARY, street="", account=""))
    with pytest.raises(TravelDataMissing) as told:
        house.desk().clear(house.request(LARGE, "lacking", lacking)[0])
    assert told.value.details["missing"] == ["Cdtr/PstlAdr/StrtNm", "CdtrAcct/Id"]

    whole = data(LARGE)
    asked, sealed = house.request(LARGE, "whole", whole)
    paid = house.pay(LARGE, "whole", house.desk().clear(Document.from_json(asked.to_json())), sealed)
    assert paid.status is Status.FINAL
    movement = house.bank.clearances.read(asked).movements[0]
    assert open_travel(house.queue, movement, [BANK_KEY]) == whole
    # Stored sealed: no file of the desk has a word of it.
    for path in house.folder.iterdir():
        for secret in (BENEFICIARY.account, ORIGINATOR.street):
            assert secret.encode() not in path.read_bytes(), path
    with pytest.raises(TravelDataMissing):
        open_travel(house.queue, "nothing", [BANK_KEY])
    with pytest.raises(RemittanceNotForThisKey):
        open_travel(house.queue, movement, [RemittanceKey.generate()])


def test_the_chain_commits_to_the_travel_data(house: House) -> None:
    """Chain → hash of the sealed remittance → salted hash in it → the data, and no other data."""
    whole = data(LARGE)
    asked, sealed = house.request(LARGE, "whole", whole)
    paid = house.pay(LARGE, "whole", house.desk().clear(asked), sealed)
    (event,) = house.bank.contract(USD).events.Paid().get_logs(from_block=paid.block, to_block=paid.block)
    on_chain = bytes(event["args"]["remittanceHash"])
    assert on_chain == keccak(sealed)
    assert open_remittance(sealed, BANK_KEY, expected_hash=on_chain).travel == whole.commitment


def test_travel_data_of_something_else_is_refused(house: House) -> None:
    whole = data(LARGE)
    cases: list[tuple[type[PyjpmError], Document]] = [
        (TravelDataMismatch, house.request(LARGE, "amount", data(Money("3000.01", USD)))[0]),
        (TravelDataMismatch, house.request(LARGE, "other", whole, committed=data(LARGE).commitment)[0]),
        (TravelDataMismatch, house.request(LARGE, "no remittance", whole, committed=b"")[0]),
        (RemittanceNotForThisKey, house.request(LARGE, "not for the bank", whole, readers=[])[0]),
    ]
    asked, _ = house.request(LARGE, "malformed", whole)
    for attached in ("text", {}, [], ["0xzz"], [5], ["0x00", "0x00"], ["zz"]):
        error = TravelDataMissing if attached == [] else MalformedTravelData
        cases.append((error, asked.attached("travel", attached)))
    cases.append((MalformedRemittance, asked.attached("travel", ["0x00"])))
    for error, document in cases:
        with pytest.raises(error):
            house.desk().clear(document)
        assert house.desk().decide(document).document is None


def test_who_is_named_in_travel_data_is_screened_too(house: House) -> None:
    named = data(LARGE, beneficiary=replace(BENEFICIARY, name="Alexei Chernyshov"))
    asked, _ = house.request(LARGE, "one", named)
    with pytest.raises(ScreeningHeld):
        house.desk().clear(asked)
    (queued,) = house.queue.list()
    assert (queued.hit.entry, queued.hit.party.country) == ("EU.9001.1", "DE")


def test_accounts_must_be_those_of_payer_and_payee(house: House) -> None:
    people = {"staff": directory_desk.STAFF, "now": lambda: NOON}
    directory = house.stack.enter_context(Directory(house.folder / "directory.db", **people))  # type: ignore[arg-type]
    payer, payee = house.payer.session.participant, house.payee.session.participant
    asked, _ = house.request(LARGE, "one", data(LARGE))
    with pytest.raises(TravelDataMismatch, match="originator"):
        house.desk(directory=directory).clear(asked)
    directory_desk.mapped(directory, Entry.of("CUSTOMER", "C-1", payer, "Northwind", 0), "payer")
    directory_desk.mapped(directory, Entry.of("IBAN", BENEFICIARY.account, payer, "Northwind", 0), "wrong")
    with pytest.raises(TravelDataMismatch, match="beneficiary"):
        house.desk(directory=directory).clear(asked)
    directory_desk.mapped(directory, Entry.of("IBAN", BENEFICIARY.account, payee, "Contoso", 0), "right")
    house.desk(directory=directory).clear(asked)


# --- velocity and structuring ----------------------------------------------------------------------------------------


def test_velocity_holds_what_goes_beyond_and_counts_once(house: House) -> None:
    rule = Velocity("hourly", USD, 3_600, most=25_000)
    policy = replace(NO_RULES, rules=(rule,))
    first, _ = house.request(SMALL, "one")
    for _ in range(3):
        house.desk(policy).clear(first)
    house.desk(policy).clear(house.request(SMALL, "two")[0])
    third, _ = house.request(SMALL, "three")
    with pytest.raises(ScreeningHeld) as told:
        house.desk(policy).clear(third)
    (queued,) = house.queue.list()
    assert (queued.hit.source, queued.hit.name) == ("rule hourly", "USD 300.00 in 3600 s are more than USD 250.00")
    decide(house.queue, told.value.details["hits"][0], State.RELEASED)
    house.desk(policy).clear(third)
    with pytest.raises(ScreeningHeld):  # the release was of that payment alone
        house.desk(policy).clear(house.request(SMALL, "four")[0])


def test_splitting_below_the_travel_rule_is_held(house: House) -> None:
    policy = replace(NO_RULES, rules=(Structuring("split", USD, 86_400, threshold=300_000, same_payee=True),))
    house.desk(policy).clear(house.request(Money("1500.00", USD), "one")[0])
    with pytest.raises(ScreeningHeld):
        house.desk(policy).clear(house.request(Money("1500.00", USD), "two")[0])


def test_a_batch_is_judged_as_one(house: House) -> None:
    wallet = house.payee.session.wallet

    def batch(*amounts: int) -> Document:
        items = [
            {"to": wallet, "amount": minor, "ref": bytes([place + 1]) * 32, "remittance": b""}
            for place, minor in enumerate(amounts)
        ]
        return house.payer.clearances.request_call(USD, "payBatch", items)

    policy = replace(NO_RULES, rules=(Velocity("hourly", USD, 3_600, most=25_000),))
    with pytest.raises(ScreeningHeld):
        house.desk(policy).clear(batch(10_000, 10_000, 5_001))
    with pytest.raises(TravelDataMissing):
        house.desk().clear(batch(1, 300_000))
    with house.queue.book.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM screening_movement")).scalar_one() == 0
    house.desk(policy).clear(batch(10_000, 10_000, 5_000))
    with house.queue.book.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM screening_movement")).scalar_one() == 3


def test_what_the_desk_refuses_after_screening_makes_no_room_for_more(house: House) -> None:
    """A batch that names one reference twice is screened and then refused: the reference is not good for more."""
    wallet, reference = house.payee.session.wallet, b"\7" * 32
    policy = replace(NO_RULES, rules=(Velocity("hourly", USD, 3_600, most=25_000),))
    items = [{"to": wallet, "amount": 1, "ref": reference, "remittance": b""} for _ in range(2)]
    with pytest.raises(ClearanceRefused):
        house.desk(policy).clear(house.payer.clearances.request_call(USD, "payBatch", items))
    large = house.payer.clearances.request_call(USD, "pay", wallet, 200_000, reference, b"")
    with pytest.raises(ClearanceRefused):
        house.desk(policy).clear(large)


# --- it fails closed -------------------------------------------------------------------------------------------------


def test_an_unknown_party_is_not_paid(house: House) -> None:
    asked, _ = house.request(SMALL, "one")
    for who in (house.payee, house.payer):
        name = house.names.pop(who.session.participant)
        with pytest.raises(PartyUnknown):
            house.desk().clear(asked)
        house.names[who.session.participant] = " "
        with pytest.raises(PartyUnknown):
            house.desk().clear(asked)
        house.names[who.session.participant] = name
    stranger = house.payer.clearances.request_call(USD, "pay", "0x" + "12" * 20, 1, b"\1" * 32, b"")
    with pytest.raises(PartyUnknown):
        house.desk().clear(stranger)


def test_an_old_list_clears_nothing(house: House) -> None:
    asked, _ = house.request(SMALL, "one")
    policy = Policy(oldest=7 * 86_400)
    house.desk(policy).clear(asked)
    house.now = NOON + 4 * 86_400
    with pytest.raises(SanctionsListStale) as told:
        house.desk(policy).clear(asked)
    assert told.value.details["list"] == "OFAC SDN"


def test_a_screener_that_fails_clears_nothing(house: House) -> None:
    class Broken:
        versions: dict[str, str] = {}  # noqa: RUF012

        def screen(self, party: Party) -> list[Hit]:
            raise ConnectionError("the service is away")

    asked, _ = house.request(SMALL, "one")
    with pytest.raises(ConnectionError):
        house.desk(screeners=[FuzzyScreener(lists()), Broken()]).clear(asked)
    with house.queue.book.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM screening_movement")).scalar_one() == 0


def test_a_third_party_screener_is_asked_as_well(house: House) -> None:
    class OwnList:
        versions: dict[str, str] = {}  # noqa: RUF012

        def screen(self, party: Party) -> list[Hit]:
            return [Hit(party, "own", "1", "1", "Contoso", 100)] if "Contoso" in party.name else []

    asked, _ = house.request(SMALL, "one")
    with pytest.raises(ScreeningHeld):
        house.desk(screeners=[FuzzyScreener(lists()), OwnList()]).clear(asked)
    (queued,) = house.queue.list()
    assert (queued.hit.source, queued.hit.party.kind) == ("own", Kind.OTHER)


def test_what_is_not_screened_is_not_cleared(house: House) -> None:
    asked = house.payer.clearances.request_call(USD, "requestRedemption", 1, b"\1" * 32, b"\2" * 32)
    decision = house.desk().decide(asked)
    assert decision.document is None
    assert decision.reason.startswith("CLEARANCE_REFUSED")
    with pytest.raises(ClearanceRefused):
        house.desk().clear(asked)


def test_payees_are_left_to_screening_only_where_there_is_some(house: House) -> None:
    caps = Caps(caps={USD: Cap(1, 1)}, payees=None)
    with pytest.raises(InvalidPolicy):
        ClearingDesk(house.bank.clearances, caps, house.folder / "other.sqlite")
