"""Documents come from other companies: whatever one holds, its reader answers with an error of ours, or reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from orders import DAY, agreed, key, milestone, new_attesters

from pyjpm import Document, Mode, Money, Platform, ReserveLine, Schedule
from pyjpm.custody import LocalSigner
from pyjpm.errors.base import PyjpmError
from pyjpm.participants import identity_hash

CHAINS = ("anvil",)  # what is read here is read before any chain is asked
WRONG: tuple[Any, ...] = (
    None, True, -1, 1.5, 1 << 256, "", "x", "0x", "0x1", "0x" + "g" * 40, "0x" + "1" * 40, "1" * 5_000, "١", [], [None],
    {}, {"x": 1},
)  # fmt: skip


def spoilt(value: Any) -> Iterator[Any]:
    """A value with each of its parts replaced by what it should not be, or missing, or one too many."""
    yield from WRONG
    if isinstance(value, dict):
        for name, part in value.items():
            yield {other: each for other, each in value.items() if other != name}
            yield from ({**value, name: each} for each in spoilt(part))
        yield {**value, "unheard of": 1}
    elif isinstance(value, list):
        for place, part in enumerate(value[:1]):
            yield from ([*value[:place], each, *value[place + 1 :]] for each in spoilt(part))
        yield value * 40


def variants(document: Document) -> Iterator[Document]:
    """What a hostile sender could make of a document."""
    plain = document.to_dict()
    for part in ("body", "signatures", "attachments"):
        for each in spoilt(plain[part]):
            if isinstance(each, dict):
                yield Document(**{**{n: v for n, v in plain.items() if n != "pyjpm"}, part: each})


@dataclass
class Scene:
    """A bank and two companies with an order between them."""

    bank: Platform
    buyer: Platform
    seller: Platform
    order: Document
    attestation: Document


@pytest.fixture
def scene(bank: Platform, buyer: Platform, seller: Platform) -> Scene:
    attesters = new_attesters(bank)
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND), milestone(bank, Mode.ON_ATTEST))
    bank.escrow.open(order, idempotency_key=key("open")).wait()
    return Scene(bank, buyer, seller, order, attesters.attest(order))


Readers = tuple[Document, list[Callable[[Document], Any]]]


def of_order(s: Scene) -> Readers:
    return s.order, [s.seller.escrow.countersign, s.bank.escrow.get]


def of_attestation(s: Scene) -> Readers:
    return s.attestation, [
        lambda d: s.bank.attestations.collect([d]),
        lambda d: s.bank.escrow.attest(s.order, d, idempotency_key=key("attest")),
    ]


def of_agreement(s: Scene) -> Readers:
    made = s.buyer.escrow.propose_agreement(s.order, 0, Money("1.00", "USD"))
    return made, [
        lambda d: s.seller.escrow.agree_to(s.order, d),
        lambda d: s.bank.escrow.agree(s.order, d, idempotency_key=key("agree")),
    ]


def of_cancellation(s: Scene) -> Readers:
    made = s.buyer.escrow.propose_cancellation(s.order, 0)
    return made, [
        lambda d: s.seller.escrow.agree_to(s.order, d),
        lambda d: s.bank.escrow.cancel_together(s.order, d, idempotency_key=key("cancel")),
    ]


def of_amendment(s: Scene) -> Readers:
    made = s.buyer.amendments.propose(s.order, document_root=b"\2" * 32)
    return made, [
        lambda d: s.seller.amendments.countersign(s.order, d),
        s.bank.amendments.order_of,
        lambda d: s.bank.amendments.carry_out(s.order, d, idempotency_key=key("amend")),
    ]


def of_trade(s: Scene) -> Readers:
    legs = [
        s.buyer.settlement.cash(s.buyer.session.wallet, s.seller.session.wallet, Money("1.00", "USD")),
        s.buyer.settlement.cash(s.seller.session.wallet, s.buyer.session.wallet, Money("1.00", "EUR")),
    ]
    made = s.buyer.settlement.affirm(s.buyer.settlement.propose(legs, trade_reference=key("trade")))
    return made, [
        s.seller.settlement.affirm,
        lambda d: s.bank.settlement.collect([made, d]),
        s.bank.settlement.get,
        lambda d: s.bank.settlement.settle(d, idempotency_key=key("settle")),
    ]


def of_quote(s: Scene) -> Readers:
    until = s.seller.session.now() + 600
    made = s.seller.settlement.quote(
        "EUR/USD", Money("10.00", "EUR"), until, price="1.0850", client=s.buyer.session.participant
    )
    return made, [s.buyer.settlement.read_quote, s.buyer.settlement.propose_quoted]


def of_rule(s: Scene) -> Readers:
    start = s.buyer.session.now()
    made = s.buyer.rules.propose(
        s.buyer.rules.pay(Money("1.00", "USD"), s.seller.session.participant),
        Schedule.interval(DAY),
        start=start,
        end=start + 90 * DAY,
        rule_reference=key("rule"),
    )
    made = s.buyer.rules.approve(s.buyer.rules.authorize(made))
    return made, [
        s.buyer.rules.approve,
        lambda d: s.bank.rules.collect([made, d]),
        s.bank.rules.preview,
        lambda d: s.bank.rules.arm(d, idempotency_key=key("arm")),
    ]


def of_authorization(s: Scene) -> Readers:
    made = s.buyer.payments.authorize(
        s.seller.session.participant, Money("1.00", "USD"), idempotency_key=key("word"), remittance=b"a"
    )
    return made, [lambda d: s.seller.payments.submit_authorization(d, idempotency_key=key("submit"))]


def of_clearance(s: Scene) -> Readers:
    asked = s.buyer.clearances.request(s.seller.session.participant, Money("1.00", "USD"), idempotency_key="cleared")
    return s.bank.clearances.sign(asked), [s.bank.clearances.read, s.buyer.clearances.verify]


def of_cleared_word(s: Scene) -> Readers:
    made = s.buyer.payments.authorize(s.seller.session.participant, Money("1.00", "USD"), idempotency_key=key("word"))
    asked = s.buyer.clearances.request_word(
        "USD",
        made.body["type"],
        {
            "from": s.buyer.session.wallet,
            "to": s.seller.session.wallet,
            "value": 1,
            "validAfter": 0,
            "validBefore": 2**39,
            "nonce": b"\1" * 32,
            "ref": b"\1" * 32,
            "remittanceHash": b"\1" * 32,
        },
    )
    return s.bank.clearances.sign(asked), [s.bank.clearances.read, s.buyer.clearances.verify]


def of_reserve(s: Scene) -> Readers:
    made = s.bank.reserve.propose(
        "USD", [ReserveLine("CENTRAL_BANK", "BANKUS33", Money("1.00", "USD"))], report=b"\7" * 32
    )
    return made, [
        s.bank.reserve.sign,
        lambda d: s.bank.reserve.collect([made, d]),
        lambda d: s.bank.reserve.submit(d, idempotency_key=key("reserve")),
    ]


def of_link(s: Scene) -> Readers:
    made = s.bank.acting(LocalSigner.generate()).participants.wallet_link(
        identity_hash({"lei": key("lei")}, b"\1" * 32)
    )
    return made, [
        lambda d: s.bank.participants.link_wallet(s.buyer.session.participant, d, idempotency_key=key("link"))
    ]


def of_change(s: Scene) -> Readers:
    made = s.buyer.participants.wallet_change(s.seller.session.wallet)
    return made, [lambda d: s.bank.participants.change_wallet(d, idempotency_key=key("change"))]


@pytest.mark.parametrize(
    "of",
    [of_order, of_attestation, of_agreement, of_cancellation, of_amendment, of_trade, of_quote, of_rule,
     of_authorization, of_clearance, of_cleared_word, of_reserve, of_link, of_change],
)  # fmt: skip
def test_whatever_a_document_holds_its_reader_answers(scene: Scene, of: Callable[[Scene], Readers]) -> None:
    document, readers = of(scene)
    seen = 0
    for each in variants(document):
        for read in readers:
            try:
                read(each)
            except PyjpmError:
                seen += 1
            except Exception as error:
                raise AssertionError(f"{document.kind} {each.to_dict()}"[:2_000]) from error
    assert seen > 50
