"""Trades and standing rules as the chain knows them."""

from __future__ import annotations

from typing import Any

import pytest
from seen import call_of, key, logs_of, said, say, send
from watching import Watch

from pyjpm import Document, Money, Platform, RuleTerms, Schedule
from pyjpm.contracts.codec import encode_parameters
from pyjpm.sending.witness import Call, Effect
from pyjpm.terms import TradeTerms
from pyjpm.testing import new_company
from pyjpm.witnessing import ContractWitness, rules, trades

USD, EUR, SETTLEMENT, RULES = "USD", "EUR", "Settlement", "PaymentRules"
DAY = 86_400


def terms_of(document: Document) -> Any:
    return TradeTerms.from_body(document.body).to_message()


def swap(one: Platform, other: Platform, minor: int = 200, **more: Any) -> Document:
    """USD for EUR, in lots if asked for."""
    legs = [
        one.settlement.cash(one.session.wallet, other.session.wallet, Money.from_minor(minor, USD)),
        one.settlement.cash(other.session.wallet, one.session.wallet, Money.from_minor(minor, EUR)),
    ]
    return one.settlement.propose(legs, trade_reference=key("trade"), **more)


def holding(who: Platform, document: Document, currency: str, minor: int) -> Call:
    """The payer's own hold for the trade."""
    session = who.session
    data = encode_parameters([session.codec(SETTLEMENT).parameter("settle", "trade")], [terms_of(document)])
    name = TradeTerms.from_body(document.body).id
    return call_of(who, currency, "holdAndCall", session.address(SETTLEMENT), minor, name, data)


def hold(who: Platform, document: Document, currency: str, minor: int) -> str:
    arguments = who.session.codec(currency).decode_input(holding(who, document, currency, minor).data)
    assert arguments is not None
    return send(who, currency, "holdAndCall", *arguments[1])


def agreed(document: Document, *parties: Platform) -> Document:
    for party in parties:
        document = party.settlement.affirm(document)
    return document


@pytest.fixture
def dealer(bank: Platform) -> Platform:
    return new_company(bank, deposit="1000.00")


def test_every_act_about_trades_is_seen(watch: Watch, bank: Platform, buyer: Platform, dealer: Platform) -> None:
    bank.settlement.settle(agreed(swap(buyer, dealer), buyer, dealer), idempotency_key=key()).wait()
    pair = [agreed(swap(buyer, dealer, minor), buyer, dealer) for minor in (100, 300)]
    bank.settlement.settle_net(pair, idempotency_key=key()).act.wait()
    lots = agreed(swap(buyer, dealer, lots=2, agent=bank.session.wallet), buyer, dealer)
    for lot in (0, 1):
        bank.settlement.settle_lots(lots, first_lot=lot, count=1, idempotency_key=key()).wait()
    # Affirmed on the chain, held, called off by one, by all, and given back where it was not at once.
    called_off = swap(buyer, dealer)
    send(buyer, SETTLEMENT, "affirm", terms_of(called_off))
    buyer.settlement.cancel(called_off, idempotency_key=key()).wait()
    matched = swap(buyer, dealer)
    parts = [
        {"wallet": each.session.wallet, "signature": each.session.sign(SETTLEMENT, "Trade", terms_of(matched))}
        for each in (buyer, dealer)
    ]
    send(bank, SETTLEMENT, "affirmBySignature", terms_of(matched), parts)
    hold(buyer, matched, USD, 200)
    send(bank, USD, "stopNotary", bank.session.address(SETTLEMENT))
    deadline = bank.session.now() + DAY
    message = {"tradeId": TradeTerms.from_body(matched.body).id, "deadline": deadline}
    parts = [
        {"wallet": each.session.wallet, "signature": each.session.sign(SETTLEMENT, "CancelTrade", message)}
        for each in (buyer, dealer)
    ]
    send(bank, SETTLEMENT, "cancelTogether", terms_of(matched), deadline, parts)
    send(bank, USD, "resumeNotary", bank.session.address(SETTLEMENT))
    bank.settlement.release_hold(matched, buyer.session.wallet, USD, idempotency_key=key()).wait()
    assert not watch.unseen(trades)


