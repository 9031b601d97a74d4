"""Every planted break is found and called by its name, alone; and where nothing is wrong nothing is found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from planted import (
    DAY,
    FEE,
    UNKNOWN,
    WRITTEN,
    Entries,
    Silent,
    added,
    bank_side,
    changed,
    ledger_of,
    missing_deposit,
    topic,
    twice,
    unpaid,
    write,
)
from scene import Scene

from pyjpm.chain import Connection, Nodes
from pyjpm.errors.ledger import EventsInconsistent, InvalidPeriod
from pyjpm.ledger import BankEntry, BreakKind, Ledger
from pyjpm.ledger.breaks import REMEDIES
from pyjpm.ledger.matching import Payout, match

WHERE = str | Path


def test_where_everything_agrees_nothing_is_found(scene: Scene, ledger_url: WHERE) -> None:
    entries = bank_side(scene)
    with ledger_of(scene, ledger_url) as ledger:
        for sides in ({"deposits": entries}, {"statement": entries}, {"deposits": entries, "statement": entries}, {}):
            found = ledger.reconcile(**sides)
            assert found.breaks == ()
            assert found.clean
            assert found.events > 100
            assert found.figures > 40
        days = ledger.reconcile(deposits=entries).days
        assert {day.currency for day in days} == {"USD", "EUR"}
        assert all(day.minted == day.credited and day.burned == day.debited for day in days)
        assert sum(day.burned for day in days) == 3_000


@pytest.mark.parametrize("name", WRITTEN)
def test_who_wrote_to_the_ledger_is_found(scene: Scene, ledger_url: WHERE, name: str) -> None:
    statement, kind = WRITTEN[name]
    with ledger_of(scene, ledger_url) as ledger:
        write(ledger_url, statement)
        found = ledger.reconcile(deposits=bank_side(scene))
        assert [each.kind for each in found.breaks] == [kind], found.to_dict()["breaks"]
        assert "ledger_" in found.breaks[0].where


@pytest.mark.parametrize(
    "signature",
    [
        "Transfer(address,address,uint256)",
        "Paid(address,address,bytes32,uint256,bytes32)",
        "DailyLimitSet(uint32,uint256)",
        "MilestoneFunded(bytes32,uint256,address,uint256)",
        "HoldReleased(address,address,bytes32,uint256,uint256)",
    ],
)
def test_an_event_that_the_indexer_missed_is_found(scene: Scene, ledger_url: WHERE, signature: str) -> None:
    node = Silent(scene.bank.connection, topic(signature))
    silent = Nodes([Connection.open(node)])
    with Ledger(ledger_url, scene.bank, nodes=silent) as ledger:
        first = next(
            log.block_number
            for log in scene.bank.connection.logs((), [topic(signature)], from_block=0)
            if log.address in _addresses(scene)
        )
        ledger.sync(until=first)
        assert node.left_out > 0
    with Ledger(ledger_url, scene.bank) as ledger:
        with contextlib.suppress(EventsInconsistent):
            # Without a mint's Transfer a balance falls below zero later: that is not booked, what is there is compared.
            ledger.sync()
        found = ledger.reconcile()
        assert {each.kind for each in found.breaks} == {BreakKind.EVENT_MISSED}, found.to_dict()["breaks"]
        assert {each.block for each in found.breaks} == {first}
        assert len(found.breaks) == 1


def test_a_node_that_hides_an_event_from_both_is_found_by_the_contracts(scene: Scene, ledger_url: WHERE) -> None:
    node = Silent(scene.bank.connection, topic("AmountFrozen(address,uint256,uint256,bytes32)"))
    node._place = _last_place(scene, "AmountFrozen(address,uint256,uint256,bytes32)")
    with Ledger(ledger_url, scene.bank, nodes=Nodes([Connection.open(node)])) as ledger:
        ledger.sync()
        found = ledger.reconcile()
        assert {each.kind for each in found.breaks} == {BreakKind.FIGURE_DIFFERS}
        assert all("frozen" in each.where for each in found.breaks)


def test_an_order_whose_event_is_hidden_is_found_by_its_state(scene: Scene, ledger_url: WHERE) -> None:
    signature = "MilestoneReleased(bytes32,uint256,address,uint256)"
    node = Silent(scene.bank.connection, topic(signature))
    with Ledger(ledger_url, scene.bank, nodes=Nodes([Connection.open(node)])) as ledger:
        ledger.sync()
        found = ledger.reconcile()
        assert [each.kind for each in found.breaks] == [BreakKind.ORDER_STATE_DIFFERS]
        assert found.breaks[0].where == f"order {scene.order} milestone 0"


@pytest.mark.parametrize(
    ("contract", "name", "kind"),
    [
        ("Settlement", "TradeSettled", BreakKind.TRADE_STATE_DIFFERS),
        ("OrderEscrow", "OrderOpened", BreakKind.ORDER_STATE_DIFFERS),
        ("USD", "DepositMinted", BreakKind.EVENTS_INCONSISTENT),
        ("ParticipantRegistry", "WalletLinked", BreakKind.FIGURE_DIFFERS),
    ],
)
def test_what_a_node_hides_that_moves_no_money_is_found(
    scene: Scene, ledger_url: WHERE, contract: str, name: str, kind: BreakKind
) -> None:
    session = scene.bank.session
    hidden = session.codec(contract).topic(name)
    node = Silent(scene.bank.connection, hidden)
    *_, last = scene.bank.connection.logs(session.address(contract), [hidden], from_block=0)
    node._place = (last.block_hash, hex(last.log_index))
    with Ledger(ledger_url, scene.bank, nodes=Nodes([Connection.open(node)])) as ledger:
        ledger.sync()
        found = ledger.reconcile()
        assert [each.kind for each in found.breaks] == [kind], found.to_dict()["breaks"]
        assert all(each.block is not None for each in found.breaks)


def test_what_else_is_wrong_is_found_beside_an_event_that_was_missed(scene: Scene, ledger_url: WHERE) -> None:
    signature = "DailyLimitSet(uint32,uint256)"
    silent = Nodes([Connection.open(Silent(scene.bank.connection, topic(signature)))])
    with Ledger(ledger_url, scene.bank, nodes=silent) as ledger:
        ledger.sync()
        for name in ("total altered", "wallet altered", "payee altered"):
            write(ledger_url, WRITTEN[name][0])
    with Ledger(ledger_url, scene.bank) as ledger:
        assert sorted(each.kind for each in ledger.reconcile().breaks) == [
            BreakKind.EVENT_MISSED,
            BreakKind.LEDGER_ROW_ALTERED,
            BreakKind.LEDGER_ROW_ALTERED,
            BreakKind.LEDGER_TOTAL_DIFFERS,
        ]


Change = Callable[[Entries], Entries]
AT_THE_BANK: dict[str, tuple[Change, BreakKind]] = {
    "mint without a deposit": (missing_deposit, BreakKind.MINT_WITHOUT_DEPOSIT),
    "missing deposit": (added(UNKNOWN), BreakKind.DEPOSIT_NOT_MINTED),
    "deposit credited twice": (twice(True), BreakKind.DEPOSIT_CREDITED_TWICE),
    "deposit of another amount": (changed(amount_minor=1), BreakKind.DEPOSIT_AMOUNT_DIFFERS),
    "deposit in another currency": (changed(currency="EUR"), BreakKind.DEPOSIT_AMOUNT_DIFFERS),
    "burned but fiat not paid": (unpaid, BreakKind.BURNED_NOT_PAID),
    "paid twice": (twice(False), BreakKind.PAID_TWICE),
    "payout that was never redeemed": (added(FEE), BreakKind.PAID_NOT_BURNED),
}


@pytest.mark.parametrize("name", AT_THE_BANK)
def test_what_is_wrong_at_the_bank_is_found(scene: Scene, synced: Ledger, name: str) -> None:
    change, kind = AT_THE_BANK[name]
    found = synced.reconcile(deposits=change(bank_side(scene)))
    assert [each.kind for each in found.breaks] == [kind], found.to_dict()["breaks"]
    assert found.breaks[0].day is not None


@pytest.mark.parametrize("entry", [UNKNOWN, FEE])
def test_an_unknown_entry_of_a_statement_is_found(scene: Scene, synced: Ledger, entry: BankEntry) -> None:
    found = synced.reconcile(statement=[*bank_side(scene), entry])
    assert [each.kind for each in found.breaks] == [BreakKind.UNKNOWN_BANK_ENTRY]
    assert found.breaks[0].where == f"bank {'credit' if entry.credit else 'debit'} {entry.reference}"


def test_a_deposit_that_only_the_file_has_is_found(scene: Scene, synced: Ledger) -> None:
    entries = bank_side(scene)
    found = synced.reconcile(deposits=entries, statement=entries[1:])
    assert [each.kind for each in found.breaks] == [BreakKind.NOT_ON_STATEMENT]


def test_what_the_file_says_otherwise_than_the_statement_is_found(scene: Scene, synced: Ledger) -> None:
    entries = bank_side(scene)
    for change in (changed(amount_minor=1), changed(currency="EUR"), twice(True), twice(False)):
        found = synced.reconcile(deposits=change(entries), statement=entries)
        assert [each.kind for each in found.breaks] == [BreakKind.NOT_ON_STATEMENT], found.to_dict()["breaks"]
    for credit, kind in ((True, BreakKind.DEPOSIT_CREDITED_TWICE), (False, BreakKind.PAID_TWICE)):
        both = twice(credit)(entries)
        found = synced.reconcile(deposits=both, statement=both)
        assert [each.kind for each in found.breaks] == [kind]


def test_a_second_payout_of_a_redemption_is_paid_twice_whatever_the_bank_calls_it(scene: Scene, synced: Ledger) -> None:
    again = BankEntry("wire 2", 3_000, "USD", False, DAY, end_to_end_id=scene.redeemed[2:34])
    for sides in ({"statement": [*bank_side(scene), again]}, {"deposits": [*bank_side(scene), again]}):
        found = synced.reconcile(**sides)
        assert [each.kind for each in found.breaks] == [BreakKind.PAID_TWICE], found.to_dict()["breaks"]


def test_one_payout_is_of_one_currency() -> None:
    """Two redemptions that were settled under one reference: what left in one currency pays no other."""
    name = Payout("0x" + 64 * "1", 7, "USD", 3_000, 1, 1, "SETTLED", "0x" + 64 * "2")
    other = Payout("0x" + 64 * "3", 7, "EUR", 3_000, 2, 2, "SETTLED", "0x" + 64 * "2")
    left = BankEntry("0x" + 64 * "2", 6_000, "USD", False, DAY)
    found = match([], [name, other], deposits=None, statement=[left])
    assert [each.kind for each in found] == [BreakKind.PAYOUT_AMOUNT_DIFFERS, BreakKind.BURNED_NOT_PAID]


def test_days_that_end_before_they_begin_hide_nothing(scene: Scene, synced: Ledger) -> None:
    with pytest.raises(InvalidPeriod):
        synced.reconcile(deposits=[], since=DAY.replace(year=2030), until=DAY.replace(year=2000))


def test_fiat_that_left_for_a_redemption_that_was_not_burned_is_found(scene: Scene, synced: Ledger) -> None:
    """The payout carries the redemption's own reference, as its EndToEndId does: its first 32 digits."""
    session = scene.bank.session
    by_name = {
        name: next(iter(session.events("USD", name))).arguments["ref"].hex()
        for name in ("RedemptionRequested", "RedemptionReturned")
    }
    for name, kind in (
        ("RedemptionRequested", BreakKind.PAID_NOT_BURNED),
        ("RedemptionReturned", BreakKind.PAID_AND_RETURNED),
    ):
        payout = BankEntry("wire 9", 2_000, "USD", False, DAY, end_to_end_id=by_name[name][:32])
        found = synced.reconcile(statement=[*bank_side(scene), payout])
        assert [each.kind for each in found.breaks] == [kind]
        assert found.breaks[0].block is not None


