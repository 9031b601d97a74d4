"""Proposals for netting and sweeping: what they say is what then happens on the chain."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sdk.orders import key, usd

from pyjpm import Document, Money, Platform, RuleState, Schedule, TradeState
from pyjpm.chain import DevClock
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.treasury import InvalidPayables
from pyjpm.testing import new_company
from pyjpm.treasury import Group, Member, Payable, load_payables, propose_netting, propose_sweeps

DAY = 86_400


@pytest.fixture
def people(bank: Platform) -> list[Platform]:
    return [new_company(bank, deposit="100.00") for _ in range(3)]


@pytest.fixture
def group(people: list[Platform]) -> Group:
    return Group(
        name="group",
        member=[Member(name=f"member {n}", participant=each.session.participant) for n, each in enumerate(people)],
    )


def debt(name: str, debtor: Platform, creditor: Platform, amount: str) -> Payable:
    return Payable(name, debtor.session.participant, creditor.session.participant, Money.parse(amount))


def affirmed(document: Document, people: list[Platform]) -> Document:
    wallets = {leg[side] for leg in document.body["legs"] for side in ("from", "to")}
    return people[0].settlement.collect(
        [each.settlement.affirm(document) for each in people if each.session.wallet in wallets]
    )


def test_a_netting_settles_what_it_says(bank: Platform, people: list[Platform], group: Group) -> None:
    one, two, three = people
    payables = [
        debt("i1", one, two, "USD 500.00"),
        debt("i2", two, three, "USD 450.00"),
        debt("i3", three, one, "USD 430.00"),
        debt("i4", two, one, "USD 20.00"),
        debt("i5", one, two, "EUR 7.00"),
    ]
    (netting,) = propose_netting(bank, group, payables)
    assert netting.gross == (Money("7.00", "EUR"), Money("1400.00", "USD"))
    # one: -500 + 430 + 20 = -50; two: +500 - 450 - 20 = +30; three: +450 - 430 = +20
    assert netting.net == (Money("7.00", "EUR"), Money("50.00", "USD"))
    assert (netting.payments, netting.movements) == (5, 3)
    assert sorted(netting.payables) == ["i1", "i2", "i3", "i4", "i5"]
    told = netting.to_dict()
    assert told["movements"] == 3
    # No one has 430.00 at hand: only the net goes.
    documents = [affirmed(Document.from_json(each.to_json()), people) for each in netting.documents]
    done = bank.settlement.settle_net(documents, idempotency_key=key("net")).wait()
    assert {trade.status for trade in done.trades} == {TradeState.SETTLED}
    assert [usd(bank, each) for each in people] == [5_000, 13_000, 12_000]
    assert done.act.tx_hash is not None
    receipt = bank.connection.receipt(done.act.tx_hash)
    assert receipt is not None
    transfer = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
    assert sum(log.topics[0] == transfer for log in receipt.logs) == netting.movements
    # The same payables are the same trades, which settle once.
    (again,) = propose_netting(bank, group, list(reversed(payables)), expiry=documents[0].body["expiry"])
    assert [each.body for each in again.documents] == [each.body for each in netting.documents]
    assert bank.settlement.get(again.documents[0]).status is TradeState.SETTLED


def test_what_was_netted_is_not_proposed_again(
    bank: Platform, people: list[Platform], group: Group, clock: DevClock
) -> None:
    """A day later the same payables would be another trade, with another end, and be paid a second time."""
    one, two, three = people
    payables = [debt("j1", one, two, "USD 5.00"), debt("j2", two, one, "USD 1.00")]
    (netting,) = propose_netting(bank, group, payables)
    documents = [affirmed(document, people) for document in netting.documents]
    bank.settlement.settle_net(documents, idempotency_key=key("net")).wait()
    clock.advance(DAY)
    with pytest.raises(InvalidPayables) as refused:
        propose_netting(bank, group, [*reversed(payables), debt("j3", two, three, "USD 2.00")])
    assert refused.value.details["payable"] == "j1"
    assert "settled" in refused.value.details["problem"]
    (rest,) = propose_netting(bank, group, [debt("j3", two, three, "USD 2.00")])
    assert rest.payables == ("j3",)
    assert usd(bank, two) == 10_400


def test_many_payables_fill_several_nettings_and_lose_nothing(bank: Platform) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    drawn = random.Random(seed)
    members = [new_company(bank) for _ in range(4)]
    ids = [each.session.participant for each in members]
    big = Group(name="big", member=[Member(name=str(each), participant=each) for each in ids])
    payables = []
    for number in range(900):
        debtor, creditor = drawn.sample(ids, 2)
        currency = drawn.choice(["USD", "EUR"])
        payables.append(Payable(f"p{number}", debtor, creditor, Money.from_minor(drawn.randint(1, 10**6), currency)))
    nettings = propose_netting(bank, big, payables)
    assert sorted(name for each in nettings for name in each.payables) == sorted(each.id for each in payables)
    by_hand: dict[tuple[str, str], int] = defaultdict(int)
    wallets = {each.session.participant: each.session.wallet for each in members}
    for each in payables:
        by_hand[each.amount.currency, wallets[each.debtor]] -= each.amount.minor
        by_hand[each.amount.currency, wallets[each.creditor]] += each.amount.minor
    told: dict[tuple[str, str], int] = defaultdict(int)
    for netting in nettings:
        assert 1 <= len(netting.documents) <= 64
        assert all(len(document.body["legs"]) <= 32 for document in netting.documents)
        for position in netting.positions:
            told[bank.record.currency_of(position.token), position.wallet] += position.net
    assert told == by_hand
    assert sum(each.payments for each in nettings) == 900
    assert sum(each.movements for each in nettings) <= 6 * len(nettings)


def test_what_cannot_be_netted(bank: Platform, people: list[Platform], group: Group, seller: Platform) -> None:
    one, two, _ = people
    good = debt("i1", one, two, "USD 1.00")
    for bad, problem in (
        ([good, good], "twice"),
        ([good, debt("i1 ", one, two, "USD 1.00")], "twice"),
        ([debt(" ", one, two, "USD 1.00")], "no id"),
        ([debt("i1", one, one, "USD 1.00")], "the same"),
        ([debt("i1", one, seller, "USD 1.00")], "no member"),
        ([debt("i1", one, two, "USD 0.00")], "more than zero"),
        ([debt("i1", one, two, "USD -1.00")], "more than zero"),
    ):
        with pytest.raises(InvalidPayables) as refused:
            propose_netting(bank, group, bad)
        assert problem in refused.value.details["problem"]
    assert propose_netting(bank, group, []) == ()


def test_payables_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "payables.csv"
    path.write_text("id,debtor,creditor,amount,currency\ni1,1,2,10.00,USD\ni2,2,1,3,JPY\n")
    assert load_payables(path) == [
        Payable("i1", 1, 2, Money("10.00", "USD")),
        Payable("i2", 2, 1, Money("3", "JPY")),
    ]
    for bad, place in (
        ("debtor,creditor\n1,2\n", "payables.csv"),
        ("id,debtor,creditor,amount,currency\ni1,one,2,10.00,USD\n", ":2"),
        ("id,debtor,creditor,amount,currency\ni1,1,2,10.00,USD\ni2,1,2,10.001,USD\n", ":3"),
        ("id,debtor,creditor,amount,currency\ni1,1\n", ":2"),
    ):
        path.write_text(bad)
        with pytest.raises(InvalidPayables) as refused:
            load_payables(path)
        assert refused.value.details["payable"].endswith(place)
    with pytest.raises(InvalidPayables):
        load_payables(tmp_path / "none.csv")


def test_sweeps_concentrate_what_is_above_and_fill_what_is_below(
    bank: Platform, people: list[Platform], group: Group, clock: DevClock
) -> None:
    header, rich, poor = people
    poor.payments.create(rich.session.participant, Money("70.00", "USD"), idempotency_key="poor").wait()
    end = bank.session.now() + 30 * DAY
    level, cap = {"USD": Money("50.00", "USD")}, {"USD": Money("1000.00", "USD")}
    sweeps = propose_sweeps(bank, group, header.session.participant, level, Schedule.interval(DAY), end=end, cap=cap)
    assert len(sweeps) == 4
    by_id = {each.session.participant: each for each in people}
    assert {(each.payer, each.payee) for each in sweeps} == {
        (by.session.participant, to.session.participant)
        for by, to in ((rich, header), (poor, header), (header, rich), (header, poor))
    }
    armed = [_armed(by_id[each.payer], each.document) for each in sweeps]
    assert all(bank.rules.get(each).state is RuleState.ARMED for each in armed)
    for each in armed:
        if bank.rules.preview(each).pays:
            bank.rules.execute(each, idempotency_key=key("execute")).wait()
    assert [usd(bank, each) for each in (rich, poor)] == [5_000, 5_000]
    assert usd(bank, header) == 20_000
    assert sweeps[0].to_dict()["level"] == {"amount": "50.00", "currency": "USD", "minor": 5_000}


def test_a_sweep_goes_to_a_member_and_may_leave_nothing(bank: Platform, people: list[Platform], group: Group) -> None:
    header, rich, poor = people
    terms: dict[str, Any] = {"end": bank.session.now() + 30 * DAY, "cap": {"USD": Money("1000.00", "USD")}}
    daily, whole = Schedule.interval(DAY), {"USD": Money("0.00", "USD")}
    sweeps = propose_sweeps(bank, group, header.session.participant, whole, daily, **terms)
    # Nobody lacks what is left of nothing: there is nothing to top up.
    assert {(each.payer, each.payee) for each in sweeps} == {
        (each.session.participant, header.session.participant) for each in (rich, poor)
    }
    armed = _armed(rich, next(each.document for each in sweeps if each.payer == rich.session.participant))
    bank.rules.execute(armed, idempotency_key=key("execute")).wait()
    assert (usd(bank, rich), usd(bank, header)) == (0, 20_000)
    stranger = new_company(bank)
    with pytest.raises(InvalidRequest):
        propose_sweeps(bank, group, stranger.session.participant, whole, daily, **terms)
    with pytest.raises(InvalidRequest):
        propose_sweeps(bank, group, header.session.participant, {"EUR": Money("1.00", "EUR")}, daily, **terms)


def _armed(payer: Platform, document: Document) -> Document:
    signed: Callable[[Document], Document] = payer.rules.authorize
    agreed = signed(Document.from_json(document.to_json()))
    both: Any = payer.rules.collect([agreed, payer.rules.approve(agreed)])
    payer.rules.submit_mandate(both, idempotency_key=key("mandate")).wait()
    payer.rules.arm(both, idempotency_key=key("arm")).wait()
    return both  # type: ignore[no-any-return]