def test_a_trade_settles_or_is_called_off(
    witness: ContractWitness, bank: Platform, buyer: Platform, dealer: Platform
) -> None:
    def calls(document: Document) -> list[Call]:
        terms = terms_of(document)
        return [
            call_of(bank, SETTLEMENT, "settle", terms, [], []),
            call_of(buyer, SETTLEMENT, "cancel", terms),
            call_of(dealer, SETTLEMENT, "affirm", terms),
            call_of(bank, SETTLEMENT, "settleNet", [{"trade": terms, "affirmations": [], "consents": []}], True),
            holding(buyer, document, USD, 200),
        ]

    def seen(document: Document) -> list[Effect]:
        return [each.effect for each in said(witness, bank, *calls(document))]

    done, off = agreed(swap(buyer, dealer), buyer, dealer), swap(buyer, dealer)
    assert seen(done) == [Effect.ABSENT] * 5
    settled = bank.settlement.settle(done, idempotency_key=key()).wait()
    assert settled.act is not None
    assert seen(done) == [Effect.APPLIED, Effect.CONFLICT, Effect.APPLIED, Effect.APPLIED, Effect.CONFLICT]
    assert say(witness, bank, calls(done)[0]).tx_hash == settled.act.tx_hash
    buyer.settlement.cancel(off, idempotency_key="off").wait()
    assert seen(off) == [Effect.CONFLICT, Effect.APPLIED, Effect.CONFLICT, Effect.CONFLICT, Effect.CONFLICT]


def test_lots_and_nets_that_went_otherwise(
    witness: ContractWitness, bank: Platform, buyer: Platform, dealer: Platform
) -> None:
    document = agreed(swap(buyer, dealer, 300, lots=3, agent=bank.session.wallet), buyer, dealer)
    other = agreed(swap(buyer, dealer, 100), buyer, dealer)
    lots = {
        (first, count): call_of(bank, SETTLEMENT, "settleLots", terms_of(document), first, count, [], [])
        for first, count in ((0, 1), (0, 2), (1, 1), (1, 2))
    }
    bank.settlement.settle_lots(document, first_lot=0, count=1, idempotency_key=key()).wait()
    seen = {each: say(witness, bank, call).effect for each, call in lots.items()}
    assert seen == {
        (0, 1): Effect.APPLIED,
        (0, 2): Effect.CONFLICT,
        (1, 1): Effect.ABSENT,
        (1, 2): Effect.ABSENT,
    }
    net = [{"trade": terms_of(each), "affirmations": [], "consents": []} for each in (document, other)]
    call = call_of(bank, SETTLEMENT, "settleNet", net, True)
    assert say(witness, bank, call).effect is Effect.ABSENT
    bank.settlement.settle(other, idempotency_key=key()).wait()
    half = say(witness, bank, call)
    assert (half.effect, half.detail["partial"]) == (Effect.CONFLICT, True)
    assert [len(half.detail["trades"][name]) for name in ("applied", "absent")] == [1, 1]
    last = bank.settlement.settle(document, idempotency_key=key()).wait()
    assert last.act is not None
    assert say(witness, bank, call).tx_hash is None  # in two transactions
    assert say(witness, bank, call).effect is Effect.APPLIED
    assert not witness.has_effect(call, logs_of(bank, last.act.tx_hash))


def test_what_settles_in_a_net_was_affirmed_by_all(
    witness: ContractWitness, bank: Platform, buyer: Platform, dealer: Platform
) -> None:
    document = agreed(swap(buyer, dealer), buyer, dealer)
    done = bank.settlement.settle_net([document], idempotency_key=key()).act.wait()
    affirm, settle = said(
        witness,
        bank,
        call_of(dealer, SETTLEMENT, "affirm", terms_of(document)),
        call_of(bank, SETTLEMENT, "settle", terms_of(document), [], []),
    )
    assert (affirm.effect, settle.effect, settle.tx_hash) == (Effect.APPLIED, Effect.APPLIED, done.tx_hash)