def test_the_name_that_the_bank_gives_a_payout_is_known(scene: Scene, synced: Ledger) -> None:
    """Of a redemption that waits, and of one that was settled, whose payout the bank names in its own way."""
    entries = bank_side(scene)
    waiting = next(iter(scene.bank.session.events("USD", "RedemptionRequested"))).arguments["ref"].hex()

    def named(payout: Payout) -> str:
        return f"P{payout.participant}-{payout.reference[-8:]}"

    participant = scene.alice.session.participant
    paid = BankEntry("bank 77", 2_000, "USD", False, DAY, end_to_end_id=f"P{participant}-{waiting[-8:]}")
    settled = BankEntry("bank 78", 3_000, "USD", False, DAY, end_to_end_id=f"P{participant}-{scene.redeemed[-8:]}")
    statement = [*entries[:-1], settled, paid]
    found = synced.reconcile(statement=statement, payout_name=named)
    assert [each.kind for each in found.breaks] == [BreakKind.PAID_NOT_BURNED]
    without = [each.kind for each in synced.reconcile(statement=statement).breaks]
    assert sorted(without) == [
        BreakKind.BURNED_NOT_PAID,
        BreakKind.UNKNOWN_BANK_ENTRY,
        BreakKind.UNKNOWN_BANK_ENTRY,
    ]


