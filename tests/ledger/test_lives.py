"""Orders, trades, remittances and open items, as the ledger tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from scene import Scene, invoice_remittance, usd

from pyjpm import LocalSigner, Money, Platform
from pyjpm.chain import LocalAnvil
from pyjpm.errors.ledger import InvalidItem, ItemConflict
from pyjpm.ledger import Item, Kind, Ledger, read_items_file
from pyjpm.order import OrderState
from pyjpm.remittance import DocumentKind, Remittance, RemittanceDocument, RemittanceKey
from pyjpm.testing import backed_platform, new_company
from pyjpm.trade import TradeState

WHERE = str | Path


def test_an_order_is_told_from_its_opening_on(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        (order,) = ledger.orders(scene.order).values()
        assert ledger.orders() == {scene.order: order}
        assert (order.buyer, order.seller) == (scene.alice.session.participant, scene.dealer.session.participant)
        assert order.currency == "USD"
        assert [(part.state, part.funded, part.released) for part in order.milestones] == [
            (OrderState.RELEASED, 6_000, 6_000),
            (OrderState.FUNDED, 4_000, 0),
        ]
        assert [each.name for each in order.events][:3] == ["OrderOpened", "MilestoneFunded", "MilestoneFunded"]


def test_a_trade_is_settled_with_its_reference(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        (trade,) = ledger.trades(scene.trade).values()
        assert (trade.state, trade.matched, trade.lots) == (TradeState.SETTLED, True, 1)
        legs = ledger.payments(reference=scene.trade)
        assert [(leg.kind, leg.currency, leg.amount_minor) for leg in legs] == [
            (Kind.TRADE, "USD", 10_000),
            (Kind.TRADE, "EUR", 9_000),
        ]


def test_attested_reserves_and_redemptions_are_events(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        assert {each.subject for each in ledger.events("ReserveAttested")} == {"USD", "EUR"}
        assert [each.name for each in ledger.events(subject=scene.redeemed)] == [
            "RedemptionRequested",
            "RedemptionInstructed",
            "RedemptionSettled",
        ]


def test_who_has_a_key_reads_what_was_paid_for(scene: Scene, ledger_url: WHERE) -> None:
    bob = scene.bob.session.participant
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        assert ledger.payments(end_to_end_id="E2E-1") == []
    # A key that comes later opens what came before.
    with Ledger(ledger_url, scene.bank, keys=[scene.keys[scene.dealer.session.participant]]) as ledger:
        ledger.sync()
        assert ledger.payments(end_to_end_id="E2E-1") == []
    with Ledger(ledger_url, scene.bank, keys=[scene.keys[bob]]) as ledger:
        ledger.sync()
        (paid,) = ledger.payments(end_to_end_id="E2E-1")
        assert paid.remittance == invoice_remittance()
        assert (paid.payee, paid.amount_minor, paid.kind) == (bob, 1_000, Kind.PAYMENT)
        (entry,) = [each for each in ledger.statement(bob, "USD").entries if each.end_to_end_id == "E2E-1"]
        assert (entry.reference, entry.remittance, entry.amount_minor) == (paid.reference, paid.remittance, 1_000)
        assert ledger.reconcile().clean


# --- open items ------------------------------------------------------------------------------------------


class Trading:
    """A buyer who owes a seller three invoices less a credit note."""

    def __init__(self, bank: Platform) -> None:
        self.bank = bank
        self.buyer, self.seller = new_company(bank, deposit="5000.00"), new_company(bank)
        self.key = RemittanceKey.generate()
        self._count = 0

    def items(self, prefix: str) -> list[Item]:
        of = {"creditor": self.seller.session.participant, "debtor": self.buyer.session.participant, "currency": "USD"}
        amounts = {"A": 10_000, "B": 20_000, "C": 30_000}
        invoices = [
            Item(kind=DocumentKind.INVOICE, number=prefix + name, amount_minor=amount, **of)
            for name, amount in amounts.items()
        ]
        return [*invoices, Item(kind=DocumentKind.CREDIT_NOTE, number=prefix + "CN", amount_minor=5_000, **of)]

    def pay(self, amount: str, documents: list[RemittanceDocument]) -> None:
        self._count += 1
        name = f"E2E {self.buyer.session.participant} {self._count}"
        sealed = Remittance(end_to_end_id=name, documents=tuple(documents)).seal([self.key.public])
        self.buyer.payments.create(
            self.seller.session.wallet, usd(amount), idempotency_key=name, remittance=sealed
        ).wait()


def documents(items: list[Item]) -> list[RemittanceDocument]:
    return [RemittanceDocument(kind=i.kind, number=i.number, amount=usd(f"{i.amount_minor / 100:.2f}")) for i in items]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    journal = tmp_path_factory.mktemp("market") / "journal.sqlite"
    with LocalAnvil() as anvil, backed_platform(anvil.connection(), LocalSigner.generate(), journal=journal) as bank:
        yield bank


@pytest.fixture
def trading(market: Platform) -> Trading:
    return Trading(market)


def left(ledger: Ledger, trading: Trading, **when: int) -> dict[str, int]:
    found = ledger.open_items(trading.seller.session.participant, **when)
    return {each.item.number: each.open_minor for each in found.items}


def test_one_payment_over_three_invoices_less_a_credit_note_closes_them(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank, keys=[trading.key]) as ledger:
        items = trading.items("")
        assert ledger.add_items(items) == 4
        assert ledger.add_items(items) == 0
        before = ledger.sync().block
        assert left(ledger, trading) == {"A": 10_000, "B": 20_000, "C": 30_000, "CN": 5_000}
        trading.pay("550.00", documents(items))
        ledger.sync()
        found = ledger.open_items(trading.seller.session.participant)
        assert found.open == ()
        assert found.unapplied == ()
        assert len({settled.payment for each in found.items for settled in each.settled}) == 1
        # As of a block before it everything is open.
        assert left(ledger, trading, at_block=before) == {"A": 10_000, "B": 20_000, "C": 30_000, "CN": 5_000}


def test_a_short_payment_leaves_its_difference_open(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank, keys=[trading.key]) as ledger:
        items = trading.items("")
        ledger.add_items(items)
        trading.pay("549.25", documents(items))
        ledger.sync()
        assert left(ledger, trading) == {"A": 0, "B": 0, "C": 75, "CN": 0}
        # The rest comes later, for that invoice alone.
        trading.pay("0.75", [replace(documents(items)[2], remitted=usd("0.75"))])
        ledger.sync()
        assert set(left(ledger, trading).values()) == {0}


def test_what_is_paid_twice_or_for_unknown_documents_is_unapplied(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank, keys=[trading.key]) as ledger:
        invoice, *_ = items = trading.items("")
        ledger.add_items(items[:1])
        trading.pay("100.00", documents([invoice]))
        trading.pay("100.00", documents([invoice]))
        trading.pay("7.00", [RemittanceDocument(kind=DocumentKind.INVOICE, number="NOBODY'S", amount=usd("7.00"))])
        trading.pay("120.00", documents([items[1]])[:0])
        ledger.sync()
        found = ledger.open_items(trading.seller.session.participant, debtor=trading.buyer.session.participant)
        assert [each.open_minor for each in found.items] == [0]
        assert [(each.amount_minor, each.documents) for each in found.unapplied] == [
            (10_000, ("A",)),
            (700, ("NOBODY'S",)),
            (12_000, ()),
        ]


def test_no_more_of_a_credit_note_is_used_than_invoices_take(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank, keys=[trading.key]) as ledger:
        items = trading.items("")
        ledger.add_items(items)
        invoice, *_, note = documents(items)
        trading.pay("10.00", [replace(invoice, remitted=usd("30.00")), note])
        ledger.sync()
        found = ledger.open_items(trading.seller.session.participant)
        assert {each.item.number: each.open_minor for each in found.items} == {
            "A": 7_000,
            "B": 20_000,
            "C": 30_000,
            "CN": 2_000,
        }
        assert [(each.amount_minor, each.documents) for each in found.unapplied] == [(1_000, ("CN",))]


def test_a_document_in_another_currency_is_not_settled(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank, keys=[trading.key]) as ledger:
        invoice, *_ = items = trading.items("")
        ledger.add_items([invoice])
        trading.pay("100.00", [replace(documents(items)[0], amount=Money("100.00", "EUR"))])
        ledger.sync()
        found = ledger.open_items(trading.seller.session.participant)
        assert [each.open_minor for each in found.items] == [10_000]
        assert [(each.amount_minor, each.documents) for each in found.unapplied] == [(10_000, ("A",))]


def test_another_document_of_the_same_number_is_refused(trading: Trading, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, trading.bank) as ledger:
        invoice, other, *_ = trading.items("")
        ledger.add_items([invoice])
        with pytest.raises(ItemConflict):
            ledger.add_items([other, replace(invoice, amount_minor=1)])
        assert left(ledger, trading) == {"A": 10_000}


def test_documents_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    header = "creditor,debtor,kind,number,amount,currency,due\n"
    file.write_text(header + "7,8,invoice,A-1,12.50,USD,2026-12-01\n7,8,CREN,C-1,1,USD,\n")
    first, second = read_items_file(file)
    assert first == Item(7, 8, DocumentKind.INVOICE, "A-1", 1_250, "USD", due=date(2026, 12, 1))
    assert (second.kind, second.amount_minor, second.due) == (DocumentKind.CREDIT_NOTE, 100, None)
    for row, field in (
        ("x,8,invoice,A,1,USD,", "creditor"),
        ("7,8,bill,A,1,USD,", "kind"),
        ("7,8,invoice,A,1.005,USD,", "amount"),
        ("7,8,invoice,A,1,XXX,", "currency"),
        ("7,8,invoice,A,-1,USD,", "amount"),
        ("7,7,invoice,A,1,USD,", "debtor"),
        ("7,8,invoice,,1,USD,", "number"),
        ("7,8,invoice,A,1,USD,tomorrow", "due"),
    ):
        file.write_text(header + "7,8,invoice,A-1,12.50,USD,\n" + row + "\n")
        with pytest.raises(InvalidItem) as caught:
            read_items_file(file)
        assert (caught.value.details["line"], caught.value.details["field"]) == (3, field)
    file.write_text("creditor,debtor\n")
    with pytest.raises(InvalidItem):
        read_items_file(file)
