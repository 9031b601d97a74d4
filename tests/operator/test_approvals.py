"""Four eyes: what waits for whom, whose word counts, and that a word lapses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from operator_support import usd
from overtaking import overtake
from sqlalchemy import update

from pyjpm import Platform
from pyjpm.custody import LocalSigner
from pyjpm.errors.outbox import ApprovalRefused, InvalidApprovalPolicy, NotDecidable, OperationRejected
from pyjpm.payment import Payment
from pyjpm.sending import SubmissionState as State
from pyjpm.sending.approvals import ApprovalPolicy, Rule
from pyjpm.sending.lanes import recover
from pyjpm.sending.tables import payment
from pyjpm.sending.trail import Trail
from pyjpm.testing import new_company

CHECKERS = [LocalSigner.generate() for _ in range(3)]


@pytest.fixture
def careful(bank: Platform, chain: Any, record: Path, journal_url: str | Path, tmp_path: Path) -> Iterator[Platform]:
    """A payer above whose 100.00 two of three checkers, itself among those listed, have to agree."""
    signer = new_company(bank, deposit="1000.00").session.signer
    listed = ", ".join(f'"{each.address}"' for each in [*CHECKERS, signer])
    policy = tmp_path / "approvals.toml"
    policy.write_text(
        f'[[rule]]\nkinds = ["payments.pay"]\nabove = "100.00"\ncurrency = "USD"\nneeded = 2\ncheckers = [{listed}]\n'
    )
    with Platform.connect(chain.connection(), record, signer=signer, journal=journal_url, approvals=policy) as platform:
        yield platform


@pytest.fixture
def pay(careful: Platform, seller: Platform) -> Callable[..., Payment]:
    def call(key: str, amount: str = "100.01", **options: Any) -> Payment:
        return careful.payments.create(seller.session.wallet, usd(amount), idempotency_key=key, **options)

    return call


def say(
    platform: Platform, payment: str, checker: Any, *, approved: bool = True, seconds: int = 3600, about: str = ""
) -> State:
    approvals, now = platform.outbox.approvals(), int(time.time())
    signature = approvals.sign(about or payment, checker, approved=approved, expires=now + seconds)
    return approvals.decide(
        payment,
        checker=checker.address,
        approved=approved,
        expires=now + seconds,
        signature=signature,
        reason="looked at the invoice",
        now=now,
    ).state


def test_two_words_let_a_payment_go_and_a_small_one_needs_none(careful: Platform, pay: Callable[..., Payment]) -> None:
    assert pay("small", "100.00").wait(20).tx_hash
    large = pay("large")
    assert careful.session.journal.get(large.id).state is State.RECEIVED
    assert say(careful, large.id, CHECKERS[0]) is State.RECEIVED
    assert say(careful, large.id, CHECKERS[0]) is State.RECEIVED, "one checker counts once"
    assert say(careful, large.id, CHECKERS[1]) is State.APPROVED
    assert large.wait(20).tx_hash
    life = careful.outbox.overview.show(large.id)
    assert {each["checker"] for each in life["approvals"]} == {each.address for each in CHECKERS[:2]}
    assert [each["act"] for each in life["decisions"]] == ["approve"] * 3
    with pytest.raises(NotDecidable):
        say(careful, large.id, CHECKERS[2])


def test_words_that_do_not_count(careful: Platform, pay: Callable[..., Payment]) -> None:
    large, same = pay("large"), pay("the same once more")
    with pytest.raises(ApprovalRefused, match="maker and checker"):
        say(careful, large.id, careful.session.signer)
    with pytest.raises(ApprovalRefused, match="nobody whom"):
        say(careful, large.id, LocalSigner.generate())
    with pytest.raises(ApprovalRefused, match="expired"):
        say(careful, large.id, CHECKERS[0], seconds=0)
    with pytest.raises(ApprovalRefused, match="not signed"):
        say(careful, large.id, CHECKERS[0], about=same.id)
    assert careful.session.journal.trail.of() == []
    assert careful.outbox.overview.show(large.id)["approvals"] == []


def test_one_no_rejects(careful: Platform, pay: Callable[..., Payment]) -> None:
    large = pay("large")
    assert say(careful, large.id, CHECKERS[0], approved=False) is State.REJECTED
    with pytest.raises(OperationRejected, match="looked at the invoice"):
        large.wait(5)


def test_what_is_asked_for_again_after_a_no_waits_for_new_words(careful: Platform, pay: Callable[..., Payment]) -> None:
    large = pay("large")
    assert say(careful, large.id, CHECKERS[0]) is State.RECEIVED
    assert say(careful, large.id, CHECKERS[1], approved=False) is State.REJECTED
    assert pay("large").id == large.id
    assert say(careful, large.id, CHECKERS[2]) is State.RECEIVED, "the word from before is none any more"
    assert say(careful, large.id, CHECKERS[0]) is State.APPROVED
    assert large.wait(20).tx_hash


@pytest.mark.parametrize("approved", [True, False])
def test_a_word_that_comes_too_late_changes_nothing(
    careful: Platform,
    pay: Callable[..., Payment],
    seller: Platform,
    paused: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    approved: bool,
) -> None:
    """Another checker's word let it go, and it was sent, since this one's checker saw it wait."""
    journal, wallet = careful.session.journal, careful.session.wallet
    large = pay("large")
    say(careful, large.id, CHECKERS[0])

    def let_go() -> None:
        assert say(careful, large.id, CHECKERS[1]) is State.APPROVED
        careful.session.sender.carry_on()
        assert journal.get(large.id).state is State.BROADCAST

    overtake(monkeypatch, Trail, "deciding", let_go)
    with pytest.raises(NotDecidable, match="meanwhile"):
        say(careful, large.id, CHECKERS[2], approved=approved)
    assert journal.get(large.id).state is State.BROADCAST
    life = careful.outbox.overview.show(large.id)
    assert {each["checker"] for each in life["approvals"]} == {each.address for each in CHECKERS[:2]}
    assert [each["who"] for each in life["decisions"]] == [each.address for each in CHECKERS[:2]]
    careful.session.sender.carry_on()
    paused()
    large.wait(20)
    careful.session.sender.carry_on()
    paused()
    chain = careful.connection
    assert chain.transaction_count(wallet, at=chain.head().number) == 1, "sent once"
    assert str(seller.deposits.balance(currency="USD").balance.amount) == "100.01"


def test_a_word_about_another_wallets_payment_is_none(
    careful: Platform, pay: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is signed over the wallet that would send: what another wallet of the payer asks for since is another's."""
    large = pay("large")
    say(careful, large.id, CHECKERS[0])

    def moved() -> None:
        lanes, other = careful.session.journal.lanes, LocalSigner.generate().address
        lanes.take(other, chain_nonce=0, known_to=0)
        with lanes.writing([other]) as connection:
            connection.execute(update(payment).where(payment.c.id == large.id).values(wallet=other))

    overtake(monkeypatch, Trail, "deciding", moved)
    with pytest.raises(NotDecidable, match="meanwhile"):
        say(careful, large.id, CHECKERS[1])
    assert careful.session.journal.get(large.id).state is State.RECEIVED