def test_two_things_wrong_are_two_breaks(scene: Scene, ledger_url: WHERE) -> None:
    with ledger_of(scene, ledger_url) as ledger:
        write(ledger_url, WRITTEN["ledger row missing"][0])
        write(ledger_url, WRITTEN["event row altered"][0])
        found = ledger.reconcile(statement=[*bank_side(scene)[1:], UNKNOWN])
        assert sorted(each.kind for each in found.breaks) == [
            BreakKind.LEDGER_ROW_ALTERED,
            BreakKind.LEDGER_ROW_MISSING,
            BreakKind.MINT_WITHOUT_DEPOSIT,
            BreakKind.UNKNOWN_BANK_ENTRY,
        ]


def test_a_day_that_the_bank_side_does_not_cover_is_not_missed(scene: Scene, synced: Ledger) -> None:
    assert synced.reconcile(deposits=[], until=DAY.replace(year=2000)).clean
    assert not synced.reconcile(deposits=[], since=DAY.replace(year=2000)).clean


def test_every_kind_of_break_says_what_to_do() -> None:
    assert set(REMEDIES) == set(BreakKind)
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())


@pytest.fixture(scope="module")
def synced(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Of tests that change the bank's side only: where the ledger lies makes no difference to them."""
    ledger = Ledger(tmp_path_factory.mktemp("synced") / "ledger.db", scene.bank, keys=tuple(scene.keys.values()))
    ledger.sync()
    return ledger


def _addresses(scene: Scene) -> set[str]:
    record = scene.bank.record
    return {each.address for each in [*record.tokens.values(), *record.contracts.values()]}


def _last_place(scene: Scene, signature: str) -> tuple[str, str]:
    *_, last = scene.bank.connection.logs(scene.bank.session.address("USD"), [topic(signature)], from_block=0)
    return last.block_hash, hex(last.log_index)
