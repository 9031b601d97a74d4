"""The ledger says what the chain says, at every block, in both databases, however it was filled."""

from __future__ import annotations

from pathlib import Path

import pytest
from scene import Scene

from pyjpm import Platform
from pyjpm.errors.ledger import InvalidPeriod, LedgerBehind, LedgerNotFound, LedgerOfOtherPlatform, LedgerReadsOnly
from pyjpm.ledger import Kind, Ledger

WHERE = str | Path


def chain_says(bank: Platform, wallets: list[str], currency: str, block: int) -> tuple[int, int, int, int]:
    """Balance, available, held and frozen over wallets, as the contract answers."""
    functions = ("balanceOf", "available", "held", "frozen")
    asked = [(currency, name, (wallet,)) for name in functions for wallet in wallets]
    answers = bank.session.calls(asked, block=block)
    count = len(wallets)
    return tuple(sum(answers[i * count : (i + 1) * count]) for i in range(4))  # type: ignore[return-value]


def wallets_of(bank: Platform, participant: int) -> list[str]:
    word = participant.to_bytes(32, "big")
    return [event.arguments["wallet"] for event in bank.session.events("ParticipantRegistry", "WalletLinked", word)]


def test_balances_are_those_of_the_chain_at_every_block(scene: Scene, ledger_url: WHERE) -> None:
    bank = scene.bank
    with Ledger(ledger_url, bank) as ledger:
        synced = ledger.sync()
        assert synced.block == bank.connection.head().number
        participants = {each.participant: wallets_of(bank, each.participant) for each in ledger.balances()}
        compared = 0
        for block in range(bank.record.block, synced.block + 1):
            for each in ledger.balances(at_block=block):
                expected = chain_says(bank, participants[each.participant], each.currency, block)
                assert (each.balance, each.available, each.held, each.frozen) == expected, (block, each)
                compared += 1
            assert ledger.supply("USD", at_block=block) == bank.session.call("USD", "totalSupply", block=block)
        assert compared > 150


def test_made_again_it_is_the_same_row_by_row(scene: Scene, tmp_path: Path, postgres_url: str) -> None:
    head = scene.bank.connection.head().number
    digests = []
    for where in (tmp_path / "one.db", postgres_url):
        with Ledger(where, scene.bank) as ledger:
            ledger.sync()
            digests.append(ledger.digest())
    with Ledger(tmp_path / "slowly.db", scene.bank) as ledger:
        for until in range(0, head + 1, 3):
            ledger.sync(until=until)
        assert ledger.sync().block == head
        digests.append(ledger.digest())
    assert len(set(digests)) == 1


def test_a_statement_tells_what_came_and_went_and_what_for(scene: Scene, ledger_url: WHERE) -> None:
    alice, bob = scene.alice.session.participant, scene.bob.session.participant
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        statement = ledger.statement(alice, "USD")
        kinds = [entry.kind for entry in statement.entries]
        assert kinds == [
            Kind.MINT,
            *[Kind.PAYMENT] * 6,
            Kind.REDEMPTION,
            Kind.SEIZED,
            Kind.TRADE,
            Kind.ESCROW,
        ]
        mint, paid = statement.entries[:2]
        assert (mint.amount_minor, mint.counterparty, paid.amount_minor, paid.counterparty) == (
            100_000,
            None,
            -1_000,
            bob,
        )
        assert mint.deposit_reference is not None
        assert paid.deposit_reference is None
        assert statement.opening == 0
        assert statement.closing == 100_000 - 1_000 - 500 - 3_000 - 1_500 - 10_000 - 6_000
        # From a block in the middle, and by the times of blocks: the same entries, cut.
        middle = statement.entries[4].block
        late = ledger.statement(alice, "USD", since_block=middle + 1)
        assert late.entries == tuple(entry for entry in statement.entries if entry.block > middle)
        assert late.closing == statement.closing
        at = statement.entries[-1].at
        until = ledger.statement(alice, "USD", until=at)
        assert until.entries == tuple(entry for entry in statement.entries if entry.at < at)
        since = ledger.statement(alice, "USD", since=at)
        assert since.opening == until.closing
        assert until.entries + since.entries == statement.entries


def test_balances_as_of_a_time_are_those_of_its_last_block(scene: Scene, ledger_url: WHERE) -> None:
    bank, alice = scene.bank, scene.alice.session.participant
    with Ledger(ledger_url, bank) as ledger:
        ledger.sync()
        for entry in ledger.statement(alice, "USD").entries:
            (by_time,) = ledger.balances(alice, "USD", at_time=entry.at)
            last = max(
                b for b in range(bank.connection.head().number + 1) if bank.connection.block(b).timestamp <= entry.at
            )
            expected = chain_says(bank, wallets_of(bank, alice), "USD", last)
            assert (by_time.balance, by_time.available, by_time.held, by_time.frozen) == expected
        assert ledger.balances(alice, "USD", at_time=1) == []


def test_what_cannot_be_answered_is_refused(scene: Scene, ledger_url: WHERE, tmp_path: Path) -> None:
    with pytest.raises(LedgerNotFound):
        Ledger(tmp_path / "nothing.db")
    if isinstance(ledger_url, str):
        with pytest.raises(LedgerNotFound):
            Ledger(ledger_url)
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync(until=20)
        assert ledger.block == 20
        with pytest.raises(LedgerBehind):
            ledger.balances(at_block=21)
        with pytest.raises(InvalidPeriod):
            ledger.balances(at_block=20, at_time=1)
        with pytest.raises(InvalidPeriod):
            ledger.statement(1, "USD", since_block=15, until_block=9)
    with Ledger(ledger_url) as reader:
        assert reader.block == 20
        with pytest.raises(LedgerReadsOnly):
            reader.sync()


def test_every_figure_of_the_books_is_the_contracts(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        compared = ledger.compare()
        assert compared.matches, compared.to_dict()
        assert compared.figures >= 40


def test_a_ledger_is_of_one_platform(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(ledger_url, scene.bank):
        pass
    session = scene.bank.session
    from dataclasses import replace

    other = type(session)(
        replace(session.record, genesis_hash="0x" + 64 * "1"), session.connection, session.journal, None, 1.0
    )
    with pytest.raises(LedgerOfOtherPlatform):
        Ledger(ledger_url, other)
