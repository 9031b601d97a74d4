"""What the chain takes back is taken back in the ledger, which then is the one made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted import write
from scene import usd
from web3.providers.base import JSONBaseProvider

from pyjpm import LocalSigner
from pyjpm.chain import Connection, LocalAnvil, Nodes
from pyjpm.errors.ledger import LedgerMoved
from pyjpm.errors.seeing import ReorgTooDeep, ViewBehind
from pyjpm.ledger import BreakKind, Ledger
from pyjpm.ledger.reader import DEPTH
from pyjpm.testing import backed_platform, new_company


def test_replaced_blocks_are_replaced_in_the_ledger(ledger_url: str | Path, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        alice, bob = new_company(bank, deposit="100.00"), new_company(bank)
        ledger = Ledger(ledger_url, bank)
        ledger.sync()
        before = ledger.digest()
        snapshot = bank.connection.development_request("evm_snapshot")
        paid = alice.payments.create(bob.session.wallet, usd("30.00"), idempotency_key="lost").wait()
        # An account that only the replaced blocks know, too.
        newcomer = new_company(bank)
        alice.payments.create(newcomer.session.wallet, usd("1.00"), idempotency_key="lost too").wait()
        top = ledger.sync().block
        (balance,) = ledger.balances(bob.session.participant, "USD")
        assert balance.balance == 3_000
        assert ledger.digest() != before

        assert bank.connection.development_request("evm_revert", snapshot)
        bank.connection.development_request("anvil_mine", hex(top))  # now the other branch is the longer one
        synced = ledger.sync()
        assert paid.block is not None
        assert synced.taken_back == top - (paid.block - 1)
        assert ledger.balances(bob.session.participant, "USD") == []
        assert ledger.digest() == before
        with Ledger(tmp_path / "anew.db", bank) as anew:
            anew.sync()
            assert anew.digest() == before
        ledger.close()


def test_a_chain_that_left_too_long_ago_is_no_chain_of_ours(ledger_url: str | Path, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
        Ledger(ledger_url, bank) as ledger,
    ):
        snapshot = bank.connection.development_request("evm_snapshot")
        bank.connection.development_request("anvil_mine", hex(DEPTH + 2))
        top, digest = ledger.sync().block, ledger.digest()
        assert bank.connection.development_request("evm_revert", snapshot)
        bank.connection.development_request("anvil_mine", hex(2 * DEPTH), hex(7000))
        with pytest.raises(ReorgTooDeep):
            ledger.sync()
        assert (ledger.block, ledger.digest()) == (top, digest)


def test_a_node_that_lags_takes_nothing_back(ledger_url: str | Path, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        snapshot = bank.connection.development_request("evm_snapshot")
        bank.connection.development_request("anvil_mine", hex(5))
        with Ledger(ledger_url, bank, patience=0.2) as ledger:
            top = ledger.sync().block
            assert bank.connection.development_request("evm_revert", snapshot)
            with pytest.raises(ViewBehind):
                ledger.sync()
            assert ledger.block == top


class Behind(JSONBaseProvider):
    """A node that has not come further than one block."""

    def __init__(self, connection: Connection, block: int) -> None:
        super().__init__()
        self._request = connection.web3.provider.make_request
        self._block = block

    def make_request(self, method: Any, params: Any) -> Any:
        if method == "eth_blockNumber":
            return {**self._request(method, params), "result": hex(self._block)}
        newest = method == "eth_getBlockByNumber" and params[0] == "latest"
        return self._request(method, [hex(self._block), *params[1:]] if newest else params)


def test_by_a_node_that_lags_nothing_is_called_equal(ledger_url: str | Path, tmp_path: Path) -> None:
    """What it has not seen yet was compared with nothing."""
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        alice = new_company(bank, deposit="100.00")
        seen = bank.connection.head().number
        bank.participants.set_daily_limit(alice.session.participant, usd("7.00"), idempotency_key="limit").wait()
        with Ledger(ledger_url, bank) as ledger:
            ledger.sync()
        write(ledger_url, f"DELETE FROM ledger_event WHERE block > {seen} AND name = 'DailyLimitSet'")
        with Ledger(ledger_url, bank) as ledger:
            assert [each.kind for each in ledger.reconcile().breaks] == [BreakKind.LEDGER_ROW_MISSING]
        behind = Nodes([Connection.open(Behind(bank.connection, seen))])
        with Ledger(ledger_url, bank, nodes=behind, patience=0.2) as ledger, pytest.raises(ViewBehind):
            ledger.reconcile()


def test_of_two_that_sync_the_later_stores_nothing(ledger_url: str | Path, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
    ):
        first, second = Ledger(ledger_url, bank), Ledger(ledger_url, bank, nodes=Nodes([bank.connection]))
        first.sync()
        digest = first.digest()

        def meanwhile(block: int, events: int) -> None:
            second.sync()

        bank.connection.development_request("anvil_mine", hex(100))
        with pytest.raises(LedgerMoved):
            first.sync(progress=meanwhile)
        assert second.digest() == digest
        assert first.sync().events == 0
        first.close()
        second.close()