def test_no_no_is_taken_while_the_wallet_recovers(
    careful: Platform, pay: Callable[..., Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it began to since the chain was asked."""
    large, lanes, wallet = pay("large"), careful.session.journal.lanes, careful.session.wallet

    def found_behind() -> None:
        with lanes.writing([wallet]) as connection:
            recover(connection, wallet, 1)

    overtake(monkeypatch, Trail, "deciding", found_behind)
    with pytest.raises(NotDecidable, match="lost bytes"):
        say(careful, large.id, CHECKERS[0], approved=False)
    assert careful.session.journal.get(large.id).state is State.RECEIVED
    assert careful.outbox.overview.show(large.id)["approvals"] == []


def test_a_word_that_lapsed_before_the_value_date_is_asked_for_again(
    careful: Platform, pay: Callable[..., Payment]
) -> None:
    large = pay("large", not_before=int(time.time()) + 3)
    assert say(careful, large.id, CHECKERS[0], seconds=1) is State.RECEIVED
    assert say(careful, large.id, CHECKERS[1]) is State.SCHEDULED
    time.sleep(3.1)
    careful.session.sender.carry_on()
    assert careful.session.journal.get(large.id).state is State.RECEIVED
    assert say(careful, large.id, CHECKERS[0]) is State.APPROVED
    assert large.wait(20).tx_hash


@pytest.mark.parametrize("kinds", ['"payments.pay"', "[]", "[1]"])
def test_a_rule_that_would_be_about_nothing_is_refused(tmp_path: Path, kinds: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[[rule]]\nkinds = {kinds}\ncheckers = ["{CHECKERS[0].address}"]\n')
    with pytest.raises(InvalidApprovalPolicy):
        ApprovalPolicy.load(path)


@pytest.mark.parametrize(
    ("content", "asks"),
    [
        ({"amount": 10_001, "currency": "USD"}, True),
        ({"amount": 10_000, "currency": "USD"}, False),
        ({"amount": 10_001, "currency": "JPY"}, False),  # another rule's
        ({"amount": "1", "currency": "USD"}, True),
        ({"amount": True, "currency": "USD"}, True),
        ({"currency": "USD"}, True),
        ({"amount": 1}, True),  # as the orders' engine holds money for a milestone: of which currency nobody says
        ({"amount": 1, "currency": None}, True),
        ({}, True),
    ],
)
def test_an_amount_that_cannot_be_told_is_too_much(content: dict[str, Any], asks: bool) -> None:
    rule = Rule(("*",), usd("100.00"), frozenset({CHECKERS[0].address}), 1)
    assert rule.asks("escrow.holdAndCall", content) is asks


@pytest.mark.parametrize(
    "text",
    ["", "[[rule]]\n", '[[rule]]\nkinds = ["a"]\ncheckers = []\n', '[[rule]]\nkinds = ["a"]\nsurplus = 1\n', "%"],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(InvalidApprovalPolicy):
        ApprovalPolicy.load(path)