def test_an_affirmation_is_of_its_wallet(
    witness: ContractWitness, bank: Platform, buyer: Platform, dealer: Platform
) -> None:
    document = swap(buyer, dealer)
    calls = [call_of(each, SETTLEMENT, "affirm", terms_of(document)) for each in (buyer, dealer)]
    both = call_of(
        bank,
        SETTLEMENT,
        "affirmBySignature",
        terms_of(document),
        [{"wallet": each.session.wallet, "signature": b""} for each in (buyer, dealer)],
    )
    assert [each.effect for each in said(witness, bank, *calls, both)] == [Effect.ABSENT] * 3
    tx = send(buyer, SETTLEMENT, "affirm", terms_of(document))
    mine, theirs, all_ = said(witness, bank, *calls, both)
    assert (mine.effect, mine.tx_hash) == (Effect.APPLIED, tx)
    assert [theirs.effect, all_.effect] == [Effect.ABSENT, Effect.ABSENT]
    assert witness.references(calls[0]) != witness.references(calls[1])
    assert witness.references(both) == witness.references(calls[0]) | witness.references(calls[1])


# --- standing rules ---


def rent(payer: Platform, payee: Platform, **more: Any) -> Document:
    start = payer.session.now()
    action = payer.rules.pay(Money("1.00", USD), payee.session.participant)
    facts = {"start": start, "end": start + 366 * DAY, "rule_reference": key("rent"), **more}
    return payer.rules.propose(action, Schedule.interval(DAY), **facts)


def armed(payer: Platform, document: Document) -> Document:
    document = payer.rules.authorize(document)
    document = payer.rules.collect([document, payer.rules.approve(document)])
    payer.rules.submit_mandate(document, idempotency_key=key()).wait()
    payer.rules.arm(document, idempotency_key=key()).wait()
    return document


def test_every_act_about_rules_is_seen(watch: Watch, bank: Platform, buyer: Platform, seller: Platform) -> None:
    document = armed(buyer, rent(buyer, seller))
    bank.rules.execute(document, idempotency_key=key()).wait()
    buyer.rules.pause(document, idempotency_key=key()).wait()
    send(buyer, RULES, "approve", RuleTerms.from_body(document.body).to_message())
    buyer.rules.cancel(document, idempotency_key=key()).wait()
    assert not watch.unseen(rules)
    assert ("DepositToken", "registerMandateBySignature") in watch.rows


def test_a_period_is_done_once_or_passed_over(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform, clock: Any
) -> None:
    document = armed(buyer, rent(buyer, seller))
    terms = RuleTerms.from_body(document.body).to_message()
    periods = [call_of(bank, RULES, "execute", terms, period) for period in range(4)]
    done = bank.rules.execute(document, 0, idempotency_key=key()).wait()
    clock.advance(2 * DAY)
    bank.rules.execute(document, 2, idempotency_key=key()).wait()
    verdicts = said(witness, bank, *periods)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, Effect.CONFLICT, Effect.APPLIED, Effect.ABSENT]
    assert verdicts[0].tx_hash == done.tx_hash
    buyer.rules.cancel(document, idempotency_key="cancel").wait()
    arm, pause = call_of(bank, RULES, "arm", terms, []), call_of(buyer, RULES, "pause", terms)
    assert {each.effect for each in said(witness, bank, periods[3], arm, pause)} == {Effect.CONFLICT}
    assert not witness.is_named(pause)
    assert witness.is_named(call_of(buyer, RULES, "cancel", terms))


def test_an_approval_is_of_its_round(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    document = rent(buyer, seller, approvers=[buyer.session.wallet, seller.session.wallet], threshold=1)
    terms = RuleTerms.from_body(document.body).to_message()
    approve = call_of(buyer, RULES, "approve", terms)
    assert say(witness, buyer, approve).effect is Effect.ABSENT
    tx = send(buyer, RULES, "approve", terms)
    assert say(witness, buyer, approve).tx_hash == tx
    assert say(witness, bank, approve._replace(wallet=seller.session.wallet)).effect is Effect.ABSENT
    send(bank, RULES, "arm", terms, [])
    send(buyer, RULES, "pause", terms)
    assert say(witness, buyer, approve).effect is Effect.ABSENT  # the pause voids it


def test_trying_changes_nothing_and_is_unknown(
    witness: ContractWitness, bank: Platform, buyer: Platform, seller: Platform
) -> None:
    terms = RuleTerms.from_body(rent(buyer, seller).body).to_message()
    verdict = say(witness, bank, call_of(bank, RULES, "preview", terms))
    assert (verdict.effect, "nothing changes" in verdict.detail["reason"]) == (Effect.UNKNOWN, True)
